"""
The real AWS CLI, many commands one after the other without loading it each time: that takes a second or two.

    .awscli/bin/python tests/integrity/aws_cli.py < commands.json > outcomes.json

Commands are lists of words; outcomes have `code`, `out` and `err`. Each runs in a process of its own, because a command
keeps its counts; the process is a fork of one that has loaded what all of them need.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any


def run(words: list[str], driver: Any) -> dict[str, object]:
    """What a command prints, and the code it ends with."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = driver.main(words)
        except SystemExit as error:
            code = error.code
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def forked(words: list[str], driver: Any) -> dict[str, object]:
    """The same in a fork."""
    here, there = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(there, "w") as pipe:
            json.dump(run(words, driver), pipe)
        os._exit(0)
    os.close(there)
    with os.fdopen(here) as pipe:
        outcome: dict[str, object] = json.load(pipe)
    os.waitpid(child, 0)
    return outcome


if __name__ == "__main__":
    from awscli.clidriver import create_clidriver

    loaded = create_clidriver()
    for service in ("cloudtrail", "s3", "organizations", "sts"):
        loaded.session.create_client(service, region_name="us-east-1")
    print(json.dumps([forked(words, loaded) for words in json.load(sys.stdin)]))

"""
The real AWS CLI, many commands in one process: starting it anew costs a second or two each time.

    .awscli/bin/python tests/integrity/aws_cli.py < commands.json > outcomes.json

Commands are lists of words; outcomes have `code`, `out` and `err`.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys


def run(words: list[str]) -> dict[str, object]:
    from awscli.clidriver import create_clidriver

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = create_clidriver().main(words)
        except SystemExit as error:
            code = error.code
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


if __name__ == "__main__":
    print(json.dumps([run(words) for words in json.load(sys.stdin)]))

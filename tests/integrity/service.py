"""CloudTrail's and Organizations' API as far as validation asks it, on the loopback, and the AWS CLI to ask it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.integrity.made_chain import ORGANIZATION, Made
from tests.made import ACCOUNT, REGION
from tests.servers import KEYS, REPOSITORY

AWSCLI = REPOSITORY / ".awscli" / "bin" / "python"
"""What `make awscli` brings."""


class Service(BaseHTTPRequestHandler):
    """ListPublicKeys, DescribeTrails and DescribeOrganization, JSON 1.1."""

    protocol_version = "HTTP/1.1"
    made: list[Made]
    asked: list[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.asked.append(operation)
        answer: dict[str, Any] = {}
        if operation == "ListPublicKeys":
            answer = {"PublicKeyList": list(self._keys(body.get("StartTime", 0), body.get("EndTime", 1e11)))}
        elif operation == "DescribeTrails":
            wanted = set(body.get("trailNameList", ()))
            answer = {"trailList": [_trail(each) for each in self.made if not wanted or each.arn in wanted]}
        elif operation == "DescribeOrganization":
            answer = {"Organization": {"Id": ORGANIZATION, "MasterAccountId": ACCOUNT}}
        encoded = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _keys(self, since: float, until: float) -> Iterator[dict[str, Any]]:
        for each in self.made:
            for key in each.keys:
                if key.since.timestamp() <= until and key.until.timestamp() >= since:
                    told = {"ValidityStartTime": key.since.timestamp(), "ValidityEndTime": key.until.timestamp()}
                    yield key.as_json() | told

    def log_message(self, *arguments: Any) -> None:
        return None


def _trail(made: Made) -> dict[str, Any]:
    return {
        "Name": made.trail,
        "TrailARN": made.arn,
        "S3BucketName": made.bucket,
        "S3KeyPrefix": made.prefix.rstrip("/"),
        "HomeRegion": REGION,
        "IsOrganizationTrail": bool(made.organization),
    }


@contextmanager
def serving(made: Iterable[Made]) -> Iterator[tuple[str, list[str]]]:
    """The service at a URL, and the operations it was asked for."""
    asked: list[str] = []
    kind = type("OneService", (Service,), {"made": list(made), "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def endpoints(service: str, s3: str) -> dict[str, str]:
    """The environment with which AWS tools find both, and no one's own configuration."""
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**KEYS, **nowhere, "AWS_ENDPOINT_URL": service, "AWS_ENDPOINT_URL_S3": s3}


class AwsCli:
    """Commands of the AWS CLI that run in a process of their own; `outcomes` waits for them."""

    def __init__(self, commands: list[list[str]], environment: dict[str, str]) -> None:
        script = Path(__file__).with_name("aws_cli.py")
        self._process = subprocess.Popen(
            [str(AWSCLI), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": os.devnull, **environment},
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(commands))
        self._process.stdin.close()

    @cached_property
    def outcomes(self) -> list[dict[str, Any]]:
        """`code`, `out` and `err` of each."""
        assert self._process.stdout is not None
        found: list[dict[str, Any]] = json.loads(self._process.stdout.read())
        return found

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

"""Servers on this machine's loopback for tests: an AWS that speaks the real API, and a proxy that spoils answers."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
SECRETS = (KEYS["AWS_SECRET_ACCESS_KEY"],)


@dataclass
class Server:
    """A running server: its URL, and a log with one line a request."""

    url: str
    log: Path

    def client(self, service: str) -> Any:
        """A boto3 client of this server."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=20),
        )

    def requests(self, pattern: str) -> int:
        """Requests logged so far that match."""
        return len(re.findall(pattern, self.log.read_text(errors="replace"), re.MULTILINE))


LIST = r'"GET /[^/? ]+/?\?[^ ]*list-type=2'
GET_OBJECT = r'"GET /[^/? ]+/[^? ]+ HTTP'


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(words: list[str], log: Path, url: str, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """A server process that answers, until the block ends."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            words, stdout=file, stderr=subprocess.STDOUT, cwd=REPOSITORY, env={**os.environ, **(environment or {})}
        )
    try:
        _wait_for(url, process, log)
        yield Server(url, log)
    finally:
        process.kill()
        process.wait()


@contextmanager
def aws_server(folder: Path, seed: Path | None = None) -> Iterator[Server]:
    """
    moto's server in a process of its own.

    Args:
        folder: For its log.
        seed: A folder of buckets with objects, loaded before it answers.
    """
    pytest.importorskip("moto", reason="moto is not installed")
    port = free_port()
    words = [sys.executable, "-m", "tests.moto_process", str(port), *([str(seed)] if seed else [])]
    # A generous quota of the machine's time is not assumed: the server makes its own start known by answering.
    with running(words, folder / "aws-server.log", f"http://127.0.0.1:{port}", KEYS) as server:
        yield server


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server does not answer: {log.read_text()[-2000:]}")

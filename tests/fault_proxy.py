"""
A proxy that spoils answers: `python -m tests.fault_proxy PORT UPSTREAM_PORT SEED [hopeless]`.

Which request is spoiled, and how, follows from the seed and the key alone, so that a run can be repeated. Only GETs of
log files are spoiled, each key at most three times, unless it is hopeless. Loopback only.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

STALL_SECONDS = 30
FAULTS = ("drop", "slow-down", "error", "short", "long", "refuse", "none", "none", "none", "none", "none", "none")
_TIMES = threading.Lock()


class Proxy(BaseHTTPRequestHandler):
    """Hands requests on, and spoils some of the answers."""

    protocol_version = "HTTP/1.1"
    upstream = 0
    seed = ""
    hopeless = 0.0
    expires_after = 0
    spoiled: Counter[str] = Counter()
    served = 0

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def _handle(self) -> None:
        path = self.path.split("?", 1)[0]
        fault = self._fault(path) if self.command == "GET" and path.endswith(".json.gz") else "none"
        if fault == "slow-down":
            return self._answer(503, _error("SlowDown", "Please reduce your request rate."))
        if fault == "error":
            return self._answer(500, _error("InternalError", "We encountered an internal error. Please try again."))
        if fault == "expired":
            return self._answer(400, _error("ExpiredToken", "The provided token has expired."))
        if fault == "refuse":
            self.close_connection = True
            return None
        if fault == "stall":
            time.sleep(STALL_SECONDS)
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        upstream.request(self.command, self.path, headers=dict(self.headers.items()))
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN]
        self._pass_on(answer.status, headers, body, fault)

    def _pass_on(self, status: int, headers: list[tuple[str, str]], body: bytes, fault: str) -> None:
        announced = len(body)
        if fault == "short":  # fewer bytes than there are, and nothing tells
            body = body[: len(body) // 2]
            announced = len(body)
            headers = [(name, value) for name, value in headers if "checksum" not in name.lower()]
        elif fault == "long":
            announced += 100
        elif fault == "drop":
            body = body[: len(body) // 2]
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if fault in {"drop", "long"}:
            self.close_connection = True

    def _fault(self, path: str) -> str:
        with _TIMES:
            type(self).served += 1
            if self.expires_after and self.served > self.expires_after:
                return "expired"
            luck = Random(f"{self.seed} {path}")
            fault = luck.choice(FAULTS)
            if luck.random() < 0.005:
                fault = "stall" if not self.spoiled[path] else "none"
            if luck.random() < self.hopeless:
                return luck.choice(("drop", "error", "short"))
            if fault == "none" or self.spoiled[path] >= luck.randint(1, 3):
                return "none"
            self.spoiled[path] += 1
            return fault

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_OWN = {"content-length", "connection", "transfer-encoding", "date", "server"}


def _error(code: str, message: str) -> bytes:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()


if __name__ == "__main__":
    Proxy.upstream, Proxy.seed = int(sys.argv[2]), sys.argv[3]
    Proxy.hopeless, Proxy.expires_after = float(sys.argv[4]), int(sys.argv[5])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy).serve_forever()

"""Servers on loopback that alerts go to: SMTP with STARTTLS and a password, syslog over UDP, TCP and a unix socket."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from trailql.detect.finding import Finding, Severity, fingerprint
from trailql.sinks.alert import Alert, alert_key, next_step


@dataclass
class Request:
    """What a web server got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """A web server that writes down what it gets, and answers as it is told."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def web_server() -> Iterator[Web]:
    """Answers 200 unless an answer was put into `answers`."""
    web = Web("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            web.requests.append(Request(self.path, dict(self.headers.items()), body))
            status, headers, said = web.answers.pop(0) if web.answers else (200, {}, b"ok")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Mail:
    """A mail server's port, what it got, and the certificate it shows."""

    port: int
    certificate: Path
    letters: list[tuple[str, list[str], bytes]] = field(default_factory=list)


@contextmanager
def mail_server(folder: Path, *, user: str, password: str, refuse: int = 0) -> Iterator[Mail]:
    """SMTP that wants STARTTLS and a sign-in; refuses so many letters first."""
    pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed")
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    certificate, key = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    mail = Mail(0, certificate)
    refusals = [refuse]

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            if refusals[0]:
                refusals[0] -= 1
                return "451 4.3.0 try later"
            mail.letters.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 OK"

    def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (user.encode(), password.encode()), handled=False)

    controller = Controller(
        Handler(),
        hostname="127.0.0.1",
        port=0,
        tls_context=context,
        require_starttls=True,
        authenticator=sign_in,
        auth_required=True,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    mail.port = controller.port
    try:
        yield mail
    finally:
        controller.stop()


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "mail.crt", folder / "mail.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@contextmanager
def syslog_server(protocol: str, folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Address and messages of a syslog server; a message of TCP comes with its length before it."""
    got: list[bytes] = []

    class Datagram(socketserver.DatagramRequestHandler):
        def handle(self) -> None:
            got.append(self.rfile.read())

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            got.append(self.rfile.read())

    if protocol == "unix":
        server: socketserver.BaseServer = socketserver.UnixDatagramServer(str(folder / "log"), Datagram)
        address = str(folder / "log")
    else:
        kind = socketserver.UDPServer if protocol == "udp" else socketserver.ThreadingTCPServer
        server = kind(("127.0.0.1", 0), Datagram if protocol == "udp" else Stream)
        address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield address, got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


NASTY = "arn:aws:iam::111122223333:user/<!channel>*`</td><script>alert(1)</script>`\x1b[31m\r\nBcc: eve@example.com"
"""An actor whose name is written to be obeyed."""


def finding(**fields: Any) -> Finding:
    """A finding as a detection gives it."""
    moment = datetime(2026, 10, 14, 3, 11, 53, tzinfo=UTC)
    given: dict[str, Any] = {
        "id": "iam.administrator_policy_attached",
        "title": "A policy that allows everything was attached or made the default",
        "severity": Severity.HIGH,
        "attack": ("T1098.003",),
        "first_event_time": moment,
        "last_event_time": moment + timedelta(minutes=2, seconds=9),
        "account": "111122223333",
        "region": "us-east-1",
        "actor": "arn:aws:iam::111122223333:user/web-developer",
        "source_ip": "203.0.113.66",
        "event_ids": ("e1", "e2"),
        "numbers": {"calls": 2, "eventName": "AttachUserPolicy", "requestParameters": '{"userName":"build-bot"}'},
        "enrichment": {"account_name": "production", "country": "NL", "asn": "AS64500", "as_name": "Example Hosting"},
    }
    given |= fields
    made = Finding(**given)
    return made if made.fingerprint else Finding(**given, fingerprint=fingerprint(made.id, made.account, made.actor))


def alert(sink: str = "sink", reason: str = "new", **fields: Any) -> Alert:
    """An alert about it."""
    from trailql.report.findings import finding_rows
    from trailql.report.rows import Format
    from trailql.report.text import plain

    found = finding(**fields)
    names, [row] = finding_rows([found], Format.JSONL)
    told = {name: plain(value) for name, value in zip(names, row, strict=True)}
    key = alert_key(found.fingerprint, sink, reason)
    more = {
        "first_event_time": found.first_event_time.isoformat(),
        "last_event_time": found.last_event_time.isoformat(),
        "key": key,
        "reason": reason,
        "hunt": "main",
        "status": "open",
        "events": len(found.event_ids),
        "times_seen": 1,
        "found_at": (found.last_event_time + timedelta(minutes=11)).isoformat(),
        "description": "administrator rights were given to a user, role or group",
        "false_positives": "setting up a new account",
        "source": "https://docs.aws.amazon.com/",
        "lake": "/var/lib/trailql",
        "next_step": next_step(found.fingerprint, "/var/lib/trailql"),
    }
    return Alert(key, {**told, **more})

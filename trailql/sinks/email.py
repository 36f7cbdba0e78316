"""
E-mail over SMTP: a mail an alert, as plain text and as HTML, in which everything from a log is escaped.

The Message-ID is made of the idempotency key: a mail that comes twice is the same mail, and clients show it once.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any

from trailql.detect.finding import Severity
from trailql.errors import SinkError
from trailql.report.text import visible
from trailql.sinks.alert import Alert, Words, in_words
from trailql.sinks.secret import Secret
from trailql.sinks.sink import Key, Kind, Sink

_SECONDS = 20
_SUBJECT = 180
_COLOURS = {
    Severity.CRITICAL: "#8b0000",
    Severity.HIGH: "#c62828",
    Severity.MEDIUM: "#b26a00",
    Severity.LOW: "#1565c0",
    Severity.INFO: "#546e7a",
}
_URGENT = Severity.HIGH


class _Email:
    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self._name = name
        self._values = values
        self._server: smtplib.SMTP | None = None

    def send(self, alert: Alert) -> None:
        message = mail(alert, self._values["from"], self._values["to"])
        try:
            if self._server is None:
                self._server = self._connected()
            refused = self._server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            self._drop()
            raise SinkError(f"no recipient was accepted: {_codes(error.recipients)}", at=self._name) from None
        except smtplib.SMTPResponseException as error:
            self._drop()
            raise SinkError(
                self._hidden(f"answered {error.smtp_code} {_text(error.smtp_error)}"), at=self._name
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise SinkError(self._hidden(f"cannot be reached: {visible(str(error)).lower()}"), at=self._name) from None
        if refused:
            raise SinkError(f"some recipients were refused: {_codes(refused)}", at=self._name, is_alert=True)

    def close(self) -> None:
        if self._server is not None:
            try:
                self._server.quit()
            except (smtplib.SMTPException, OSError):
                self._server.close()
            self._server = None

    def _connected(self) -> smtplib.SMTP:
        host, security = self._values["host"], self._values.get("security", "starttls")
        context = ssl.create_default_context(cafile=self._values.get("ca_file"))
        if security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, int(self._values.get("port", 465)), timeout=_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(host, int(self._values.get("port", 587)), timeout=_SECONDS)
            if security == "starttls":
                server.starttls(context=context)
        password: Secret | None = self._values.get("password")
        if password is not None:
            server.login(self._values["user"], password.value())
        return server

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _hidden(self, text: str) -> str:
        password: Secret | None = self._values.get("password")
        return password.hidden(text) if password else text


def mail(alert: Alert, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """An alert as a mail."""
    words = in_words(alert)
    message = EmailMessage()
    subject = f"{words.headline}, {words.summary}"
    message["Subject"] = subject if len(subject) <= _SUBJECT else f"{subject[: _SUBJECT - 2]} …"
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(alert.found)
    message["Message-ID"] = f"<{alert.key}@{sender.rpartition('@')[2].strip('> ') or socket.gethostname()}>"
    message["References"] = f"<{alert.fingerprint}@{sender.rpartition('@')[2].strip('> ') or 'trailql'}>"
    message["X-Trailql-Key"] = alert.key
    message["X-Trailql-Severity"] = alert.severity.name.lower()
    message["Auto-Submitted"] = "auto-generated"
    if alert.severity >= _URGENT and not alert.is_over:
        message["Importance"] = "high"
    message.set_content(plain_text(words))
    message.add_alternative(html(words, alert.severity), subtype="html")
    return message


def plain_text(words: Words) -> str:
    """The mail for those who read plain text."""
    width = max((len(label) for label, _ in words.facts), default=0)
    lines = [words.headline, words.summary, ""]
    if words.again:
        lines += [words.again, ""]
    lines += [f"{label:<{width}}  {text}" for label, text in words.facts]
    if words.next_step:
        lines += ["", f"Look     {words.next_step}"]
    if words.take_it:
        lines.append(f"Take it  {words.take_it}")
    for label, text in (("Why it matters", words.why), ("May be harmless", words.harmless)):
        if text:
            lines += ["", f"{label}: {text}"]
    return "\n".join(lines) + "\n"


def html(words: Words, severity: Severity) -> str:
    """The mail for everybody else: no images, no links, nothing to load."""
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;padding:3px 16px 3px 0;color:#555;white-space:nowrap">'
        f'{escape(label)}</th><td style="padding:3px 0;word-break:break-word">{escape(text)}</td></tr>'
        for label, text in words.facts
    )
    said = "".join(
        f"<p><strong>{label}.</strong> {escape(text)}</p>"
        for label, text in (("Why it matters", words.why), ("May be harmless", words.harmless))
        if text
    )
    again = f"<p><em>{escape(words.again)}</em></p>" if words.again else ""
    step = (
        '<pre style="background:#f4f4f4;padding:8px;white-space:pre-wrap">'
        f"{escape(words.next_step)}\n{escape(words.take_it)}".rstrip()
        + "</pre>"
        if words.next_step
        else ""
    )
    return (
        '<!doctype html><html><body style="font-family:sans-serif;font-size:14px;color:#222;max-width:720px">'
        f'<h2 style="color:{_COLOURS[severity]};font-size:18px;margin:0 0 4px">{escape(words.headline)}</h2>'
        f'<p style="margin:0 0 12px;color:#555">{escape(words.summary)}</p>{again}'
        f'<table style="border-collapse:collapse">{rows}</table>{step}{said}</body></html>\n'
    )


def _codes(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{visible(name)} ({code} {_text(why)})" for name, (code, why) in sorted(refused.items()))[:300]


def _text(said: bytes | str) -> str:
    return visible(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)[:200]


def _make(name: str, values: Mapping[str, Any]) -> Sink:
    return _Email(name, values)


EMAIL = Kind(
    {
        "host": Key("text", "the mail server", is_needed=True),
        "port": Key("number", "its port: 587 by default, 465 for tls"),
        "security": Key("text", "starttls (the default), tls, or none", choices=("starttls", "tls", "none")),
        "ca_file": Key("text", "certificates to trust instead of the system's"),
        "user": Key("text", "user to sign in as; needs password"),
        "password": Key("secret", "password to sign in with; needs user"),
        "from": Key("text", "sender", is_needed=True),
        "to": Key("texts", "recipients", is_needed=True),
    },
    _make,
    is_for_people=True,
)

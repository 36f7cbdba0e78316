"""
Syslog as RFC 5424 has it, over UDP, TCP (octet counting, RFC 6587) or a unix socket.

The message is the alert's JSON; structured data hold key, severity, detection and account. UDP is told once and gives
no answer: a log that may not lose an alert takes TCP.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from trailql.detect.finding import Severity
from trailql.errors import SinkError
from trailql.sinks.alert import Alert, as_json
from trailql.sinks.sink import Key, Kind, Sink

_SECONDS = 10
_CLOSING_SECONDS = 2
_FACILITIES = ("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console solaris-cron "
               "local0 local1 local2 local3 local4 local5 local6 local7").split()  # fmt: skip
_LEVELS = {Severity.CRITICAL: 2, Severity.HIGH: 3, Severity.MEDIUM: 4, Severity.LOW: 5, Severity.INFO: 6}
_DATAGRAM = 60_000


class _Syslog:
    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self._name = name
        self._values = values
        self._socket: socket.socket | None = None

    def send(self, alert: Alert) -> None:
        protocol = self._values.get("protocol", "udp")
        message = syslog_message(alert, facility=self._values.get("facility", "user"), host=socket.gethostname())
        try:
            if self._socket is None:
                self._socket = self._connected(protocol)
            if protocol == "tcp":
                self._socket.sendall(f"{len(message)} ".encode() + message)
            else:
                self._socket.send(message[:_DATAGRAM])
        except OSError as error:
            self.close()
            raise SinkError(f"cannot be reached: {(error.strerror or str(error)).lower()}", at=self._name) from error
        if protocol == "tcp":
            self._notice_closing()

    def _notice_closing(self) -> None:
        """What is sent to a server that has gone is lost without a word; ending the connection asks for one."""
        assert self._socket is not None
        try:
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(_CLOSING_SECONDS)
            while self._socket.recv(4096):
                pass
        except TimeoutError:
            return  # it listens, and does not close: it has what was sent
        except OSError as error:
            raise SinkError(f"broke off: {(error.strerror or str(error)).lower()}", at=self._name) from error
        finally:
            self.close()

    def _connected(self, protocol: str) -> socket.socket:
        address = str(self._values["address"])
        if protocol == "unix":
            found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            found.settimeout(_SECONDS)
            found.connect(address)
            return found
        host, _, port = address.rpartition(":")
        if protocol == "tcp":
            return socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS)
        family, kind, number, _, target = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        found = socket.socket(family, kind, number)
        found.settimeout(_SECONDS)
        found.connect(target)
        return found

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def syslog_message(alert: Alert, *, facility: str, host: str) -> bytes:
    """One message of RFC 5424."""
    priority = _FACILITIES.index(facility) * 8 + _LEVELS[alert.severity]
    told = alert.told
    data = {
        "key": alert.key,
        "severity": told["severity"],
        "detection": told["id"],
        "account": told.get("account"),
        "fingerprint": told["fingerprint"],
    }
    elements = " ".join(f'{name}="{_parameter(str(value))}"' for name, value in data.items() if value)
    time = alert.found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{priority}>1 {time} {_name(host, 255)} trailql {os.getpid()} finding [trailql@32473 {elements}] "
    return head.encode("ascii", "replace") + b"\xef\xbb\xbf" + as_json(alert).encode("utf-8", "replace")


def _parameter(value: str) -> str:
    return "".join(f"\\{each}" if each in '"\\]' else each for each in value if each.isprintable())


def _name(text: str, most: int) -> str:
    return "".join(each for each in text if 33 <= ord(each) <= 126)[:most] or "-"


def _make(name: str, values: Mapping[str, Any]) -> Sink:
    return _Syslog(name, values)


SYSLOG = Kind(
    {
        "address": Key("text", "host:port, or the path of the socket", is_needed=True),
        "protocol": Key("text", "udp (the default), tcp or unix", choices=("udp", "tcp", "unix")),
        "facility": Key("text", "user by default", choices=tuple(_FACILITIES)),
    },
    _make,
)

"""
Any webhook: the alert as JSON, or in a template of your own, signed with HMAC-SHA256.

The signature is of the time, a full stop and the body, so that a request that was overheard cannot be sent again later:

    X-Trailql-Signature: t=1790000000,v1=HEX
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from trailql.errors import SinkError
from trailql.report.text import plain
from trailql.sinks.alert import Alert, as_json
from trailql.sinks.http import post
from trailql.sinks.secret import Secret
from trailql.sinks.sink import Key, Kind, Sink

SIGNATURE = "X-Trailql-Signature"
IDEMPOTENCY = "Idempotency-Key"
_PLACE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


class _Webhook:
    def __init__(
        self, name: str, url: Secret, secret: Secret | None, template: str | None, header: Secret | None
    ) -> None:
        self._name = name
        self._url = url
        self._secret = secret
        self._template = template
        self._authorization = header

    def send(self, alert: Alert) -> None:
        body = (filled(self._template, alert) if self._template else as_json(alert)).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json", IDEMPOTENCY: alert.key}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret.value(), body, int(time.time()))
        if self._authorization:
            headers["Authorization"] = self._authorization.value()
        post(self._url, body, headers, at=self._name)

    def close(self) -> None:
        return None


def signature(secret: str, body: bytes, at: int) -> str:
    """The signature header's value for a body sent at a time, in seconds since 1970."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def filled(template: str, alert: Alert) -> str:
    """
    A JSON template with `{{ field }}` filled in.

    A place within a JSON string is filled with escaped text, one that stands for a whole value with the value's JSON.

    Raises:
        SinkError: It names a field that no alert has, or the result is no JSON.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in alert.told:
            raise SinkError(f"the template asks for {{{{ {name} }}}}, and alerts have no such field", is_alert=True)
        found = plain(alert.told[name])
        before = template[: match.start()]
        within = len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        if not within:
            return json.dumps(found)
        text = found if isinstance(found, str) else "" if found is None else json.dumps(found)
        return json.dumps(text)[1:-1]

    text = _PLACE.sub(value, template)
    try:
        json.loads(text)
    except ValueError as error:
        raise SinkError(f"the template gives no JSON: {error}", is_alert=True) from error
    return text


def _make(name: str, values: Mapping[str, Any]) -> Sink:
    return _Webhook(name, values["url"], values.get("secret"), values.get("template"), values.get("authorization"))


WEBHOOK = Kind(
    {
        "url": Key("address", "where to POST to", is_needed=True),
        "secret": Key("secret", "key of the HMAC-SHA256 signature"),
        "authorization": Key("secret", "value of the Authorization header, such as Bearer …"),
        "template": Key("text", "JSON with {{ field }} in it, instead of the whole alert"),
    },
    _make,
)

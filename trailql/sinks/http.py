"""One HTTPS POST, its failures in words that hold no URL: a webhook's URL is its password."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from trailql.errors import SinkError
from trailql.report.text import visible
from trailql.sinks.secret import Secret

_SECONDS = 15
_SAID = 200
_ABOUT_THE_ALERT = frozenset({400, 413, 422})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would hand the alert to somebody else."""

    def redirect_request(self, *_: object) -> None:
        return None


def post(url: Secret, body: bytes, headers: Mapping[str, str], *, at: str) -> None:
    """
    POST a body.

    Args:
        url: Where to.
        body: The content.
        headers: Of the request.
        at: The sink, for errors.

    Raises:
        SinkError: No connection, or an answer other than 2xx.
    """
    given = {"User-Agent": "trailql", **headers}
    _asked(urllib.request.Request(_address(url, at), body, given, method="POST"), url, at)  # noqa: S310


def _address(url: Secret, at: str | None) -> str:
    address = url.value()
    if urlsplit(address).scheme not in {"http", "https"}:
        raise SinkError("its URL is none: it must begin with https://", at=at)
    return address


def _asked(request: urllib.request.Request, url: Secret, at: str | None) -> None:
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_SECONDS) as answer:
            answer.read(_SAID)
    except urllib.error.HTTPError as error:
        with error:
            said = _said(error)
        text = url.hidden(f"answered {error.code}{said}")
        raise SinkError(text, at=at, retry_after=_retry_after(error), is_alert=error.code in _ABOUT_THE_ALERT) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "reason", None)
        why = why if isinstance(why, OSError) else error
        # The texts of other errors may hold the URL.
        text = (why.strerror or str(why)) if isinstance(why, OSError) else type(why).__name__
        raise SinkError(f"cannot be reached: {visible(url.hidden(text)).lower()}", at=at) from None


def ping(url: Secret) -> None:
    """
    GET a URL that wants to hear that all is well.

    Raises:
        SinkError: As `post`.
    """
    _asked(urllib.request.Request(_address(url, None), headers={"User-Agent": "trailql"}), url, None)  # noqa: S310


def json_body(value: object) -> bytes:
    """A JSON body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _said(error: urllib.error.HTTPError) -> str:
    try:
        text = error.read(_SAID).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        text = ""
    return f": {visible(text)}" if text else ""


def _retry_after(error: urllib.error.HTTPError) -> float | None:
    text = (error.headers.get("Retry-After") or "").strip()
    return float(text) if text.isdigit() else None

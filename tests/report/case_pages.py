"""Looking at a case's page as a browser does."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

_LOADING = frozenset({"src", "href", "srcset", "action", "formaction", "data", "poster", "background", "ping", "cite"})


class Page(HTMLParser):
    """Tags, attributes, and the inline blocks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, list[str]] = {"style": [], "script": [], "data": []}
        self._inside: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("style", "script"):
            self._inside = "data" if dict(attrs).get("type") == "application/json" else tag
            self.blocks[self._inside].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = None if tag in ("style", "script") else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.blocks[self._inside][-1] += data

    @property
    def policy(self) -> str:
        """The Content-Security-Policy."""
        return next(str(a["content"]) for t, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")

    @property
    def lines(self) -> Any:
        """The timeline's rows."""
        return json.loads(self.blocks["data"][0])

    def loads(self) -> list[str]:
        """What a browser would fetch, or go to: anything but places in the page itself."""
        named = [str(value) for _, attrs in self.tags for name, value in attrs.items() if name in _LOADING and value]
        return [each for each in named if not each.startswith("#")]

    def handlers(self) -> list[str]:
        """Inline event handlers and styles."""
        return [name for _, attrs in self.tags for name in attrs if name.startswith("on") or name == "style"]


def hash_of(block: str) -> str:
    """As a policy names a block."""
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()


def browsed(page: Path, folder: Path) -> tuple[str, list[str]]:
    """The page's tree after its script ran, and what the browser's console said of it."""
    options = "--headless --no-sandbox --disable-gpu --enable-logging=stderr --v=0 --dump-dom --window-size=1280,900"
    done = subprocess.run(
        [_browser(), *options.split(), f"--user-data-dir={folder / 'browser'}", page.as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout, re.findall(r".*:CONSOLE.*", done.stderr)


def _browser() -> str:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        pytest.skip("no chromium on this machine")
    return browser


class Tab:
    """
    A page in a browser that is told what to do through two pipes.

    Source:
        https://chromedevtools.github.io/devtools-protocol/
    """

    def __init__(self, says: Any, hears: Any) -> None:
        self._says, self._hears, self._number = says, hears, 0
        self._session: dict[str, str] = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        self.call("Page.enable")

    def call(self, method: str, **params: Any) -> Any:
        """What the browser answers to a command."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params, **self._session}
        self._says.write(json.dumps(asked).encode() + b"\0")
        answer = self._next(lambda said: said.get("id") == self._number)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, page: Path, *, width: int) -> None:
        """Show a page on a screen so wide, and wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500
        )
        self.call("Page.navigate", url=page.as_uri())
        self._next(lambda said: said.get("method") == "Page.loadEventFired")

    def js(self, expression: str) -> Any:
        """What an expression is worth in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def _next(self, is_wanted: Any) -> Any:
        while True:
            text = bytearray()
            while (byte := self._hears.read(1)) != b"\0":
                assert byte, "the browser has gone"
                text += byte
            said = json.loads(text)
            if is_wanted(said):
                return said


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """A browser with an empty page; skips where there is no browser."""
    browser = _browser()
    (hears, tells), (listens, says) = os.pipe(), os.pipe()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
    # The browser hears on 3 and speaks on 4.
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in (listens, tells)]
    running = os.posix_spawn(
        browser,
        [browser, *options, f"--user-data-dir={folder / 'tab'}"],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, high[0], 3),
            (os.POSIX_SPAWN_DUP2, high[1], 4),
        ],
    )
    for each in (listens, tells, *high):
        os.close(each)
    with os.fdopen(says, "wb", 0) as saying, os.fdopen(hears, "rb") as hearing:
        try:
            yield Tab(saying, hearing)
        finally:
            os.kill(running, signal.SIGKILL)
            os.waitpid(running, 0)

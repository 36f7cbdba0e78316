"""Looking at a case's page as a browser does."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
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
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        pytest.skip("no chromium on this machine")
    options = "--headless --no-sandbox --disable-gpu --enable-logging=stderr --v=0 --dump-dom --window-size=1280,900"
    done = subprocess.run(
        [browser, *options.split(), f"--user-data-dir={folder / 'browser'}", page.as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout, re.findall(r".*:CONSOLE.*", done.stderr)

"""
The demo: the commands a newcomer would type, with what they print.

    python tests/demo.py --trailql .venv/bin/trailql --lake demo-lake [--picture docs/demo.svg]

It stops with an error when a command does not end as it should, so CI runs it against the built wheel.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_WIDTH = 150
_STYLES = {"$": "bold green", "#": "dim", "high": "red", "medium": "yellow", "rejected:": "magenta"}
_STEPS = (
    ("Five weeks of a small organization's logs go into a lake; damaged files are named, copies dropped.",
     ["ingest", "{logs}", "--lake", "{lake}"], 3),
    ("Who fails to sign in?",
     ["query", "failed_console_logins", "--lake", "{lake}", "--limit", "4"], 0),
    ("What do the detections say? One attack, step by step, and nothing else.",
     ["detect", "--min-severity", "medium", "--lake", "{lake}"], 0),
    ("What is unusual against the weeks before?",
     ["insights", "--lake", "{lake}"], 0),
    ("The lake is yours to ask.",
     ["query", "SELECT eventTime, eventName, sourceIPAddress FROM events ORDER BY eventTime DESC, eventID LIMIT 3",
      "--lake", "{lake}"], 0),
)  # fmt: skip


def run_demo(trailql: str, lake: Path, logs: Path) -> str:
    """Run the steps, print them as they go, and return all that was printed; exits when one goes wrong."""
    shutil.rmtree(lake, ignore_errors=True)
    names = {"logs": os.path.relpath(logs), "lake": os.path.relpath(lake)}
    printed = []
    for why, template, expected in _STEPS:
        words = [word.format(**names) for word in template]
        printed.append(_show(f"\n# {why}\n$ trailql {' '.join(map(_quoted, words))}\n"))
        done = subprocess.run(
            [trailql, *words],
            env={**os.environ, "COLUMNS": str(_WIDTH)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        printed.append(_show(done.stdout))
        if done.returncode != expected:
            sys.exit(f"demo: trailql {words[0]} ended with {done.returncode}, expected {expected}")
    return "".join(printed)


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _show(text: str) -> str:
    print(text, end="", flush=True)
    return text


def draw(printed: str, target: Path) -> None:
    """The demo's output as an SVG picture of a terminal, without fonts from the network."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=_WIDTH, file=io.StringIO())
    for line in printed.strip("\n").splitlines():
        console.print(Text(line[:_WIDTH], style=_STYLES.get(line.split(" ", 1)[0], "")), soft_wrap=True)
    svg = console.export_svg(title="make demo", unique_id="demo")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the demo.")
    parser.add_argument("--trailql", default="trailql")
    parser.add_argument("--lake", type=Path, default=Path("demo-lake"))
    parser.add_argument("--logs", type=Path, default=_ROOT / "sample_logs" / "AWSLogs")
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    printed = run_demo(arguments.trailql, arguments.lake, arguments.logs)
    if arguments.picture:
        draw(printed, arguments.picture)


if __name__ == "__main__":
    main()

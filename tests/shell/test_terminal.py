"""The shell at a real terminal: a pseudo-terminal types, and reads what comes."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.conftest import REPOSITORY

_ENDLESS = "SELECT count(*) FROM range(100000) a, range(1000000) b;"
_CTRL_C = "\x03"
_CTRL_D = "\x04"
_UP = "\x1b[A"
_PROMPT = "trailql>"

Spawn = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def spawn(sample_lake: Path, tmp_path: Path) -> Iterator[Spawn]:
    """Start trailql at a terminal of 100 columns and 24 lines."""
    started = []

    def start(*words: str, **environment: str) -> pexpect.spawn[str]:
        env = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "XDG_STATE_HOME": str(tmp_path / "state")}
        env = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES", "PAGER", "LESS")}
        terminal: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "trailql", *(words or ("shell",)), "--lake", str(sample_lake)],
            env=env | environment,
            cwd=str(REPOSITORY),
            dimensions=(24, 100),
            encoding="utf-8",
            timeout=20,
        )
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.close(force=True)


def leave(shell: pexpect.spawn[str]) -> int | None:
    """Ctrl-D, and the exit code."""
    shell.send(_CTRL_D)
    shell.expect(pexpect.EOF)
    shell.wait()
    return shell.exitstatus


def test_a_question_over_several_lines(spawn: Spawn) -> None:
    """
    Enter goes on until there is a `;`; the answer says how many rows and how long; Ctrl-D leaves with 0.
    """
    shell = spawn()
    shell.expect("21,442 events of 2026-09-14 to 2026-10-18")
    shell.expect(_PROMPT)
    shell.send("SELECT count(*) AS how_many\r")
    shell.expect("…>")
    shell.send("\r")
    shell.expect("…>")
    shell.send("FROM events;\r")
    shell.expect("21442")
    shell.expect(r"1 row, \d+\.\d\d s")
    shell.expect(_PROMPT)
    assert 0 == leave(shell)


def test_completion(spawn: Spawn) -> None:
    """
    Tab completes a column, a field of a struct, a table and a bundled query.

    On a busy machine a Tab in the same breath as its text may come too early; a second try must do.
    """
    try:
        _complete(spawn())
    except pexpect.TIMEOUT:
        _complete(spawn())


def _complete(shell: pexpect.spawn) -> None:
    shell.expect(_PROMPT)
    for typed, completed in (
        ("SELECT useridentity.sessioncon\t", "sessionContext"),
        (".sessioni\t", "sessionIssuer"),
        (".userna\t", "userName"),
        (" FROM even\t", "events"),
    ):
        shell.send(typed)
        shell.expect(completed)
        time.sleep(0.1)
    shell.send(" LIMIT 1;\r")
    shell.expect("1 row")
    shell.expect(_PROMPT)
    shell.send(".limit 1\r")
    shell.expect(_PROMPT)
    shell.send("failed_console_log\t")
    shell.expect("failed_console_logins")
    time.sleep(0.2)
    shell.send("\r")
    shell.expect("the first 1 of 9 rows")
    assert 0 == leave(shell)


def test_history_outlives_the_session(spawn: Spawn, tmp_path: Path) -> None:
    """
    The arrow up brings back what was typed before, also over several lines; nobody else may read the file.
    """
    first = spawn()
    first.expect(_PROMPT)
    first.send("SELECT 40 +\r2 AS answer;\r")
    first.expect("42")
    first.expect(_PROMPT)
    leave(first)

    second = spawn()
    second.expect(_PROMPT)
    second.send(_UP)
    second.expect("answer;")
    second.send("\r")
    second.expect("42")
    leave(second)

    history = tmp_path / "state" / "trailql" / "history"
    assert 0o600 == stat.S_IMODE(history.stat().st_mode)
    assert "SELECT 40 +" in history.read_text()


def test_ctrl_c_cancels_and_clears(spawn: Spawn) -> None:
    """
    It ends a query within two seconds, empties a line, and the shell goes on; progress is shown, and goes again.
    """
    shell = spawn()
    shell.expect(_PROMPT)
    shell.send("half a thought" + _CTRL_C)
    shell.expect(_PROMPT)
    shell.send(f"{_ENDLESS}\r")
    shell.expect("s, Ctrl-C cancels")
    begun = time.monotonic()
    shell.send(_CTRL_C)
    shell.expect("cancelled")
    assert time.monotonic() - begun < 2
    shell.expect(_PROMPT)
    shell.send("SELECT 6 * 7 AS answer;\r")
    shell.expect("42")
    assert 0 == leave(shell)


def test_a_mistake_is_no_end(spawn: Spawn) -> None:
    """
    The message, the hint, and another prompt.
    """
    shell = spawn()
    shell.expect(_PROMPT)
    shell.send("SELECT eventNam FROM events;\r")
    shell.expect("did you mean eventName")
    shell.expect(_PROMPT)
    shell.send(".quit\r")
    shell.expect(pexpect.EOF)
    shell.wait()
    assert 0 == shell.exitstatus


def test_several_statements_pasted_at_once(spawn: Spawn) -> None:
    """
    They run one after another.
    """
    shell = spawn()
    shell.expect(_PROMPT)
    shell.send("\x1b[200~SELECT 11 * 11 AS a;\n.timer off\nSELECT 12 * 12\nAS b;\x1b[201~\r")
    shell.expect("121")
    shell.expect("144")
    shell.expect("1 row\r")
    assert 0 == leave(shell)


def test_long_answers_are_paged(spawn: Spawn) -> None:
    """
    By less, or by what PAGER names, or by trailql itself where there is neither.
    """
    for environment, waits, goes_on, ends in (
        ({}, r":\x1b\[K|:$", " ", "q"),
        ({"PAGER": "no-such-pager", "PATH": "/nowhere"}, "more lines: Enter goes on, q ends --", "\r", "q\r"),
    ):
        shell = spawn(**environment)
        shell.expect(_PROMPT)
        shell.send("SELECT range AS number FROM range(500);\r")
        shell.expect(r" 20(\x1b\[m)?\r")
        shell.expect(waits)
        shell.send(goes_on)
        shell.expect(r" 40(\x1b\[m)?\r")
        shell.send(ends)
        shell.expect("500 rows")
        assert 0 == leave(shell)


def test_the_users_pager(spawn: Spawn, tmp_path: Path) -> None:
    """
    $PAGER is run with its options, and no shell looks at it or at the text.
    """
    pager = tmp_path / "pager"
    pager.write_text(f'#!/bin/sh\necho "paged with $1"\ncat > {tmp_path / "seen"}\n')
    pager.chmod(0o755)
    shell = spawn(PAGER=f"{pager} '--one;two'")
    shell.expect(_PROMPT)
    shell.send("SELECT '$(touch x)`' AS text FROM range(100);\r")
    shell.expect("paged with --one;two")
    shell.expect("100 rows")
    assert 0 == leave(shell)
    assert 100 == (tmp_path / "seen").read_text().count("$(touch x)`")


def test_query_at_a_terminal(spawn: Spawn) -> None:
    """
    Progress after a second; Ctrl-C ends with 130 and a word; --quiet shows no progress.
    """
    running = spawn("query", _ENDLESS)
    running.expect("s, Ctrl-C cancels")
    begun = time.monotonic()
    running.send(_CTRL_C)
    running.expect("trailql: interrupted")
    running.expect(pexpect.EOF)
    running.wait()
    assert (130, True) == (running.exitstatus, time.monotonic() - begun < 2)

    quiet = spawn("query", _ENDLESS, "--quiet")
    time.sleep(3)
    quiet.kill(signal.SIGINT)
    quiet.expect(pexpect.EOF)
    quiet.wait()
    assert (130, False) == (quiet.exitstatus, "cancels" in str(quiet.before))


def test_binary_formats_are_not_for_terminals(spawn: Spawn) -> None:
    """
    Parquet and Arrow are refused, with what to do instead.
    """
    for format in ("parquet", "arrow"):
        refused = spawn("query", "SELECT 1", "--format", format)
        refused.expect(f"--output result.{format}")
        refused.expect(pexpect.EOF)
        refused.wait()
        assert 2 == refused.exitstatus


def test_answers_fit_the_terminal(spawn: Spawn) -> None:
    """
    No line is wider than it, and the end of an ARN is there.
    """
    columns = "eventTime, eventName, userIdentity.arn, userAgent, requestParameters"
    done = spawn("query", f"SELECT {columns} FROM events WHERE userIdentity.arn LIKE '%order-service' LIMIT 5")
    done.expect(pexpect.EOF)
    lines = [line.rstrip("\r") for line in str(done.before).split("\n")]
    assert max(map(len, lines)) <= 100
    assert 5 == sum("/order-service " in line for line in lines)

"""The prompt: editing, history, completion, colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import is_searching
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import create_output
from pygments.lexers.sql import PostgresLexer

from trailql.report.text import visible
from trailql.shell.session import Leave, Session
from trailql.shell.statements import Reader, is_whole
from trailql.shell.words import candidates

_PROMPT = "trailql> "


def talk(session: Session) -> int:
    """
    Ask and answer until the user leaves.

    Returns:
        0; what goes wrong between is said, and the talk goes on.
    """
    prompt = _prompt()
    session.say(f"{session.greeting()}. .help helps, Ctrl-D leaves.")
    while True:
        try:
            text = prompt.prompt(_PROMPT)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        try:
            for each in _whole(text):
                session.run(each)
        except Leave:
            return 0
        except KeyboardInterrupt:
            session.say("cancelled")
        if news := session.growth():
            session.say(news)


def _whole(text: str) -> Iterable[str]:
    reader = Reader()
    for line in text.split("\n"):
        yield from reader.feed(line)
    yield from reader.rest()


def _prompt() -> PromptSession[str]:
    keys = KeyBindings()

    @keys.add("enter", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None  # Enter takes what the menu offers; the next one runs it
        elif is_whole(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return PromptSession(
        multiline=True,
        key_bindings=keys,
        history=_history(),
        completer=_Completer(),
        complete_while_typing=False,
        lexer=PygmentsLexer(PostgresLexer),
        prompt_continuation=lambda width, number, wrapped: " " * width if wrapped else "…> ".rjust(width),
        enable_suspend=True,
        output=create_output(always_prefer_tty=True),
    )


class _Completer(Completer):
    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The candidates at the cursor, made harmless."""
        for each in candidates(document.text_before_cursor):
            yield Completion(each.text, -each.replaces, visible(each.text), visible(each.meaning))


def _history() -> History:
    path = history_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError as error:
        print(f"no history: {visible(str(path))}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return InMemoryHistory()
    return FileHistory(path)


def history_path() -> Path:
    """Where what was typed is kept: `$XDG_STATE_HOME/trailql/history`, or `~/.local/state/trailql/history`."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return folder / "trailql" / "history"

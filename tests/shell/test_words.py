"""Completion."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from trailql.query.engine import open_lake
from trailql.query.library import bundled_files
from trailql.schema import TABLES
from trailql.shell.session import Session
from trailql.shell.words import COMMANDS, FUNCTIONS, KEYWORDS, candidates


def offered(text: str) -> list[str]:
    return [each.text for each in candidates(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT eventN", "eventName"),
        ("SELECT EVENTN", "eventName"),
        ("SELECT userIdentity.", "arn"),
        ("SELECT useridentity.SESSIONcontext.", "sessionIssuer"),
        ("SELECT e.userIdentity.sessionContext.sessionIssuer.a", "accountId"),
        ("SELECT userIdentity.sessionContext.sessionIssuer.a", "arn"),
        ("SELECT events.eventN", "eventName"),
        ("SELECT 1 FROM ", "events"),
        ("SELECT 1\nFROM ev", "events"),
        ("SELECT sha256_st", None),
        ("SELECT 1 FROM files WHERE sha256_st", "sha256_stored"),
        ("sel", "select"),
        ("SEL", "SELECT"),
        ("SELECT date_tr", "date_trunc("),
        ("SELECT record_f", "record_field("),
        ("failed_con", "failed_console_logins"),
        ("signin.failed_con", "signin.failed_console_logins"),
        ("api_calls_by_name ", "from_date="),
        (".run api_calls_by_name fr", "from_date="),
        (".run failed_con", "failed_console_logins"),
        (".sch", ".schema"),
        (".schema ev", "events"),
        (".format js", "jsonl"),
        (".format par", None),
        (".timer ", "on"),
        (".queries si", "signin"),
        ("SELECT 1\n.", None),
        ("", None),
    ],
)
def test_what_fits_is_offered(text: str, expected: str | None) -> None:
    """
    By what stands before the cursor, whatever its case.
    """
    found = offered(text)
    assert (expected in found) if expected else not found


def test_a_candidate_takes_the_place_of_the_last_part() -> None:
    """
    After a dot only the field is replaced, so that the path stays as it was typed.
    """
    assert {2} == {each.replaces for each in candidates("SELECT useridentity.ar")}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_offered_are_there_and_allowed(sample_lake: Path, function: str) -> None:
    """
    None is offered that the wall refuses or DuckDB lacks.
    """
    if function in ("coalesce", "extract", "nullif", "substring", "trim", "if"):
        return  # they have a grammar of their own
    with open_lake(sample_lake) as lake:
        table = function in ("json_each", "range", "unnest")
        lake.checked(f"FROM {function}(1)" if table else f"SELECT {function}(1)")
        known = lake.connection.execute(
            "SELECT count(*) FROM duckdb_functions() WHERE function_name = $name", {"name": function}
        )
        assert known.fetchall()[0][0]


def test_everything_offered_is_harmless_to_print() -> None:
    """
    Names, meanings and titles come from us and have nothing a terminal obeys.
    """
    names = [*KEYWORDS, *COMMANDS, *TABLES, *(file.title for file in bundled_files())]
    assert all(each.isprintable() for each in names)


def test_every_command_offered_is_one(sample_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    And .help tells of it.
    """
    with Session(lambda: open_lake(sample_lake)) as session:
        session.run(".help")
        told = capsys.readouterr().out
        assert all(name in told for name in COMMANDS if name != ".describe")
        for name in COMMANDS:
            if name != ".quit":
                session.run(name)
        assert "there is no command" not in capsys.readouterr().err


def test_the_page_names_every_command() -> None:
    """
    docs/shell.md has what .help has.
    """
    page = (REPOSITORY / "docs" / "shell.md").read_text()
    assert [] == [name for name in COMMANDS if f"`{name}" not in page]

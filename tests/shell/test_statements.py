"""What is typed, cut into what can be run."""

from __future__ import annotations

import pytest

from trailql.shell.statements import Reader, is_whole


def read(text: str) -> list[str]:
    reader = Reader()
    found = [each for line in text.split("\n") for each in reader.feed(line)]
    return [*found, *reader.rest()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1;", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT\n\n1\n;", ["SELECT\n\n1"]),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT ';' AS a;", ["SELECT ';' AS a"]),
        ("SELECT 'it''s; ' AS a;", ["SELECT 'it''s; ' AS a"]),
        ('SELECT 1 AS "a;b";', ['SELECT 1 AS "a;b"']),
        ("SELECT $$;$$;", ["SELECT $$;$$"]),
        ("SELECT 1 -- one; two\n;", ["SELECT 1 -- one; two"]),
        ("SELECT /* ; */ 1;", ["SELECT /* ; */ 1"]),
        ("SELECT e'\\';' AS a;", ["SELECT e'\\';' AS a"]),
        ("-- nothing\n/* here; */;", []),
        (";;", []),
        (".tables\nSELECT 1;\n.quit", [".tables", "SELECT 1", ".quit"]),
        ("failed_console_logins\napi_calls_by_name from_date=2026-10-01;", [
            "failed_console_logins", "api_calls_by_name from_date=2026-10-01",
        ]),
        ("SELECT 1 AS a,\n.5 AS b;", ["SELECT 1 AS a,\n.5 AS b"]),
        ("QUIT", ["QUIT"]),
    ],
)  # fmt: skip
def test_statements_end_where_sql_says(text: str, expected: list[str]) -> None:
    """
    At a `;` that is no part of a text, a name or a comment; commands and bundled queries with their line.
    """
    assert expected == read(text)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", True),
        ("SELECT 1", False),
        ("SELECT 1;", True),
        ("SELECT 1;\nSELECT 2", False),
        ("SELECT ';", False),
        ("SELECT 1; -- done", True),
        ("SELECT\n\n", False),
        (".help", True),
        ("failed_console_logins", True),
        ("failed_console_logins\n", True),
        ("events", False),
        ("exit", True),
    ],
)
def test_enter_runs_what_is_whole(text: str, whole: bool) -> None:
    """
    Everything else gets another line, an empty one too.
    """
    assert whole == is_whole(text)


def test_a_long_statement_is_read_in_no_time() -> None:
    """
    Ten thousand lines of one statement are looked at once, not ten thousand times.
    """
    lines = ["SELECT", *(f"  'value {number}'," for number in range(10_000)), "  1;"]
    assert 1 == len(read("\n".join(lines)))

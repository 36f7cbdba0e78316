"""Tables and records for eyes."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailql.report.rows import Format, render
from trailql.report.table import cells_of, cut, fold, records_text, table_text
from trailql.report.text import visible

_ARN = "arn:aws:iam::111122223333:user/alice"


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        (_ARN, 40, _ARN),
        (_ARN, 20, "…:user/alice"),
        (_ARN, 12, "…:user/alice"),
        (_ARN, 9, "…/alice"),
        ("arn:aws:sts::111122223333:assumed-role/deploy/i-0b19d0fed12671dd5", 34, "…/deploy/i-0b19d0fed12671dd5"),
        ("s3://bucket/AWSLogs/111122223333/file.json.gz", 16, "…/file.json.gz"),
        ("/var/log/AWSLogs/111122223333/file.json.gz", 16, "…/file.json.gz"),
        ("4b1b6b0e-0000-4000-8000-000000000001", 17, "4b1b6b0e…00000001"),
        ("AROAKP3M6GS7TMEXAMPLE:order-service", 20, "AROAKP3M6G…r-service"),
        ("Boto3/1.42.11 md/Botocore ua/2.1", 12, "Boto3/1.42.…"),
        ('{"maxRecords":100,"x":1}', 12, '{"maxRecord…'),
        ("日本語のエージェント 2.0", 8, "日本語…"),
        ("日本語のエージェント2.0", 12, "日本語…ト2.0"),
        ("short", 5, "short"),
        ("longer", 1, "…"),
    ],
)  # fmt: skip
def test_a_cut_leaves_what_tells(text: str, size: int, expected: str) -> None:
    """
    The end of an ARN and of a path, both ends of an id, the beginning of a sentence.
    """
    found = cut(text, size)
    assert cells_of(found) <= size
    assert expected == found


@given(st.text(max_size=60), st.integers(min_value=1, max_value=40))
def test_nothing_is_wider_than_it_may_be(text: str, size: int) -> None:
    """
    However wide or narrow its characters are, in a cut and in a fold.
    """
    text = visible(text.strip())
    assert cells_of(cut(text, size)) <= size
    if size > 1:
        assert all(cells_of(line) <= size for line in fold(text, size))
        assert text.replace(" ", "") == "".join(fold(text, size)).replace(" ", "")


def test_wide_characters_align() -> None:
    """
    Chinese and Japanese take two columns, accents none.
    """
    text = table_text(["name", "n"], [["日本語", 1], ["e\u0301a", 22], ["plain", 333]], width=None)
    assert ["name      n", "──────  ───", "日本語    1", "e\u0301a       22", "plain   333"] == text.splitlines()


def test_numbers_stand_to_the_right_also_beside_null() -> None:
    """
    Columns of numbers with holes are columns of numbers; a text of digits is a text.
    """
    rows = pa.table({"n": [1, None, 300], "x": [0.5, 12.25, None], "account": ["111122223333", "", None]})
    assert [
        "   n      x  account",
        "────  ─────  ────────────",
        "   1    0.5  111122223333",
        "NULL  12.25",
        " 300   NULL  NULL",
    ] == render(rows, Format.TABLE, width=None).splitlines()


def test_long_text_gives_way_before_names_and_never_times() -> None:
    """
    In a narrow terminal the user agent is cut; times and numbers, which would become other ones, are whole.
    """
    names = ["eventTime", "eventName", "arn", "userAgent", "n"]
    row = [datetime(2026, 10, 1, tzinfo=UTC), "DescribeInstances", _ARN, "aws-cli/2 " * 20, 123456789]
    for width in (120, 90, 70):
        lines = table_text(names, [row], width=width).splitlines()
        assert max(map(len, lines)) <= width
        assert "2026-10-01T00:00:00Z" in lines[2]
        assert "123456789" in lines[2]
        assert "alice" in lines[2]
    assert "DescribeInstances" in table_text(names, [row], width=120)


def test_columns_that_do_not_fit_become_records() -> None:
    """
    As many columns as `SELECT *` has are shown below each other; the columns that are null share one line.
    """
    rows = pa.table({f"column_{number}": [number, None] for number in range(40)})
    lines = render(rows, Format.TABLE, width=100).splitlines()
    assert "column_7   7" in lines
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("NULL       column_0, column_1,") for line in lines)
    assert lines[0].startswith("─ 1 ─")


def test_records_lay_json_out() -> None:
    """
    JSON text comes over several lines as it stands there: equal keys and odd numbers are not touched.
    """
    text = '{"a":1.10,"a":[1,{"b":"x, {y}"}],"none":{},"long":"' + "z" * 80 + '"}'
    lines = [line[6:] for line in records_text(["json"], [[text]], width=None).splitlines()[1:]]
    assert [
        "{",
        '  "a": 1.10,',
        '  "a": [',
        "    1,",
        "    {",
        '      "b": "x, {y}"',
        "    }",
        "  ],",
        '  "none": {},',
        f'  "long": "{"z" * 80}"',
        "}",
    ] == lines
    assert '{"a":1}' in records_text(["json"], [['{"a":1}']], width=80)
    assert "{no json" in records_text(["json"], [["{no json " + "x" * 100]], width=80)


def test_records_fold_and_keep_everything() -> None:
    """
    Nothing is cut: what is too long goes on in the next line.
    """
    text = "word " * 60
    found = records_text(["userAgent", "empty", "nothing"], [[text, "", None]], width=60)
    assert 60 == found.count("word")
    assert max(map(len, found.splitlines())) <= 60
    assert "\nempty\n" in found
    assert "NULL       nothing" in found

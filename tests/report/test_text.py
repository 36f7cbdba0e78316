"""Log content is written by attackers; what reaches a terminal or a spreadsheet is harmless."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pytest

from trailql.report.rows import Format, render
from trailql.report.text import harmless_cell, visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("naïve ☂", "naïve ☂"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_control_characters_are_visible(text: str, expected: str) -> None:
    """
    Escapes, line breaks and text direction marks are shown, ordinary letters are left alone.
    """
    assert expected == visible(text)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"])
def test_formulas_are_neutralised(text: str) -> None:
    """
    No CSV cell begins like a formula.
    """
    assert "'" + text == harmless_cell(text)
    rendered = render(pa.table({"a": [text]}), Format.CSV, width=None)
    assert "'" + text == list(csv.reader(io.StringIO(rendered, newline="")))[1][0]


@pytest.mark.parametrize("text", ["-5", "3.5", "us-east-1", ""])
def test_ordinary_cells_are_left_alone(text: str) -> None:
    """
    Negative numbers and names stay as they are.
    """
    assert text == harmless_cell(text)


def test_columns_of_one_name_both_survive() -> None:
    """
    In every format, two columns called alike are two columns.
    """
    rows = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["n", "n"])

    assert {"n": 1, "n_2": 2} == json.loads(render(rows, Format.JSONL, width=None))
    assert "n,n\n1,2\n" == render(rows, Format.CSV, width=None)
    assert [{"n": 1, "n_2": 2}] == json.loads(render(rows, Format.JSON, width=None))


def test_a_table_fits_the_width_asked_for() -> None:
    """
    Long cells are cut with an ellipsis; no line is wider than the terminal.
    """
    rows = pa.table({"id": ["x" * 36], "text": ["y" * 500], "n": [7]})

    lines = render(rows, Format.TABLE, width=80).splitlines()

    assert all(len(line) <= 80 for line in lines)
    assert "…" in lines[2]
    assert lines[2].endswith("7")


def test_markdown_cells_cannot_break_out() -> None:
    """
    Pipes and tags in a log are text in the page.
    """
    rendered = render(pa.table({"a": ["x | <script>"]}), Format.MD, width=None)

    assert "| x \\| &lt;script> |" == rendered.splitlines()[2]

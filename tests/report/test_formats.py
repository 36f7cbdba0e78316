"""Every type in every format."""

from __future__ import annotations

import csv
import io
import json
import math
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from trailql.query.result import Result, unique_names
from trailql.report.rows import Format, render, write_rows

_TYPES = {
    "sum(1)": ("1", 1),
    "12345678901234567890123456789::HUGEINT": ("12345678901234567890123456789", 12345678901234567890123456789),
    "1.50::DECIMAL(10,2)": ("1.50", 1.5),
    "0.1::DOUBLE + 0.2::DOUBLE": ("0.30000000000000004", 0.1 + 0.2),
    "'nan'::DOUBLE": ("nan", None),
    "'-infinity'::DOUBLE": ("-inf", None),
    "true": ("true", True),
    "NULL": ("", None),
    "''": ("", ""),
    "DATE '2026-10-01'": ("2026-10-01", "2026-10-01"),
    "DATE 'infinity'": ("infinity", "infinity"),
    "TIME '10:30:00'": ("10:30:00", "10:30:00"),
    "TIMESTAMPTZ '2026-10-01 10:00:00+00'": ("2026-10-01T10:00:00Z", "2026-10-01T10:00:00Z"),
    "TIMESTAMP_NS '2026-10-01 10:00:00.123456789'": ("2026-10-01 10:00:00.123456789", "2026-10-01 10:00:00.123456789"),
    "INTERVAL 3 DAYS": ("3 days", "3 days"),
    "INTERVAL '1 month 2 days 3 hours'": ("1 month 2 days 03:00:00", "1 month 2 days 03:00:00"),
    "INTERVAL '-90 seconds'": ("'-00:01:30", "-00:01:30"),
    "INTERVAL '0 seconds'": ("00:00:00", "00:00:00"),
    "'\\xFF\\x00'::BLOB": ("ff00", "ff00"),
    "MAP {'a': 1, 'b': 2}": ('{"a":1,"b":2}', {"a": 1, "b": 2}),
    "MAP {7: 'x'}": ('{"7":"x"}', {"7": "x"}),
    "[1, NULL, 3]": ("[1,null,3]", [1, None, 3]),
    "{'a': 'nan'::DOUBLE, 'b': 1.5::DECIMAL(4,2), 'd': DATE '2026-10-01'}": (
        '{"a":null,"b":1.50,"d":"2026-10-01"}',
        {"a": None, "b": 1.5, "d": "2026-10-01"},
    ),
    "{'a': INTERVAL 1 DAY, 'z': DATE 'infinity'}": (
        '{"a":"1 day","z":"infinity"}',
        {"a": "1 day", "z": "infinity"},
    ),
    "'x'::ENUM('x')": ("x", "x"),
    "uuid '4b1b6b0e-0000-4000-8000-000000000001'": (
        "4b1b6b0e-0000-4000-8000-000000000001",
        "4b1b6b0e-0000-4000-8000-000000000001",
    ),
}


def asked(expression: str) -> pa.Table:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.sql(f"SELECT {expression} AS x, 1 AS one").to_arrow_table()


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize("expression", _TYPES)
def test_every_type_in_every_format(expression: str, tmp_path: Path) -> None:
    """
    Text as people and DuckDB read it, valid JSON with numbers as numbers, and files that other programs open.
    """
    rows = asked(expression)
    as_text, as_json = _TYPES[expression]

    cell = next(csv.DictReader(io.StringIO(render(rows, Format.CSV, width=None))))["x"]
    line = json.loads(render(rows, Format.JSONL, width=None), parse_constant=_refuse)
    document = json.loads(render(rows, Format.JSON, width=None), parse_constant=_refuse)
    assert (as_text, {"x": as_json, "one": 1}, [line]) == (cell, line, document)

    shown = as_text.removeprefix("'")
    for format in (Format.TABLE, Format.MD):
        text = render(rows, format, width=None)
        assert shown in text or shown == "0.30000000000000004"  # which is 0.3 for eyes
    for format in (Format.PARQUET, Format.ARROW):
        write_rows(rows, format, tmp_path / f"rows.{format}")
    assert 1 == pq.read_table(tmp_path / "rows.parquet").num_rows
    with pa.ipc.open_file(tmp_path / "rows.arrow") as reader:
        assert rows.equals(reader.read_all()) or "nan" in expression


def test_numbers_keep_their_digits() -> None:
    """
    A decimal is written with all of them; a double as short as it reads back.
    """
    line = render(asked("1.00000000000000000001::DECIMAL(38,20)"), Format.JSONL, width=None)
    assert Decimal("1.00000000000000000001") == json.loads(line, parse_float=Decimal)["x"]
    assert "0.1" == str(json.loads(render(asked("0.1::DOUBLE"), Format.JSONL, width=None))["x"])
    assert "1234567.875" in render(asked("1234567.875::DOUBLE"), Format.TABLE, width=None)


def test_null_and_nothing_are_told_apart() -> None:
    """
    NULL in a table, `""` for an empty text in csv; a line is never empty.
    """
    rows = pa.table({"a": ["", None, "x"]})
    assert 'a\n""\n""\nx\n' == render(rows, Format.CSV, width=None)
    both = pa.table({"a": ["", None], "b": [1, 2]})
    assert 'a,b\n"",1\n,2\n' == render(both, Format.CSV, width=None)
    assert ["", "NULL", "x"] == render(rows, Format.TABLE, width=None).splitlines()[2:]


def test_two_columns_of_one_name_survive(tmp_path: Path) -> None:
    """
    The second is called name_2 where names have to differ, and as in the query where they need not.
    """
    rows = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["n", "N", "n_2"])
    expected = {"n": 1, "N_3": 2, "n_2": 3}

    assert expected == json.loads(render(rows, Format.JSONL, width=None))
    assert [expected] == json.loads(render(rows, Format.JSON, width=None))
    assert [expected] == Result(rows).dicts() == Result(rows).pl().to_dicts()
    write_rows(rows, Format.PARQUET, tmp_path / "rows.parquet")
    write_rows(rows, Format.ARROW, tmp_path / "rows.arrow")
    assert [expected] == pq.read_table(tmp_path / "rows.parquet").to_pylist()
    with pa.ipc.open_file(tmp_path / "rows.arrow") as reader:
        assert [expected] == reader.read_all().to_pylist()
    assert "n,N,n_2\n1,2,3\n" == render(rows, Format.CSV, width=None)
    assert "n  N  n_2" == render(rows, Format.TABLE, width=None).splitlines()[0]
    assert "| n | N | n_2 |" == render(rows, Format.MD, width=None).splitlines()[0]


def test_unique_names() -> None:
    """
    Whatever their case, and without taking another column's name.
    """
    assert ["a", "a_2", "a_3"] == unique_names(["a", "a", "a"])
    assert ["a", "A_2", "b"] == unique_names(["a", "A", "b"])
    assert ["a", "a_3", "a_2"] == unique_names(["a", "a", "a_2"])


def test_json_hides_nothing_and_obeys_nothing() -> None:
    """
    Characters that a terminal would obey are escaped; it is the same JSON.
    """
    text = "\x1b[2J\u202e\x9b\x7f\U000e0041é日"
    for format in (Format.JSON, Format.JSONL):
        written = render(pa.table({"a": [text]}), format, width=None)
        assert not set("\x1b\u202e\x9b\x7f\U000e0041") & set(written)
        assert "é日" in written
        assert text in json.dumps(json.loads(written), ensure_ascii=False).encode().decode("utf-8").replace(
            "\\u001b", "\x1b"
        )


def test_csv_is_faithful_in_a_file_and_harmless_at_a_terminal() -> None:
    """
    A file gets the text as it is, a terminal sees its control characters.
    """
    rows = pa.table({"a": ["\x1b[2Jgone"]})
    assert "a\n\x1b[2Jgone\n" == render(rows, Format.CSV, width=None)
    assert "a\n\\x1b[2Jgone\n" == render(rows, Format.CSV, width=None, terminal=True)


def test_result_speaks_python() -> None:
    """
    Rows of a result hold maps as dicts, and what Python has no type for as text.
    """
    rows = Result(asked("MAP {'a': 1}")).dicts()
    assert [{"x": {"a": 1}, "one": 1}] == rows
    assert "infinity" == Result(asked("DATE 'infinity'")).rows()[0][0]
    assert math.isnan(Result(asked("'nan'::DOUBLE")).rows()[0][0])

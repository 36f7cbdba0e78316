"""
Record texts to typed rows, inside DuckDB: one pass for what AWS usually writes, the careful way for the rest.

The result is a temporary table `typed` with `file_no`, `record_no`, the record's columns and `extra`; what is no
event at all comes back as a list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from trailql.normalize.careful import NotAnEvent, only_as_text, separate
from trailql.normalize.written import is_rewritten_sql, is_written_sql
from trailql.schema import RECORD_COLUMNS, Column

_JSON_TYPES = {"string": "VARCHAR", "boolean": "BOOLEAN", "timestamp": "TIMESTAMPTZ", "json": "JSON"}
OddTexts = Mapping[tuple[int, int], bytes]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that is no event: kept as text, counted, named by file and position."""

    file_no: int
    record_no: int
    reason: str
    text: bytes


def type_records(con: duckdb.DuckDBPyConnection, records: pa.Table, odd: OddTexts) -> list[SetAside]:
    """
    Fill the temporary table `typed` from record texts.

    Args:
        con: A connection whose time zone is UTC.
        records: Columns `file_no`, `record_no`, `text`.
        odd: The true texts of records whose `text` is only a stand-in.

    Returns:
        The records that are no events.
    """
    con.register("record_texts", records)
    try:
        try:
            con.execute(_typed_sql("text"))
        except duckdb.Error:
            # One text that DuckDB cannot read fails them all; such ones take the careful way.
            con.execute(_typed_sql("CASE WHEN json_valid(text) THEN text ELSE '{}' END"))
        return _type_carefully(con, odd)
    finally:
        con.unregister("record_texts")


def _structure(columns: tuple[Column, ...]) -> dict[str, object]:
    return {c.name: _structure(c.fields) if c.fields else _JSON_TYPES[c.kind] for c in columns}


_STRUCTURE = json.dumps(_structure(RECORD_COLUMNS))
_COLUMNS = ", ".join(
    f'r."{column.name}"' + ("::VARCHAR" if column.kind == "json" else "") + f' AS "{column.name}"'
    for column in RECORD_COLUMNS
)


def _typed_sql(text: str) -> str:
    return f"""
        CREATE OR REPLACE TEMP TABLE typed AS
        SELECT file_no, record_no, {is_written_sql("r", "text")} AS is_whole, {_COLUMNS}, NULL::VARCHAR AS extra
        FROM (SELECT file_no, record_no, text, from_json({text}, '{_STRUCTURE}') AS r FROM record_texts)
    """


def _type_carefully(con: duckdb.DuckDBPyConnection, odd: OddTexts) -> list[SetAside]:
    doubtful = con.sql(
        "SELECT file_no, record_no, t.text FROM typed JOIN record_texts t USING (file_no, record_no) WHERE NOT is_whole"
    ).to_arrow_table()
    if not doubtful.num_rows:
        return []
    set_aside: list[SetAside] = []
    mended: dict[str, list[object]] = {"file_no": [], "record_no": [], "clean": [], "extra": [], "whole": []}
    for row in zip(*(doubtful.column(name).to_pylist() for name in ("file_no", "record_no", "text")), strict=True):
        file_no, record_no, text = row[0], row[1], odd.get((row[0], row[1])) or row[2].encode()
        try:
            clean, extra = separate(text)
        except NotAnEvent as error:
            set_aside.append(SetAside(file_no, record_no, str(error), text))
            continue
        whole = only_as_text(text).decode()
        for name, value in zip(mended, (file_no, record_no, clean.decode(), extra and extra.decode(), whole), strict=True):
            mended[name].append(value)
    con.execute("DELETE FROM typed WHERE NOT is_whole")
    if mended["file_no"]:
        _insert_mended(con, mended)
    return set_aside


def _insert_mended(con: duckdb.DuckDBPyConnection, mended: dict[str, list[object]]) -> None:
    types = [pa.int32(), pa.int32(), pa.string(), pa.string(), pa.string()]
    con.register("mended", pa.table([pa.array(v, t) for v, t in zip(mended.values(), types, strict=True)], names=list(mended)))
    # What the columns do not give back exactly even now keeps its whole text in `extra`.
    con.execute(f"""
        INSERT INTO typed
        SELECT file_no, record_no, true, {_COLUMNS},
            CASE WHEN {is_rewritten_sql("r", "clean")} THEN extra ELSE whole END
        FROM (
            SELECT *, from_json(clean, '{_STRUCTURE}') AS r
            FROM (SELECT * REPLACE (json(clean)::VARCHAR AS clean) FROM mended)
        )
    """)
    con.unregister("mended")

"""
Record texts to typed rows, inside DuckDB: one pass for what AWS usually writes, the careful way for the rest.

Who makes a call repeats from record to record: `userIdentity` and the like are read as JSON text first, and each
distinct text is typed once. The rows leave as Arrow: gathering and writing them from there costs half of what a
temporary table and a sort of whole rows cost inside DuckDB.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from trailql.normalize.careful import NotAnEvent, only_as_text, separate
from trailql.normalize.dictionaries import expanded, with_dictionaries
from trailql.normalize.prepare import int32_array
from trailql.normalize.written import KEY_ORDERS, is_object_written_sql, is_rewritten_sql, is_written_sql
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


def type_records(con: duckdb.DuckDBPyConnection, records: pa.Table, odd: OddTexts) -> tuple[pa.Table, list[SetAside]]:
    """
    Make typed rows of record texts.

    Args:
        con: A connection whose time zone is UTC.
        records: Columns `file_no`, `record_no`, `text`.
        odd: The true texts of records whose `text` is only a stand-in.

    Returns:
        The rows: `file_no`, `record_no`, `is_whole`, the record's columns and `extra`; only those with `is_whole` are
        rows of the lake; repeating strings are dictionaries. And the records that are no events.
    """
    con.register("record_texts", records)
    try:
        try:
            rows = _typed(con, "record_texts")
        except duckdb.Error:
            # One text that DuckDB cannot read fails them all; such ones take the careful way.
            rows = _typed(con, "record_texts", text="CASE WHEN json_valid(text) THEN text ELSE '{}' END")
        doubtful = rows.filter(pc.invert(rows["is_whole"])).select(["file_no", "record_no"])
        if not doubtful.num_rows:
            return rows, []
        others, set_aside = _type_doubtful(con, doubtful, odd)
        return pa.concat_tables([rows, *others]), set_aside
    finally:
        con.unregister("record_texts")


def _structure(columns: tuple[Column, ...]) -> dict[str, object]:
    return {c.name: _structure(c.fields) if c.fields else _JSON_TYPES[c.kind] for c in columns}


def _columns_sql(*kinds_as_text: str) -> str:
    return ", ".join(
        f'r."{column.name}"' + ("::VARCHAR" if column.kind in kinds_as_text else "") + f' AS "{column.name}"'
        for column in RECORD_COLUMNS
    )


_STRUCTURE = json.dumps(_structure(RECORD_COLUMNS))
_OUTER_STRUCTURE = json.dumps(_structure(RECORD_COLUMNS) | {c.name: "JSON" for c in RECORD_COLUMNS if c.fields})


# DuckDB writes floats anew when it reads JSON: a number with many digits or an exponent may come back as another one.
_KNOWN_YEAR = "coalesce(r.eventTime >= '0001-01-02' AND r.eventTime < '9999-12-31', false)"
_SAME_NUMBERS = "(clean = written OR NOT regexp_matches(clean, '[0-9.]{16}|[0-9][eE][+-]?[0-9]|-0'))"


def _typed(con: duckdb.DuckDBPyConnection, source: str, *, order: int = 0, text: str = "text") -> pa.Table:
    """Rows of texts, one for each; `is_whole` says whether one holds all of its text."""
    rows = con.sql(f"""
        SELECT file_no, record_no, {is_written_sql("r", "text", order)} AND {_KNOWN_YEAR} AS is_whole,
            {_columns_sql("json", "struct")}, NULL::VARCHAR AS extra
        FROM (SELECT file_no, record_no, text, from_json({text}, '{_OUTER_STRUCTURE}') AS r FROM {source})
    """).to_arrow_table()
    is_whole = rows["is_whole"]
    for column in RECORD_COLUMNS:
        if column.fields:
            number = rows.schema.get_field_index(column.name)
            objects, are_whole = _typed_objects(con, column, rows[column.name])
            is_whole = pc.and_(is_whole, are_whole)
            rows = rows.set_column(number, column.name, objects)
    rows = rows.set_column(rows.schema.get_field_index("is_whole"), "is_whole", is_whole)
    return with_dictionaries(rows)


def _typed_objects(con: duckdb.DuckDBPyConnection, column: Column, texts: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """A struct column from the texts of its objects, each distinct one typed once; and which hold all of their text."""
    encoded = pc.dictionary_encode(texts.combine_chunks())
    con.register(
        "objects",
        pa.table({"number": int32_array(array("i", range(len(encoded.dictionary)))), "text": encoded.dictionary}),
    )
    typed = con.sql(f"""
        SELECT number, {is_object_written_sql(column, "r", "text")} AS is_whole, r
        FROM (SELECT *, from_json(text, '{json.dumps(_structure(column.fields))}') AS r FROM objects) ORDER BY number
    """).to_arrow_table()
    con.unregister("objects")
    are_whole = pc.fill_null(typed["is_whole"].combine_chunks(), False).take(encoded.indices)
    return expanded(typed["r"].combine_chunks(), encoded.indices), pc.fill_null(are_whole, True)


def _type_doubtful(
    con: duckdb.DuckDBPyConnection, doubtful: pa.Table, odd: OddTexts
) -> tuple[list[pa.Table], list[SetAside]]:
    """The rows that differed from their text: other orders of keys first, one by one after that."""
    con.register("doubtful", doubtful)
    texts = con.sql(
        "SELECT file_no, record_no, text FROM record_texts JOIN doubtful USING (file_no, record_no)"
    ).to_arrow_table()
    con.unregister("doubtful")
    whole: list[pa.Table] = []
    for order in range(1, len(KEY_ORDERS)):
        con.register("texts", texts)
        try:
            rows = _typed(con, "texts", order=order)
        except duckdb.Error:
            break
        finally:
            con.unregister("texts")
        ordered = rows.filter(rows["is_whole"])
        if ordered.num_rows:
            whole.append(ordered)
            texts = texts.join(
                ordered.select(["file_no", "record_no"]), ["file_no", "record_no"], join_type="left anti"
            )
        if not texts.num_rows:
            return whole, []
    carefully, set_aside = _type_carefully(con, texts, odd)
    return [*whole, *carefully], set_aside


def _type_carefully(
    con: duckdb.DuckDBPyConnection, texts: pa.Table, odd: OddTexts
) -> tuple[list[pa.Table], list[SetAside]]:
    set_aside: list[SetAside] = []
    mended: dict[str, list[object]] = {"file_no": [], "record_no": [], "clean": [], "extra": [], "whole": []}
    for row in zip(*(texts.column(name).to_pylist() for name in ("file_no", "record_no", "text")), strict=True):
        file_no, record_no, text = row[0], row[1], odd.get((row[0], row[1])) or row[2].encode()
        try:
            clean, extra = separate(text)
        except NotAnEvent as error:
            set_aside.append(SetAside(file_no, record_no, str(error), text))
            continue
        whole = only_as_text(text).decode()
        for name, value in zip(
            mended, (file_no, record_no, clean.decode(), extra and extra.decode(), whole), strict=True
        ):
            mended[name].append(value)
    return ([_mended_rows(con, mended)] if mended["file_no"] else []), set_aside


def _mended_rows(con: duckdb.DuckDBPyConnection, mended: dict[str, list[object]]) -> pa.Table:
    types = [pa.int32(), pa.int32(), pa.string(), pa.string(), pa.string()]
    con.register(
        "mended", pa.table([pa.array(v, t) for v, t in zip(mended.values(), types, strict=True)], names=list(mended))
    )
    # What the columns do not give back exactly even now keeps its whole text in `extra`.
    rows = con.sql(f"""
        SELECT file_no, record_no, true AS is_whole, {_columns_sql("json")},
            CASE WHEN {is_rewritten_sql("r", "written")} AND {_SAME_NUMBERS} THEN extra ELSE whole END AS extra
        FROM (SELECT *, from_json(clean, '{_STRUCTURE}') AS r, json(clean)::VARCHAR AS written FROM mended)
    """).to_arrow_table()
    con.unregister("mended")
    return with_dictionaries(rows)

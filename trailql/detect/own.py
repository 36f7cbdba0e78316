"""
Detections of one's own: the same files as the bundled ones, in folders of the user.

The id is the path: `rules/iam/break_glass_used.sql` is `iam.break_glass_used`, and a file at the top,
`rules/odd_hours.sql`, is `own.odd_hours`. What a bundled detection is called, no other may be called.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from trailql.detect.catalog import Detection, detection
from trailql.errors import DetectionError, QueryError, UsageError
from trailql.query.library import SqlFile, bundled_files, read_sql_file
from trailql.query.wall import Statement, checked
from trailql.schema import TABLES

TOP_FOLDER = "own"
"""Stands for the folder in the id of a file at the top."""


def own_detections(folders: Iterable[str | Path]) -> list[Detection]:
    """
    The detections of the user's folders, by id.

    Raises:
        UsageError: There is no such folder, or no SQL file in it.
        DetectionError: A malformed header, SQL that does not parse or may not run, or an id that is taken; `at` names
            file and line.
    """
    found: dict[str, Detection] = {}
    bundled = {file.id: file for file in bundled_files()}
    con = duckdb.connect()
    try:
        for path, id in own_files(folders):
            taken = bundled[id].path if id in bundled else found[id].file.path if id in found else None
            if taken:
                raise DetectionError(f"its id {id} is taken by {taken}", at=f"{path}:1", hint="give it another name")
            found[id] = detection(read_sql_file(path, id=id))
            statement_of(con, found[id].file)
    except DetectionError as error:
        raise DetectionError(error.message, at=error.at, hint=error.hint or "trailql rules lint DIR") from error
    finally:
        con.close()
    return [found[id] for id in sorted(found)]


def own_files(folders: Iterable[str | Path]) -> Iterator[tuple[Path, str]]:
    """
    SQL files of the user's folders and their ids.

    Raises:
        UsageError: There is no such folder, or no SQL file in it.
        DetectionError: A file lies deeper than one folder below.
    """
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise UsageError("there is no such folder", at=str(folder), hint="--rules DIR")
        paths = sorted(folder.rglob("*.sql"))
        if not paths:
            raise UsageError("there is no .sql file in it", at=str(folder), hint="trailql rules new SERVICE.NAME")
        for path in paths:
            parts = path.relative_to(folder).with_suffix("").parts
            if len(parts) > 2:
                raise DetectionError(f"it lies too deep: {folder}/<service>/<what_happened>.sql", at=f"{path}:1")
            yield path, ".".join(parts if len(parts) == 2 else (TOP_FOLDER, *parts))


def statement_of(con: duckdb.DuckDBPyConnection, file: SqlFile) -> Statement:
    """
    The SQL of a file, if it does nothing but read the lake.

    Raises:
        DetectionError: It does not parse, or may not run.
    """
    if not file.sql:
        raise DetectionError("there is no SQL below the header", at=f"{file.path}:1")
    try:
        return checked(con, file.sql, TABLES)
    except QueryError as error:
        line = first_line(file) + _lines_before_error(con, file.sql)
        raise DetectionError(error.message, at=f"{file.path}:{line}", hint=error.hint) from error


def first_line(file: SqlFile) -> int:
    """The line of the file its SQL begins at."""
    text = file.path.read_text(encoding="utf-8")
    return text.count("\n", 0, max(text.find(file.sql), 0)) + 1


def error_line(error: BaseException | None) -> int:
    """The line of the SQL that an error of DuckDB names, from 0."""
    number = str(error or "").partition("\nLINE ")[2].partition(":")[0]
    return int(number) - 1 if number.isdigit() else 0


def _lines_before_error(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Lines between the beginning of the SQL and what does not parse; 0 where it parses."""
    try:
        tree = json.loads(con.execute("SELECT json_serialize_sql($text)", {"text": sql}).fetchall()[0][0])
    except duckdb.Error:
        return 0
    position = str(tree.get("position", "0"))
    return sql.encode().count(b"\n", 0, int(position) if position.isdigit() else 0)

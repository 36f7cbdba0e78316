"""
What is wrong with a detection's file, and where, as far as it shows without events.

Everything is told at once, each thing with its file and line. A note is worth knowing, and nothing to mend.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb

from trailql.detect.attack import tactics_of
from trailql.detect.catalog import NEEDED, detection
from trailql.detect.fusible import Reason, why_not_fused
from trailql.detect.header import ATTACK_ID, CIS_ID, header_lines, header_remarks
from trailql.detect.own import error_line, first_line, own_files, statement_of
from trailql.detect.portable import drifts
from trailql.detect.samples import cases_of, samples_path
from trailql.errors import DetectionError, QueryError, UsageError
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake
from trailql.query.library import SqlFile, bundled_files, read_sql_file
from trailql.query.wall import Statement

_AGGREGATED = ("first_event_time", "last_event_time", "event_ids")
_OF_AN_EVENT = frozenset({"eventTime", "eventID", "recipientAccountId", "userIdentity", "awsRegion", "sourceIPAddress"})
_BUILT_IN = {"since": datetime(1970, 1, 1, tzinfo=UTC), "until": datetime(9999, 1, 1, tzinfo=UTC)}
_TO_DO = "TODO"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is wrong, or worth knowing, at `path:line`."""

    path: Path
    line: int
    message: str
    is_note: bool = False


def files_to_lint(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """
    The detections' files at these paths and their ids; the bundled ones where there is no path.

    Raises:
        UsageError: There is nothing at a path.
        DetectionError: A file lies too deep.
    """
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_file():
            found.append((path, f"{path.resolve().parent.name}.{path.stem}"))
        elif path.is_dir():
            found += own_files([path])
        else:
            raise UsageError("there is no such file or folder", at=str(path), hint="trailql rules lint DIR")
    bundled = {file.path.resolve(): file for file in bundled_files()}
    if not found:
        return [(file.path, file.id) for file in bundled.values() if file.is_detection]
    # Beside the bundled detections lie queries, which are none.
    return [(path, id) for path, id in found if path.resolve() not in bundled or bundled[path.resolve()].is_detection]


def lint(files: Iterable[tuple[Path, str]]) -> Iterator[Remark]:
    """
    Look through detections.

    Args:
        files: Paths and ids.
    """
    titles = {file.title: file.path for file in bundled_files()}
    bundled = {file.id: file.path for file in bundled_files()}
    with (
        tempfile.TemporaryDirectory(prefix="trailql-") as folder,
        OpenLake(open_lake_folder(Path(folder) / "lake", create=True)) as lake,
    ):
        for path, id in files:
            yield from sorted(_of_file(path, id, lake, titles, bundled), key=_place)


def _place(remark: Remark) -> tuple[bool, int]:
    return remark.path.suffix != ".sql", remark.line


def _of_file(
    path: Path, id: str, lake: OpenLake, titles: dict[str, Path], bundled: dict[str, Path]
) -> Iterator[Remark]:
    if id in bundled and bundled[id].resolve() != path.resolve():
        yield Remark(path, 1, f"its id {id} is taken by {bundled[id]}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        for line, message in header_remarks(lines):
            yield Remark(path, line, message)
        file = read_sql_file(path, id=id)
    except UnicodeDecodeError as error:
        yield Remark(path, 1, f"not UTF-8: {error.reason}")
        return
    except DetectionError as error:
        yield _remark(error, path)
        return
    keys = dict(header_lines(lines))
    if titles.setdefault(file.title, path).resolve() != path.resolve():
        yield Remark(path, keys.get("title", 1), f"{titles[file.title]} has the same title")
    for number, text in enumerate(lines, 1):
        if _TO_DO in text:
            yield Remark(path, number, f"to be filled in: {text.strip()}")
    yield from _of_values(file, keys)
    yield from _of_sql(file, lake)
    yield from _of_samples(file)


def _of_values(file: SqlFile, keys: dict[str, int]) -> Iterator[Remark]:
    for key, pattern, form in (("attack", ATTACK_ID, "T1098 or T1098.003"), ("cis", CIS_ID, "4.1 to 4.16")):
        for name in file.header.get(key, "").replace(",", " ").split():
            if not pattern.fullmatch(name):
                yield Remark(file.path, keys[key], f"{key}: {name} is none, they read {form}")
            elif key == "attack" and not tactics_of(name):
                yield Remark(file.path, keys[key], f"{name} is in no tactic's pack: trailql does not know it", True)
    if all(file.header.get(key) for key in NEEDED):
        try:
            detection(file)
        except DetectionError as error:
            yield _remark(error, file.path)


def _of_sql(file: SqlFile, lake: OpenLake) -> Iterator[Remark]:
    try:
        statement = statement_of(lake.connection, file)
    except DetectionError as error:
        yield _remark(error, file.path)
        return
    begin = first_line(file)
    values = {**file.values({}), **_BUILT_IN}
    used, declared = statement.parameters, {each.name for each in file.parameters}
    for name in sorted(used - values.keys()):
        near = get_close_matches(name, values, 1)
        yield Remark(
            file.path,
            _line_with(file, f"${name}", begin),
            f"${name} is no parameter of the header" + (f"; did you mean ${near[0]}?" if near else ""),
        )
    for name in sorted(declared - used):
        yield Remark(file.path, _line_with(file, f"parameter: {name} ", 1), f"the parameter {name} is used nowhere")
    if not used - values.keys():
        yield from _of_columns(file, lake, values, statement, begin)
    for each in drifts(file.sql):
        yield Remark(file.path, begin + each.line, each.message, each.is_note)


def _of_columns(
    file: SqlFile, lake: OpenLake, values: dict[str, Any], statement: Statement, begin: int
) -> Iterator[Remark]:
    try:
        bound = lake.understood(file.sql, values, "duckdb")
        used = {name: value for name, value in values.items() if name in bound.parameters} or None
        columns = lake.connection.sql(bound.text, params=used).columns
    except QueryError as error:
        yield Remark(file.path, begin + error_line(error.__cause__), _with_hint(error))
        return
    except duckdb.Error as error:
        yield Remark(file.path, begin, str(error).splitlines()[0])
        return
    if columns and set(columns) >= _OF_AN_EVENT and "first_event_time" not in columns:
        lookback = file.header.get("lookback", "")
        reason = why_not_fused(lake.connection, file.sql, statement.tree)
        if not reason and lookback:
            reason = Reason("it looks back, which a per-event detection has no use for", is_wanted=False)
        if reason:
            yield Remark(file.path, begin, f"not part of the one scan: {reason.text}", reason.is_wanted)
        return
    for name in _AGGREGATED:
        if name not in columns:
            yield Remark(file.path, begin, f"it names its columns, but {name} is not among them")


def _of_samples(file: SqlFile) -> Iterator[Remark]:
    path = samples_path(file.path)
    if not path.exists():
        yield Remark(file.path, 1, f"it has no samples: {path.name} beside it")
        return
    try:
        cases_of(file.id, file.path)
    except DetectionError as error:
        yield _remark(error, path)
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if _TO_DO in text:
            yield Remark(path, number, f"to be filled in: {text.strip()}")


def _remark(error: DetectionError, path: Path) -> Remark:
    where, _, line = (error.at or "").rpartition(":")
    if not line.isdigit():
        where, line = error.at or str(path), "1"
    return Remark(Path(where), int(line), _with_hint(error))


def _with_hint(error: DetectionError | QueryError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _line_with(file: SqlFile, text: str, begin: int) -> int:
    lines = file.path.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if n >= begin and text in line), begin)

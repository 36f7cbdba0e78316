"""
Whether a lake is what its logs say: every file there and unchanged, every row in the ledger's books.

No table vouches for itself. A file's name has the SHA-256 of its bytes, the Delta log its size and rows; the ledger
says how many events came from each log file, and `events` and `expired` together must have as many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from trailql.errors import LakeError
from trailql.lake.lake import REWRITING, CommitConflict, Lake, Part, Snapshot, WrittenFile, arrow_schema
from trailql.lake.parquet import rows_sql, write_parquet
from trailql.lake.session import working_connection
from trailql.lake.writer import recover, stray_files, writing
from trailql.schema import TABLES

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Problem:
    """
    Something that is not as it should be.

    Args:
        kind: `missing`, `changed`, `unreadable` (a Parquet file); `events lost`, `events unaccounted`, `records lost`
            (of a log file).
        at: The Parquet file, or the log file's URI.
        what: In words.
    """

    kind: str
    at: str
    what: str


@dataclass(slots=True)
class Checked:
    """
    What a check saw.

    `orphans` are files that no table ever knew; `dead_writers` left notes behind; `repaired` says what was done.
    """

    files: int = 0
    bytes: int = 0
    events: int = 0
    log_files: int = 0
    problems: list[Problem] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)


def check(lake: Lake, *, repair: bool = False, on_progress: Callable[[str, int, int], None] | None = None) -> Checked:
    """
    Check every live file and every log file's count of events; with `repair`, make the lake whole.

    A repair takes damaged Parquet files out of their tables and marks the log files they came from as `damaged` in the
    ledger, so that the next ingest of the same sources reads those again. It deletes nothing but orphans.

    Args:
        lake: The lake.
        repair: Mend what is found.
        on_progress: Called with a file's path, its number and how many there are.

    Raises:
        LakeError: A table cannot be opened, or the lake cannot be written to.
    """
    if not repair:
        return _look(lake, on_progress)[0]
    recovered = recover(lake)
    if lake.storage.notes():
        raise LakeError("another command is writing into the lake", at=lake.root, hint="repair it when that has ended")
    found, damaged = _look(lake, on_progress)
    found.repaired += [f"finished: {path}" for path in recovered.committed]
    found.repaired += [f"undone: {path}" for path in recovered.deleted]
    with writing(lake) as writer, working_connection(lake) as con:
        for table, parts in damaged.items():
            if parts:
                snapshot = lake.snapshot(table)
                _commit(snapshot, [], writer.batch(), parts)
                found.repaired += [f"taken out of the table: {table}/{part.path}" for part in parts]
        if any(problem.kind in _OF_LOG_FILES for problem in found.problems) or any(damaged.values()):
            count = _mend_ledger(con, lake, writer.batch())
            if count:
                found.repaired.append(f"{count:,} log files are marked as damaged: the next ingest reads them again")
        for path in found.orphans:
            lake.storage.delete(path)
            found.repaired.append(f"deleted: {path}")
    return found


_OF_LOG_FILES = frozenset({"events lost", "events unaccounted", "records lost"})


def _look(lake: Lake, on_progress: Callable[[str, int, int], None] | None) -> tuple[Checked, dict[str, list[Part]]]:
    found = Checked(writers=lake.storage.notes())
    damaged: dict[str, list[Part]] = {}
    snapshots = {table: lake.snapshot(table) for table in TABLES}
    total = sum(len(snapshot.parts) for snapshot in snapshots.values())
    for table, snapshot in snapshots.items():
        damaged[table] = []
        for part in snapshot.parts:
            found.files += 1
            found.bytes += part.size_bytes
            if on_progress:
                on_progress(f"{table}/{part.path}", found.files, total)
            problem = _problem_with(lake, table, part)
            if problem:
                found.problems.append(problem)
                damaged[table].append(part)
        if snapshot.delta is not None:
            found.orphans += [each.path for each in stray_files(lake, table)]
    with working_connection(lake) as con:
        good = {table: [part for part in snapshots[table].parts if part not in damaged[table]] for table in TABLES}
        _count(con, snapshots, good)
        found.events, found.log_files = con.execute(
            "SELECT coalesce(sum(rows), 0)::BIGINT, count(*) FROM books"
        ).fetchall()[0]
        found.problems += [_in_words(*row) for row in con.execute(f"{_WRONG} ORDER BY uri").fetchall()]
    return found, damaged


def _problem_with(lake: Lake, table: str, part: Part) -> Problem | None:
    path = f"{table}/{part.path}"
    at = f"{lake.root}/{path}"
    try:
        with lake.storage.open(path) as file:
            size, sha256 = _hash(file)
    except FileNotFoundError:
        return Problem("missing", at, f"{part.rows:,} rows are gone")
    except (OSError, LakeError) as error:
        return Problem("unreadable", at, str(error))
    if size != part.size_bytes:
        return Problem("changed", at, f"{size:,} bytes, the Delta log says {part.size_bytes:,}")
    if part.sha256 and not sha256.startswith(part.sha256):
        return Problem("changed", at, f"its SHA-256 is {sha256[:32]}…, its name says {part.sha256}…")
    try:
        with lake.storage.open(path) as file:
            told = pq.ParquetFile(pa.BufferReader(file.read()))
            rows = told.metadata.num_rows
            if not part.sha256:
                for _ in told.iter_batches():
                    pass
    except (OSError, pa.ArrowException) as error:
        return Problem("unreadable", at, str(error).splitlines()[0])
    if rows != part.rows:
        return Problem("changed", at, f"{rows:,} rows, the Delta log says {part.rows:,}")
    return None


def _hash(file: BinaryIO) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _count(con: duckdb.DuckDBPyConnection, snapshots: dict[str, Snapshot], good: dict[str, list[Part]]) -> None:
    """Table `books`: of each log file what the ledger says and what is there."""
    for table in ("events", "files", "set_aside", "expired", "aws_insights"):
        con.execute(f'CREATE OR REPLACE TEMP VIEW "{table}_there" AS {rows_sql(snapshots[table], good[table])}')
    con.execute("""
        CREATE OR REPLACE TEMP TABLE books AS
        WITH ledger AS (
            SELECT uri, sum(rows_added)::BIGINT AS rows, max(records_set_aside) AS aside,
                coalesce(sum(insights_added), 0)::BIGINT AS insights
            FROM files_there GROUP BY uri
        ),
        insights AS (SELECT log_file AS uri, count(*) AS rows FROM aws_insights_there GROUP BY ALL),
        here AS (SELECT log_file AS uri, count(*) AS rows FROM events_there GROUP BY ALL),
        gone AS (SELECT log_file AS uri, sum(rows)::BIGINT AS rows FROM expired_there GROUP BY ALL),
        aside AS (SELECT log_file AS uri, count(*) AS rows FROM set_aside_there GROUP BY ALL)
        SELECT uri, ledger.rows AS told, coalesce(here.rows, 0) + coalesce(gone.rows, 0) AS there,
            coalesce(here.rows, 0) AS rows, ledger.aside AS aside_told, coalesce(aside.rows, 0) AS aside_there,
            coalesce(ledger.insights, 0) AS insights_told, coalesce(insights.rows, 0) AS insights_there
        FROM ledger FULL JOIN here USING (uri) FULL JOIN gone USING (uri) LEFT JOIN aside USING (uri)
        LEFT JOIN insights USING (uri)
    """)


_WRONG = """
    SELECT uri, told, there, aside_told, aside_there, insights_told, insights_there FROM books
    WHERE told IS DISTINCT FROM there OR aside_told > aside_there OR insights_told > insights_there
"""


def _in_words(
    uri: str,
    told: int | None,
    there: int,
    aside_told: int | None,
    aside_there: int,
    insights_told: int,
    insights_there: int,
) -> Problem:
    if told is None:
        return Problem("events unaccounted", uri, f"{there:,} events, and no word of the log file in the ledger")
    if told < there:
        return Problem("events unaccounted", uri, f"{there:,} events, the ledger says {told:,}")
    if told > there:
        return Problem("events lost", uri, f"{there:,} events, the ledger says {told:,}")
    if insights_told > insights_there:
        return Problem("records lost", uri, f"{insights_there:,} Insights, the ledger says {insights_told:,}")
    return Problem("records lost", uri, f"{aside_there:,} records set aside, the ledger says {aside_told:,}")


def _mend_ledger(con: duckdb.DuckDBPyConnection, lake: Lake, batch: str) -> int:
    """One row for each log file whose books are wrong, which says what is there and has it read again."""
    snapshots = {table: lake.snapshot(table) for table in TABLES}
    _count(con, snapshots, {table: snapshot.parts for table, snapshot in snapshots.items()})
    con.execute(f"CREATE OR REPLACE TEMP TABLE wrong AS {_WRONG}")
    count: int = con.execute("SELECT count(*) FROM wrong").fetchall()[0][0]
    if not count:
        return 0
    mended = con.sql(f"""
        SELECT * FROM files_there ANTI JOIN wrong USING (uri)
        UNION ALL BY NAME
        SELECT latest.* REPLACE (
            wrong.uri AS uri, coalesce(latest.size_bytes, 0) AS size_bytes,
            coalesce(latest.version_tag, '') AS version_tag, 0 AS records, there AS rows_added,
            0 AS duplicates_dropped, 0 AS duplicates_in_file, 0 AS duplicates_in_others, 0 AS duplicates_read_before,
            0 AS conflicts, 0 AS records_filtered, 0 AS records_set_aside, insights_there AS insights_added,
            'damaged' AS status,
            format('{{:d}} of its events were lost from the lake', greatest(coalesce(told, 0) - there, 0)) AS reason,
            now() AS ingested_at, '{batch}' AS batch
        )
        FROM wrong LEFT JOIN (
            SELECT unnest(max_by(files_there, ingested_at)) FROM files_there GROUP BY uri
        ) AS latest ON latest.uri = wrong.uri
    """)
    schema = arrow_schema(TABLES["files"])
    table = mended.select(*(f'"{name}"' for name in schema.names)).to_arrow_table()
    snapshot = snapshots["files"]
    if snapshot.delta is None:
        snapshot = lake.snapshot_to_write("files")
    file = write_parquet(lake, table, batch, table="files", partition={})
    _commit(snapshot, [file], batch, snapshot.parts)
    return count


def _commit(snapshot: Snapshot, files: Sequence[WrittenFile], batch: str, remove: Sequence[Part]) -> None:
    try:
        snapshot.commit(files, batch=batch, remove=remove, alone=REWRITING)
    except CommitConflict:
        raise LakeError(
            "something else rewrites the lake right now", at=snapshot.lake.root, hint="run it again"
        ) from None

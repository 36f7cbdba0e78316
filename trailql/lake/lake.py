"""
Open a lake and commit to it: a folder of Delta tables, no server.

    lake/
      trailql.json   what this folder is, and its layout version
      events/        one row per event, partitioned by event_date
      files/         one row per log file ever seen: the ledger
      set_aside/     records that are no events, as text
      writing/       notes of the writers at work

Parquet files are written first; the Delta log decides which of them exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from trailql.errors import LakeError
from trailql.lake.storage import MARKER, Storage, marker_text, open_storage
from trailql.schema import LAYOUT_VERSION, PARTITION_COLUMN, TABLES, Column
from trailql.sources.aws import Aws

_ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "json": pa.string(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "long": pa.int64(),
    "double": pa.float64(),
}


class CommitConflict(Exception):
    """Another writer has committed since the snapshot was taken; look again, then commit again."""


@dataclass(frozen=True, slots=True)
class Lake:
    """An opened lake. Tables appear with their first commit."""

    storage: Storage

    @property
    def root(self) -> str:
        """Where it lies: an absolute path, or an S3 URI."""
        return self.storage.root

    def snapshot(self, table: str) -> Snapshot:
        """
        A table as of its newest commit.

        Raises:
            LakeError: It cannot be opened.
        """
        try:
            return Snapshot(
                self, table, DeltaTable(self.storage.table_uri(table), storage_options=self.storage.options)
            )
        except TableNotFoundError:
            return Snapshot(self, table, None)
        except Exception as error:
            where = self.storage.plain_path(self.storage.table_uri(table))
            raise LakeError(f"the table {table} cannot be opened: {error}", at=where) from error

    def live_files(self, table: str) -> list[str]:
        """The table's Parquet files as of now; see `Snapshot.files`."""
        return self.snapshot(table).files()

    def newest_version(self, table: str, known: int) -> int | None:
        """
        Number of the newest commit after a known one, from the names in the Delta log alone; None where it lies in S3.

        Where the log has been cleaned of the commits that follow the known one, the known one is returned.
        """
        log = Path(self.root, table, "_delta_log")
        if not Path(self.root).is_dir():
            return None
        while (log / f"{known + 1:020}.json").exists():
            known += 1
        return known

    def snapshot_to_write(self, table: str) -> Snapshot:
        """
        The same; the table is made without rows when it is not there.

        Of two writers that make a table with their first rows, both may get through: a first commit has nothing to be
        checked against. So the first commit has no rows, and all others are checked.
        """
        found = self.snapshot(table)
        if found.delta is not None:
            return found.with_all_columns()
        try:
            create_table_with_add_actions(
                self.storage.table_uri(table),
                Schema.from_arrow(arrow_schema(TABLES[table])),
                [],
                mode="ignore",
                partition_by=[PARTITION_COLUMN] if _is_partitioned(table) else [],
                name=table,
                configuration=_TABLE_SETTINGS,
                storage_options=self.storage.options,
            )
        except (CommitFailedError, DeltaError, OSError) as error:
            if not _lost_the_race(error):
                raise LakeError(f"the table {table} cannot be made: {error}", at=self.root) from error
        return self.snapshot(table)

    def commit(self, table: str, files: Sequence[WrittenFile], *, batch: str) -> None:
        """Append written files to the table, all or none, whatever others have appended meanwhile."""
        for attempt in range(_MOST_ATTEMPTS):
            try:
                self.snapshot_to_write(table).commit(files, batch=batch)
                return
            except CommitConflict:
                if attempt == _MOST_ATTEMPTS - 1:
                    raise LakeError(f"the commit to {table} found no gap between others", at=self.root) from None


@dataclass(frozen=True)
class Snapshot:
    """One table as of one commit; what is committed from it can insist that nothing has changed since."""

    lake: Lake
    table: str
    delta: DeltaTable | None

    @property
    def version(self) -> int:
        """Number of the commit; -1 for a table that is not there yet."""
        return self.delta.version() if self.delta is not None else -1

    def files(self) -> list[str]:
        """The Parquet files that make up the table, as DuckDB opens them."""
        if self.delta is None:
            return []
        return sorted(map(self.lake.storage.plain_path, self.delta.file_uris()))

    @cached_property
    def parts(self) -> list[Part]:
        """The same files with what the Delta log says of each, sorted by path."""
        if self.delta is None:
            return []
        told = pa.table(self.delta.get_add_actions(flatten=True))
        later = [column.name for column in TABLES[self.table] if column.is_later]
        empty = pa.nulls(told.num_rows)

        def column(name: str) -> list[Any]:
            found: list[Any] = (told[name] if name in told.column_names else empty).to_pylist()
            return found

        nulls = {name: column(f"null_count.{name}") for name in later}
        time = "delivered_at" if self.table == "files" else "eventTime"
        told_names = (
            "path",
            "size_bytes",
            "num_records",
            f"partition.{PARTITION_COLUMN}",
            f"min.{time}",
            f"max.{time}",
        )
        parts = [
            Part(
                path,
                size_bytes,
                rows,
                day,
                first,
                last,
                frozenset(name for name in later if nulls[name][number] is not None),
            )
            for number, (path, size_bytes, rows, day, first, last) in enumerate(
                zip(*map(column, told_names), strict=True)
            )
        ]
        return sorted(parts, key=lambda part: part.path)

    def path(self, part: Part) -> str:
        """A part as DuckDB opens it."""
        assert self.delta is not None
        return self.lake.storage.plain_path(f"{self.lake.storage.table_uri(self.table)}/{part.path}")

    def holds(self, batch: str) -> bool:
        """Whether a batch has been committed to the table; for as long as the Delta log remembers, 30 days."""
        if any(part.batch == batch for part in self.parts):
            return True
        history = self.delta.history() if self.delta is not None else []
        return any(entry.get(_BATCH) == batch for entry in history)

    def dead_files(self) -> set[str]:
        """Paths of files that were part of the table and lie there still."""
        if self.delta is None:
            return set()
        return set(self.delta.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False))

    def delete_dead_files(self, hours: int, *, dry_run: bool) -> list[str]:
        """Delete files that have been out of the table for longer than so many hours; returns their paths."""
        assert self.delta is not None
        try:
            return self.delta.vacuum(retention_hours=hours, dry_run=dry_run, enforce_retention_duration=False)
        except (CommitFailedError, DeltaError, OSError) as error:
            raise LakeError(f"files of {self.table} cannot be deleted: {error}", at=self.lake.root) from error

    def with_all_columns(self) -> Snapshot:
        """The table with the columns that this trailql knows and the one that made it did not."""
        assert self.delta is not None
        there = {field.name for field in self.delta.schema().fields}
        missing = [field for field in arrow_schema(TABLES[self.table]) if field.name not in there]
        if not missing:
            return self
        try:
            self.delta.alter.add_columns(list(Schema.from_arrow(pa.schema(missing)).fields))
        except (CommitFailedError, DeltaError, OSError) as error:
            if not _lost_the_race(error):
                raise LakeError(f"columns cannot be added to {self.table}: {error}", at=self.lake.root) from error
        return self.lake.snapshot(self.table).with_all_columns()

    def commit(
        self,
        files: Sequence[WrittenFile],
        *,
        batch: str,
        remove: Sequence[Part] = (),
        alone: str | None = None,
        drops_rows: bool = False,
    ) -> None:
        """
        Append written files to the table and take others out of it, all or nothing.

        Args:
            files: Files that lie in the table's folder already.
            batch: Who commits, kept in the log.
            remove: Files of this snapshot that shall be part of it no more; they stay where they lie. Delta does not
                notice when another commit has taken them out before, so it takes `alone`.
            alone: Only if no other commit of this name has come since this snapshot.
            drops_rows: The written files lack rows of those that are taken out; else both hold the same rows.

        Raises:
            CommitConflict: One has.
        """
        assert self.delta is not None, "taken with snapshot_to_write"
        assert alone or not remove
        keeps_rows = bool(files) and bool(remove) and not drops_rows
        now = int(datetime.now().timestamp() * 1000)
        actions: list[AddAction | RemoveAction] = [
            RemoveAction(part.path, not keeps_rows, now, part.size_bytes, part.partition) for part in remove
        ]
        actions += [_add_action(file, now, data_change=not keeps_rows) for file in files]
        transactions = [Transaction(alone, self._number(alone) + 1)] if alone else None
        try:
            self.delta.create_write_transaction(
                actions,
                "append",
                Schema.from_arrow(arrow_schema(TABLES[self.table])),
                [PARTITION_COLUMN] if _is_partitioned(self.table) else [],
                commit_properties=CommitProperties(
                    custom_metadata={_BATCH: batch},
                    app_transactions=transactions,
                    max_commit_retries=_COMMIT_RETRIES,
                ),
            )
        except (CommitFailedError, DeltaError, OSError) as error:
            if _lost_the_race(error):
                raise CommitConflict(self.table) from error
            raise LakeError(f"the commit to {self.table} failed: {error}", at=self.lake.root) from error

    def _number(self, name: str) -> int:
        found = self.delta.transaction_version(name) if self.delta is not None else None
        return -1 if found is None else found


ADDING = "trailql-events"
"""Name of commits that add events after a check for copies."""
REWRITING = "trailql-rewrite"
"""Name of commits that take files out of a table."""
HUNTING = "trailql-hunt"
"""Name of commits that say what has been hunted."""
_BATCH = "trailql_batch"
_COMMIT_RETRIES = 30
_MOST_ATTEMPTS = 10
_TABLE_SETTINGS = {"delta.checkpointInterval": "20"}
"""An ingest every five minutes opens the tables hundreds of times a day: few log entries to read each time."""


def _lost_the_race(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, CommitFailedError) or "already exists" in text or "conflict" in text


_NAME = re.compile(r"part-(?P<batch>.+?)(?:\.\d+)?(?:-(?P<sha256>[0-9a-f]{32}))?\.parquet$")


@dataclass(frozen=True, slots=True)
class Part:
    """
    A Parquet file that is part of a table, as the Delta log has it.

    Args:
        path: Relative to the table's folder.
        size_bytes, rows: Its size.
        day: Its partition, in `events`.
        first, last: Of its `eventTime`, in the ledger of `delivered_at`; None where the log does not say.
        later_columns: Which of the columns that came later it has.
    """

    path: str
    size_bytes: int
    rows: int
    day: date | None
    first: datetime | None
    last: datetime | None
    later_columns: frozenset[str] = frozenset()

    @property
    def batch(self) -> str | None:
        """The batch that wrote it."""
        return batch_of(self.path)

    @property
    def sha256(self) -> str | None:
        """The first 32 digits of the SHA-256 of its bytes; lakes made before 0.2 have names without."""
        found = _NAME.search(self.path)
        return found["sha256"] if found else None

    @property
    def partition(self) -> dict[str, str | None]:
        """Partition column to value."""
        return {PARTITION_COLUMN: str(self.day)} if self.day else {}


def batch_of(path: str) -> str | None:
    """The batch that wrote a file, by its name."""
    found = _NAME.search(path)
    return found["batch"] if found else None


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """
    A Parquet file that lies in a table's folder and waits for its commit.

    Args:
        path: Relative to the table's folder, with `/`.
        size_bytes: Its size.
        rows: Its rows.
        partition: Partition column to value.
        minimums: Column to smallest value, for the columns worth pruning by.
        maximums: Column to largest value.
        nulls: Column to number of nulls, for the columns that older files of the table lack.
    """

    path: str
    size_bytes: int
    rows: int
    partition: dict[str, str | None]
    minimums: dict[str, Any]
    maximums: dict[str, Any]
    nulls: dict[str, int] = field(default_factory=dict)


def part_of(file: WrittenFile) -> Part:
    """A written file as it will be part of its table."""
    day = file.partition.get(PARTITION_COLUMN)
    return Part(
        path=file.path,
        size_bytes=file.size_bytes,
        rows=file.rows,
        day=date.fromisoformat(day) if day else None,
        first=file.minimums.get("eventTime"),
        last=file.maximums.get("eventTime"),
        later_columns=frozenset(file.nulls),
    )


def open_lake_folder(path: str | Path, *, create: bool = False, aws: Aws | None = None) -> Lake:
    """
    Open the lake in a folder, or at `s3://bucket/prefix`.

    Args:
        path: Where.
        create: Make it a lake when it is empty or missing.
        aws: The session for S3; one from the environment without it.

    Raises:
        LakeError: Not a lake, someone else's folder, or a lake of a newer layout.
    """
    storage = open_storage(path, aws)
    try:
        marker = storage.read_marker()
        if marker is None and create and storage.is_empty():
            storage.write_marker(marker_text(LAYOUT_VERSION))
        if marker is None:  # written just now, here or by another ingest
            marker = storage.read_marker()
        if marker is not None:
            _check_layout(marker, storage.root)
        elif storage.exists():
            hint = f"trailql ingest SOURCE --lake {path}" if not create else "give --lake an empty folder or a lake"
            raise LakeError("this folder is not a trailql lake (no trailql.json in it)", at=str(path), hint=hint)
        else:
            raise LakeError("there is no lake here", at=str(path), hint=f"trailql ingest SOURCE --lake {path}")
    except OSError as error:
        raise LakeError(f"cannot be opened: {(error.strerror or str(error)).lower()}", at=str(path)) from error
    return Lake(storage)


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of a table's columns."""
    return pa.schema([_arrow_field(column) for column in columns])


def _arrow_field(column: Column) -> pa.Field:
    if column.kind == "struct":
        return pa.field(column.name, pa.struct([_arrow_field(field) for field in column.fields]))
    return pa.field(column.name, _ARROW_TYPES[column.kind])


def _is_partitioned(table: str) -> bool:
    return any(column.name == PARTITION_COLUMN for column in TABLES[table])


def _check_layout(marker: str, root: str) -> None:
    try:
        version = int(json.loads(marker)["layout_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError("trailql.json is damaged", at=f"{root}/{MARKER}") from error
    if version > LAYOUT_VERSION:
        message = f"the lake has layout version {version}, this trailql reads up to {LAYOUT_VERSION}"
        raise LakeError(message, at=root, hint="pip install --upgrade trailql")


def _add_action(file: WrittenFile, now: int, *, data_change: bool) -> AddAction:
    stats = {"numRecords": file.rows, "minValues": _plain(file.minimums), "maxValues": _plain(file.maximums)}
    if file.nulls:
        stats["nullCount"] = file.nulls
    return AddAction(
        path=file.path,
        size=file.size_bytes,
        partition_values=file.partition,
        modification_time=now,
        data_change=data_change,
        stats=json.dumps(stats),
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value
        for name, value in values.items()
    }

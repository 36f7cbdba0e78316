"""
Open a lake and commit to it: a folder of Delta tables, no server.

    lake/
      trailql.json   what this folder is, and its layout version
      events/        one row per event, partitioned by event_date
      files/         one row per log file ever seen: the ledger
      set_aside/     records that are no events, as text

Parquet files are written first; the Delta log decides which of them exist.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

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

    def live_files(self, table: str, predicate: str | None = None) -> list[str]:
        """The table's Parquet files as of now; see `Snapshot.files`."""
        return self.snapshot(table).files(predicate)

    def snapshot_to_write(self, table: str) -> Snapshot:
        """
        The same; the table is made without rows when it is not there.

        Of two writers that make a table with their first rows, both may get through: a first commit has nothing to be
        checked against. So the first commit has no rows, and all others are checked.
        """
        found = self.snapshot(table)
        if found.delta is not None:
            return found
        try:
            create_table_with_add_actions(
                self.storage.table_uri(table),
                Schema.from_arrow(arrow_schema(TABLES[table])),
                [],
                mode="ignore",
                partition_by=[PARTITION_COLUMN] if _is_partitioned(table) else [],
                name=table,
                storage_options=self.storage.options,
            )
        except (CommitFailedError, DeltaError) as error:
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One table as of one commit; what is committed from it can insist that nothing has changed since."""

    lake: Lake
    table: str
    delta: DeltaTable | None

    def files(self, predicate: str | None = None) -> list[str]:
        """
        The Parquet files that make up the table, as DuckDB opens them.

        Args:
            predicate: SQL over columns, to leave out files whose partition or statistics exclude them.
        """
        if self.delta is None:
            return []
        uris = self.delta.file_uris(file_pruning_predicate=predicate) if predicate else self.delta.file_uris()
        return sorted(map(self.lake.storage.plain_path, uris))

    def holds(self, file: WrittenFile) -> bool:
        """Whether a written file is part of the table."""
        return any(path.endswith(f"/{file.path}") for path in self.files())

    def commit(self, files: Sequence[WrittenFile], *, batch: str, alone: bool = False) -> None:
        """
        Append written files to the table, all or none.

        Args:
            files: Files that lie in the table's folder already.
            batch: Who commits, kept in the log.
            alone: Only if no other commit that asked the same has come since this snapshot.

        Raises:
            CommitConflict: One has.
        """
        schema = Schema.from_arrow(arrow_schema(TABLES[self.table]))
        partition_by = [PARTITION_COLUMN] if _is_partitioned(self.table) else []
        actions = [_add_action(file) for file in files]
        transactions = [Transaction(_WRITER, self._version() + 1)] if alone else None
        properties = CommitProperties(
            custom_metadata={"trailql_batch": batch}, app_transactions=transactions, max_commit_retries=_COMMIT_RETRIES
        )
        assert self.delta is not None, "taken with snapshot_to_write"
        try:
            self.delta.create_write_transaction(
                [*actions], "append", schema, partition_by, commit_properties=properties
            )
        except (CommitFailedError, DeltaError) as error:
            if _lost_the_race(error):
                raise CommitConflict(self.table) from error
            raise LakeError(f"the commit to {self.table} failed: {error}", at=self.lake.root) from error

    def _version(self) -> int:
        found = self.delta.transaction_version(_WRITER) if self.delta is not None else None
        return -1 if found is None else found


_WRITER = "trailql-events"
_COMMIT_RETRIES = 30
_MOST_ATTEMPTS = 10


def _lost_the_race(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, CommitFailedError) or "already exists" in text or "conflict" in text


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
    """

    path: str
    size_bytes: int
    rows: int
    partition: dict[str, str | None]
    minimums: dict[str, Any]
    maximums: dict[str, Any]


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


def _add_action(file: WrittenFile) -> AddAction:
    stats = {"numRecords": file.rows, "minValues": _plain(file.minimums), "maxValues": _plain(file.maximums)}
    return AddAction(
        path=file.path,
        size=file.size_bytes,
        partition_values=file.partition,
        modification_time=int(datetime.now().timestamp() * 1000),
        data_change=True,
        stats=json.dumps(stats),
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value
        for name, value in values.items()
    }

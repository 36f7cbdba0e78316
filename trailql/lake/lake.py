"""
Open a lake and commit to it: a folder of Delta tables, no server.

    lake/
      trailql.json   what this folder is, and its layout version
      events/        one row per event, partitioned by event_date
      files/         one row per log file ever seen: the ledger
      set_aside/     records that are no events, as text

DuckDB writes the Parquet files; the Delta log decides which of them exist.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

from trailql.errors import LakeError
from trailql.schema import LAYOUT_VERSION, PARTITION_COLUMN, TABLES, Column

_MARKER = "trailql.json"
_ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "json": pa.string(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "long": pa.int64(),
}


@dataclass(frozen=True, slots=True)
class Lake:
    """An opened lake. Tables appear with their first commit."""

    path: Path

    def table_path(self, table: str) -> Path:
        return self.path / table

    def open_table(self, table: str) -> DeltaTable | None:
        """The table as of its newest commit, or None before its first one."""
        path = self.table_path(table)
        if not (path / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(path.as_uri())
        except Exception as error:
            raise LakeError(f"the table {table} cannot be opened: {error}", at=str(path)) from error

    def live_files(self, table: str, predicate: str | None = None) -> list[str]:
        """
        Absolute paths of the Parquet files that make up the table now.

        Args:
            table: `events`, `files` or `set_aside`.
            predicate: SQL over columns, to leave out files whose partition or statistics exclude them.
        """
        delta = self.open_table(table)
        if delta is None:
            return []
        uris = delta.file_uris(file_pruning_predicate=predicate) if predicate else delta.file_uris()
        return sorted(unquote(uri.removeprefix("file://")) for uri in uris)

    def commit(self, table: str, files: Sequence[WrittenFile], *, batch: str) -> None:
        """Make written files part of the table, all or none."""
        actions = [_add_action(file) for file in files]
        schema = Schema.from_arrow(arrow_schema(TABLES[table]))
        partition_by = [PARTITION_COLUMN] if _is_partitioned(table) else []
        properties = CommitProperties(custom_metadata={"trailql_batch": batch})
        delta = self.open_table(table)
        if delta is None:
            create_table_with_add_actions(
                self.table_path(table).as_uri(),
                schema,
                actions,
                mode="error",
                partition_by=partition_by,
                name=table,
                commit_properties=properties,
            )
        else:
            delta.create_write_transaction([*actions], "append", schema, partition_by, commit_properties=properties)


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


def open_lake_folder(path: str | Path, *, create: bool = False) -> Lake:
    """
    Open the lake in a folder.

    Args:
        path: The folder.
        create: Make it a lake when it is empty or missing.

    Raises:
        LakeError: Not a lake, someone else's folder, or a lake of a newer layout.
    """
    folder = Path(path).expanduser().absolute()
    marker = folder / _MARKER
    if "%" in str(folder):
        raise LakeError("a lake's path cannot contain %: Delta takes it for an escape", at=str(path))
    try:
        if marker.is_file():
            _check_layout(marker)
        elif create and (not folder.exists() or not any(folder.iterdir())):
            folder.mkdir(parents=True, exist_ok=True)
            marker.write_text(json.dumps({"layout_version": LAYOUT_VERSION, "what": "a trailql lake"}) + "\n")
        elif folder.exists():
            hint = f"trailql ingest SOURCE --lake {path}" if not create else "give --lake an empty folder or a lake"
            raise LakeError("this folder is not a trailql lake (no trailql.json in it)", at=str(path), hint=hint)
        else:
            raise LakeError("there is no lake here", at=str(path), hint=f"trailql ingest SOURCE --lake {path}")
    except OSError as error:
        raise LakeError(f"cannot be opened: {(error.strerror or str(error)).lower()}", at=str(path)) from error
    return Lake(folder)


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of a table's columns."""
    return pa.schema([_arrow_field(column) for column in columns])


def _arrow_field(column: Column) -> pa.Field:
    if column.kind == "struct":
        return pa.field(column.name, pa.struct([_arrow_field(field) for field in column.fields]))
    return pa.field(column.name, _ARROW_TYPES[column.kind])


def _is_partitioned(table: str) -> bool:
    return any(column.name == PARTITION_COLUMN for column in TABLES[table])


def _check_layout(marker: Path) -> None:
    try:
        version = int(json.loads(marker.read_text())["layout_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError("trailql.json is damaged", at=str(marker)) from error
    if version > LAYOUT_VERSION:
        message = f"the lake has layout version {version}, this trailql reads up to {LAYOUT_VERSION}"
        raise LakeError(message, at=str(marker.parent), hint="pip install --upgrade trailql")


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

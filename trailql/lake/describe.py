"""What a lake holds: tables, days, files, bytes, events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import deltalake
import duckdb
import pyarrow as pa

from trailql.lake.lake import Lake
from trailql.schema import LAYOUT_VERSION, TABLES


@dataclass(frozen=True, slots=True)
class TableInfo:
    """One table: its commit number, live files, rows and bytes, and bytes of files no longer part of it."""

    table: str
    version: int
    files: int
    rows: int
    bytes: int
    bytes_out_of_use: int


@dataclass(frozen=True, slots=True)
class DayInfo:
    """One day of events."""

    day: date
    files: int
    events: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LakeInfo:
    """
    What a lake holds; sizes in bytes, times UTC.

    `writers` are those whose notes lie in the lake: at work, or dead and not tidied up after. `versions` are those of
    the layout and of the libraries at hand.
    """

    root: str
    tables: list[TableInfo]
    days: list[DayInfo]
    oldest: datetime | None
    newest: datetime | None
    writers: list[str]
    versions: dict[str, str]

    @property
    def events(self) -> int:
        """Events in all."""
        return sum(day.events for day in self.days)


def describe(lake: Lake) -> LakeInfo:
    """
    What a lake holds, from the Delta logs alone: no Parquet file is read.

    Raises:
        LakeError: A table cannot be opened.
    """
    parts = lake.snapshot("events").parts
    days = sorted({part.day for part in parts if part.day})
    return LakeInfo(
        root=lake.root,
        tables=list(_tables(lake)),
        days=[
            DayInfo(
                day,
                sum(part.day == day for part in parts),
                sum(part.rows for part in parts if part.day == day),
                sum(part.size_bytes for part in parts if part.day == day),
            )
            for day in days
        ],
        oldest=min((part.first for part in parts if part.first), default=None),
        newest=max((part.last for part in parts if part.last), default=None),
        writers=lake.storage.notes(),
        versions={
            "layout": str(LAYOUT_VERSION),
            "duckdb": duckdb.__version__,
            "deltalake": deltalake.__version__,
            "pyarrow": pa.__version__,
        },
    )


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What a table holds; its days are those of `eventTime` in `events`, of the delivery in `files`."""

    table: str
    rows: int
    bytes: int
    first_day: date | None
    last_day: date | None


def table_summaries(lake: Lake) -> list[TableSummary]:
    """
    Every table, from the Delta logs alone; one that is not there yet has no rows.

    Raises:
        LakeError: A table cannot be opened.
    """
    found = []
    for table in TABLES:
        parts = lake.snapshot(table).parts
        first = [day for part in parts if (day := part.day or (part.first and part.first.date()))]
        last = [day for part in parts if (day := part.day or (part.last and part.last.date()))]
        found.append(
            TableSummary(
                table,
                sum(part.rows for part in parts),
                sum(part.size_bytes for part in parts),
                min(first, default=None),
                max(last, default=None),
            )
        )
    return found


def _tables(lake: Lake) -> Iterator[TableInfo]:
    for table in TABLES:
        snapshot = lake.snapshot(table)
        if snapshot.delta is None:
            continue
        used = sum(part.size_bytes for part in snapshot.parts)
        lying = sum(each.size_bytes for each in lake.storage.files(table))
        yield TableInfo(
            table,
            snapshot.version,
            len(snapshot.parts),
            sum(part.rows for part in snapshot.parts),
            used,
            max(lying - used, 0),
        )

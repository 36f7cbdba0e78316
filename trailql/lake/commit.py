"""
What belongs together becomes part of the lake together: events, what was set aside, and the ledger that speaks of both.

All files are written before the first commit, and share the name of their batch: after a crash in between,
`trailql.lake.writer` finishes or undoes the whole.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import random

import duckdb
import pyarrow as pa

from trailql.errors import LakeError
from trailql.lake.aws_insights import InsightRows
from trailql.lake.events import FileCounts, read_back, write_events
from trailql.lake.lake import ADDING, CommitConflict, Lake, WrittenFile
from trailql.lake.ledger import LedgerRow, write_ledger
from trailql.lake.parquet import write_parquet
from trailql.lake.writer import Writer
from trailql.schema import SET_ASIDE_COLUMNS

_MOST_CONFLICTS = 50

SetAsideRow = tuple[str, int, str, str]
"""Log file, record number, reason, the record's text."""


@dataclass(slots=True)
class _Group:
    """Rows that were checked and written at once; `rows` only while they are in memory."""

    uris: list[str]
    rows: pa.Table | None
    files: list[WrittenFile]
    counts: dict[int, FileCounts]


class Unit:
    """
    One commit to the lake in the making.

    A log file is never torn: one that is larger than a batch makes the unit wait for its end, its rows so far lying
    in the lake's folder without being part of it.

    Args:
        con: A connection that may read the lake; its time zone is UTC.
        lake: The lake.
        writer: Who writes.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, lake: Lake, writer: Writer) -> None:
        self._con = con
        self._lake = lake
        self._writer = writer
        self._batch = writer.batch()
        self._snapshot = lake.snapshot_to_write("events")
        self._groups: list[_Group] = []
        self._insights = InsightRows()

    def add(self, rows: pa.Table | None, uris: list[str]) -> None:
        """
        Check rows for copies and write the others.

        Args:
            rows: Rows of `trailql.normalize.batch`, None when there are none.
            uris: Log file URIs by `file_no`.
        """
        for group in self._groups:
            group.rows = None
        if rows is not None:
            number = len(self._groups) if self._groups else None
            files, counts = write_events(
                self._con, self._snapshot, self._batch, rows, uris, held_back=self._files, number=number
            )
            self._groups.append(_Group(uris, rows, files, counts))

    def add_insights(self, rows: pa.Table, uris: list[str]) -> None:
        """Take rows with `insightDetails`, for `aws_insights`; arguments as for `add`."""
        self._insights.add(rows, uris)

    def commit(self, ledger: Sequence[LedgerRow], set_aside: Sequence[SetAsideRow]) -> None:
        """
        Commit the events, then what was set aside, CloudTrail's own Insights, and the ledger last.

        Args:
            ledger: One row a log file; the counts that `add` found are filled in here.
            set_aside: Records that are no events.

        Raises:
            LakeError: It cannot be written; nothing of it is in the lake then.
        """
        for attempt in range(_MOST_CONFLICTS):
            insights, of_insights = self._insights.write(self._con, self._lake, self._batch)
            self._fill_in(ledger, of_insights)
            aside = self._write_set_aside(set_aside) if set_aside else None
            told = write_ledger(self._lake, self._batch, ledger) if ledger else None
            if self._commit_events():
                if aside is not None:
                    self._lake.commit("set_aside", [aside], batch=self._batch)
                if insights is not None:
                    self._lake.commit("aws_insights", [insights], batch=self._batch)
                if told is not None:
                    self._lake.commit("files", [told], batch=self._batch)
                return
            for table, file in (("set_aside", aside), ("aws_insights", insights), ("files", told)):
                if file is not None:
                    self._lake.storage.delete(f"{table}/{file.path}")
            time.sleep(random() * min(0.1 * 2**attempt, 5))  # noqa: S311
            self._check_again()
        raise LakeError(
            f"another ingest committed first, {_MOST_CONFLICTS} times in a row",
            at=self._lake.root,
            hint="run fewer of them at once; what is not committed is read again next time",
        )

    @property
    def _files(self) -> list[WrittenFile]:
        return [file for group in self._groups for file in group.files]

    def _commit_events(self) -> bool:
        """Whether it got through; not when another ingest has committed since the check."""
        if not self._files:
            return True
        try:
            self._snapshot.commit(self._files, batch=self._batch, alone=ADDING)
        except CommitConflict:
            return self._lake.snapshot("events").holds(self._batch)  # this very commit, whose answer got lost
        return True

    def _check_again(self) -> None:
        """Look for copies once more, in what others have committed meanwhile, and write anew."""
        before, self._groups = self._groups, []
        self._snapshot = self._lake.snapshot_to_write("events")
        self._batch = self._writer.batch()
        for group in before:
            rows = group.rows
            if rows is None and group.files:
                rows = read_back(self._snapshot, group.files, group.uris)
            files: list[WrittenFile] = []
            counts: dict[int, FileCounts] = {}
            if rows is not None:
                number = len(self._groups) if self._groups else None
                files, counts = write_events(
                    self._con, self._snapshot, self._batch, rows, group.uris, held_back=self._files, number=number
                )
            if group.rows is None:
                counts = {each: _plus(group.counts[each], counts.get(each)) for each in group.counts}
            self._groups.append(_Group(group.uris, group.rows, files, counts))
            for file in group.files:
                self._lake.storage.delete(f"events/{file.path}")

    def _fill_in(self, ledger: Sequence[LedgerRow], of_insights: Mapping[str, FileCounts]) -> None:
        counted = dict(of_insights)
        for group in self._groups:
            for number, counts in group.counts.items():
                uri = group.uris[number]
                counted[uri] = _sum(counted[uri], counts) if uri in counted else counts
        now = datetime.now(UTC)
        for row in ledger:
            found = counted.get(row.uri, FileCounts())
            row.rows_added, row.conflicts = found.rows_added, found.conflicts
            row.insights_added = found.insights_added
            row.duplicates_in_file = found.duplicates_in_file
            row.duplicates_in_others = found.duplicates_in_others
            row.duplicates_read_before = found.duplicates_read_before
            row.duplicates_dropped = (
                found.duplicates_in_file + found.duplicates_in_others + found.duplicates_read_before
            )
            row.first_event_time, row.last_event_time = found.first_event_time, found.last_event_time
            row.ingested_at, row.batch = now, self._batch

    def _write_set_aside(self, set_aside: Sequence[SetAsideRow]) -> WrittenFile:
        rows = [(*each, self._batch) for each in set_aside]
        names = [column.name for column in SET_ASIDE_COLUMNS]
        table = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        return write_parquet(self._lake, table, self._batch, table="set_aside", partition={})


def _plus(before: FileCounts, again: FileCounts | None) -> FileCounts:
    """Counts of rows that were written before, of which some were found to be copies later."""
    again = again or FileCounts()
    return FileCounts(
        again.rows_added,
        0,
        before.duplicates_in_file + again.duplicates_in_file,
        before.duplicates_in_others + again.duplicates_in_others,
        before.duplicates_read_before + again.duplicates_read_before,
        again.conflicts,
        before.first_event_time,
        before.last_event_time,
    )


def _sum(one: FileCounts, other: FileCounts) -> FileCounts:
    return FileCounts(
        one.rows_added + other.rows_added,
        one.insights_added + other.insights_added,
        one.duplicates_in_file + other.duplicates_in_file,
        one.duplicates_in_others + other.duplicates_in_others,
        one.duplicates_read_before + other.duplicates_read_before,
        one.conflicts + other.conflicts,
        min(filter(None, (one.first_event_time, other.first_event_time)), default=None),
        max(filter(None, (one.last_event_time, other.last_event_time)), default=None),
    )

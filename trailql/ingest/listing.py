"""
What there is to read, held against the ledger.

Names go into a DuckDB table that spills to disk, so that a bucket of millions of objects needs no memory of its own;
log files come out of it one by one, in the order of their delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import duckdb
import pyarrow as pa

from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary
from trailql.lake.lake import Lake
from trailql.lake.ledger import compare_with_ledger, unread_files
from trailql.lake.listings import Listed, listed_days, start_day
from trailql.sources.aws import AccessRefused
from trailql.sources.local import plain_log_file
from trailql.sources.s3 import Bucket, S3Object, is_s3_uri, split_s3_uri
from trailql.sources.source import Earlier, LogFile
from trailql.sources.trail_prefixes import TrailPrefix, Trails, list_days, nothing_there

_ROWS_AT_ONCE = 20_000
_SCHEMA = pa.schema(
    [("number", pa.int64()), ("uri", pa.string()), ("size_bytes", pa.int64()), ("version_tag", pa.string())]
)

_Row = tuple[int | None, str, int, str]


@dataclass
class Listing:
    """
    The names of a run's candidates.

    Args:
        con: A connection of the run, used by this listing alone.
        lake: Whose ledger they are held against.
        local: Log files that cannot be made again of name, size and tag, by their number.
        buckets: Buckets that objects were listed from, by name.
        days: What has been listed of which prefix, to be written down when all of it is in the lake.
        before: What had been listed before, by prefix.
        notes: What was not looked at, in words.
        prefixes: Accounts × Regions that were listed.
        starts: From which delivery day on each of them was listed.
    """

    con: duckdb.DuckDBPyConnection
    lake: Lake
    local: list[LogFile] = field(default_factory=list)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    days: dict[str, Listed] = field(default_factory=dict)
    before: dict[str, list[Listed]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    prefixes: int = 0
    starts: list[date | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.con.execute(
            "CREATE OR REPLACE TABLE listed (number BIGINT, uri VARCHAR, size_bytes BIGINT, version_tag VARCHAR)"
        )

    @property
    def listed_from(self) -> date | None:
        """The earliest delivery day that was listed; None for all."""
        days = [start for start in self.starts if start is not None]
        return min(days) if days and len(days) == len(self.starts) else None

    def hold_against(self, lake: Lake) -> None:
        """Take another lake's ledger: that of the lake just made."""
        if lake is not self.lake:
            self.lake = lake
            lake.storage.prepare(self.con)

    def add_local(self, log_files: Iterable[LogFile]) -> None:
        """Candidates on disk, in archives, or made from what an API answered."""
        rows: list[_Row] = []
        for each in log_files:
            number = None
            if not each.is_plain:
                number = len(self.local)
                self.local.append(each)
            rows.append((number, each.uri, each.size_bytes, each.version_tag))
            if len(rows) == _ROWS_AT_ONCE:
                self._insert(rows)
                rows = []
        self._insert(rows)

    def add_bucket(self, bucket: Bucket, prefix: str, trails: Trails, selection: Selection, relist_days: int) -> None:
        """
        Candidates in a bucket: by account and Region, each from the first day that is not settled yet.

        Args:
            bucket, prefix: What a user named.
            trails: What was found there.
            selection, relist_days: See `trailql.ingest.ingest_logs`.

        Raises:
            SourceError: The bucket cannot be listed, or nothing lies there.
        """
        self.buckets[bucket.name] = bucket
        self.before = self.before or listed_days(self.con, self.lake)
        today = datetime.now(UTC).date()
        last = selection.last_day
        starts: list[tuple[TrailPrefix, date | None]] = []
        for trail in trails.prefixes:
            uri = bucket.uri(trail.prefix)
            start = start_day(self.before.get(uri, []), selection.first_day, relist_days) if trail.has_days else None
            starts.append((trail, start))
            settled = selection.settled(start, today) if trail.has_days else None
            if settled:
                # Deliveries of this very day go on: it counts as listed, and is within every trailing window.
                self.days[uri] = _together(self.before.get(uri, []), *settled)
        self.prefixes += len(trails.prefixes)
        self.starts += [start for _, start in starts]
        pending: list[_Row] = []
        is_empty = True
        try:
            for _, page in list_days(bucket, starts, last):
                is_empty = is_empty and not page
                pending += [(None, bucket.uri(each.key), each.size_bytes, each.etag) for each in page]
                if len(pending) >= _ROWS_AT_ONCE:
                    self._insert(pending)
                    pending = []
        except AccessRefused as error:
            if trails.refused and trails.is_as_it_lies:
                raise nothing_there(bucket, prefix, trails.refused) from error
            raise
        if is_empty and trails.is_as_it_lies:
            raise nothing_there(bucket, prefix, trails.refused)
        self._insert(pending)
        unread = unread_files(self.con, self.lake, bucket.uri(prefix))
        self._insert([(None, *row) for row in unread], unless_listed=True)

    def add_objects(self, objects: Iterable[tuple[Bucket, S3Object]]) -> None:
        """Candidates that a notification named."""
        rows: list[_Row] = []
        for bucket, each in objects:
            self.buckets[bucket.name] = bucket
            rows.append((None, bucket.uri(each.key), each.size_bytes, each.etag))
        self._insert(rows)

    def wanted(
        self, selection: Selection, summary: IngestSummary, *, retry_rejected: bool = False
    ) -> Iterator[LogFile]:
        """
        The log files to read now, in the order of their delivery; the others are counted.

        Args:
            selection: Leaves out files that cannot hold a selected event.
            summary: Gets the counts.
            retry_rejected: Read what was rejected before and has not changed.
        """
        self.con.execute("CREATE OR REPLACE TABLE listed_once AS SELECT DISTINCT * FROM listed")
        compare_with_ledger(self.con, self.lake, "listed_once")
        self.con.execute("DROP TABLE listed_once")
        self.con.execute("DELETE FROM listed")
        seen, known, rejected = self.con.execute("""
            SELECT count(*), count(*) FILTER (status <> 'rejected'), count(*) FILTER (status = 'rejected')
            FROM compared
        """).fetchall()[0]
        summary.files_seen += seen
        summary.files_known += known
        again = "OR status = 'rejected'" if retry_rejected else ""
        summary.files_rejected_before += 0 if retry_rejected else rejected
        where = f"FROM compared WHERE status IS NULL {again}"
        summary.files_to_read += self.con.execute(f"SELECT count(*) {where}").fetchall()[0][0]
        rows = self.con.sql(f"""
            SELECT number, uri, size_bytes, version_tag, earlier_size, earlier_tag, earlier_sha256,
                epoch_us(earlier_at) AS earlier_at {where}
            ORDER BY regexp_extract(uri, '_([0-9]{{8}}T[0-9]{{4}})[0-9]{{0,2}}Z', 1), uri, number
        """).to_arrow_reader(_ROWS_AT_ONCE)
        for log_file in chain.from_iterable(map(self._log_files, rows)):
            summary.delivered(log_file.facts.delivered_at)
            if log_file.skip or selection.may_hold(log_file):
                yield log_file
            else:
                summary.files_not_selected += 1
                summary.files_to_read -= 1

    def _log_files(self, rows: pa.RecordBatch) -> Iterator[LogFile]:
        for number, uri, size, tag, earlier_size, earlier_tag, earlier_sha256, earlier_at in zip(
            *(column.to_pylist() for column in rows.columns), strict=True
        ):
            log_file = self.local[number] if number is not None else self._made_again(uri, size, tag)
            if earlier_sha256:
                moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=earlier_at)
                log_file = log_file.with_earlier(Earlier(earlier_size, earlier_tag, earlier_sha256, moment))
            yield log_file

    def _made_again(self, uri: str, size_bytes: int, version_tag: str) -> LogFile:
        if not is_s3_uri(uri):
            return plain_log_file(uri, size_bytes, version_tag)
        bucket, key = split_s3_uri(uri)
        return self.buckets[bucket].log_file(S3Object(key, version_tag, size_bytes))

    def _insert(self, rows: list[_Row], *, unless_listed: bool = False) -> None:
        if not rows:
            return
        columns = dict(zip(_SCHEMA.names, map(list, zip(*rows, strict=True)), strict=True))
        self.con.register("listed_page", pa.table(columns, schema=_SCHEMA))
        others = "ANTI JOIN listed USING (uri)" if unless_listed else ""
        self.con.execute(f"INSERT INTO listed SELECT * FROM listed_page {others}")
        self.con.unregister("listed_page")


def _together(before: Iterable[Listed], start: date | None, last: date) -> Listed:
    """This listing and the ones it continues, as one run of days."""
    if start is None:
        return Listed(None, last)
    firsts = [days.first for days in before if days.last >= start - timedelta(days=1)]
    if None in firsts:
        return Listed(None, last)
    return Listed(min([start, *(first for first in firsts if first is not None)]), last)

"""
Digests against a lake's ledger: it has the hash of every log file that was ingested, so none is read again.

The digests themselves are read, from where they were given or from where the ledger has seen them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from trailql.errors import SourceError
from trailql.integrity.copies import is_within
from trailql.integrity.digest import Place
from trailql.integrity.evidence import DigestCopy, Evidence, LogCopy, ReadDigest
from trailql.integrity.names import ChainName, common_folders, contradicts, path_of, plain_name
from trailql.integrity.stored import DamagedGzip, NotRead, Stored
from trailql.lake.lake import Lake
from trailql.lake.parquet import rows_sql
from trailql.sources.keys import EVENT_FOLDERS, read_key
from trailql.sources.local import local_log_files
from trailql.sources.s3 import is_s3_uri
from trailql.sources.source import LogFile

_NEWEST = """
CREATE OR REPLACE TEMP TABLE newest AS
SELECT uri, unnest(max_by({'version_tag': version_tag, 'sha256': sha256_content, 'status': status, 'reason': reason,
    'folder': folder, 'account': account, 'region': region, 'stored': sha256_stored}, ingested_at))
FROM (FROM ledger) GROUP BY uri
"""


_Row = tuple[str, str, str | None, str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class _LedgerCopy(LogCopy):
    """A log file with its row: it is judged when the rows of another chain may be held already."""

    sha256: str | None = None
    status: str = ""
    reason: str | None = None
    stored: str | None = None


class InLedger:
    """
    A lake's log files by their ledger rows, and digests from elsewhere.

    Args:
        con: A connection that may read the lake.
        lake: The lake.
        digests: Where the digests are.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, lake: Lake, digests: Evidence) -> None:
        self.is_bucket = digests.is_bucket
        self._con = con
        self._digests = digests
        self._rows: dict[str, list[_Row]] = {}
        make_newest(con, lake)

    def digests(self) -> Iterable[DigestCopy]:
        return self._digests.digests()

    def find_digest(self, place: Place) -> list[DigestCopy]:
        return self._digests.find_digest(place)

    def read_digest(self, copy: DigestCopy) -> ReadDigest | None:
        return self._digests.read_digest(copy)

    def begin(self, chain: ChainName) -> None:
        """Hold the log files of the chain's account and Region."""
        rows = self._con.execute(
            """
            SELECT uri, version_tag, sha256, status, reason, stored FROM newest
            WHERE coalesce(account, $account) = $account AND coalesce(region, $region) = $region
            ORDER BY uri
            """,
            {"account": chain.account, "region": chain.region},
        ).fetchall()
        self._rows = {}
        for row in rows:
            self._rows.setdefault(plain_name(path_of(row[0])), []).append(row)

    def find_logs(self, places: Sequence[Place]) -> list[list[LogCopy]]:
        return [self._find(place) for place in places]

    def _find(self, place: Place) -> list[LogCopy]:
        logical = f"{place.bucket}/{place.key}"
        found = [row for row in self._rows.get(plain_name(place.key), ()) if not contradicts(_path(row[0]), logical)]
        if len(found) > 1:
            most = max(common_folders(_path(row[0]), logical) for row in found)
            found = [row for row in found if common_folders(_path(row[0]), logical) == most]
        return [_LedgerCopy(row[0], read_key(_path(row[0])), row[1], *row[2:]) for row in found]

    def read_log(self, copy: LogCopy) -> Stored | None:
        assert isinstance(copy, _LedgerCopy)
        if copy.sha256 is None and (copy.stored is None or copy.status == "skipped"):
            raise NotRead(f"the ledger has no hash of it: {copy.reason or copy.status}", at=copy.file)
        if copy.sha256 is None:
            raise DamagedGzip(copy.reason or "damaged", at=copy.file)
        return Stored(copy.sha256, True, b"")

    def homes(self) -> Iterable[tuple[str, str]]:
        rows = self._con.execute("SELECT DISTINCT account, region, folder FROM newest").fetchall()
        return {(account or "", region or "") for account, region, folder in rows if folder in EVENT_FOLDERS}

    def logs(self, account: str, region: str, since: datetime | None, until: datetime | None) -> Iterator[LogCopy]:
        rows = self._con.execute(
            """
            SELECT uri, version_tag, folder FROM newest
            WHERE coalesce(account, '') = $account AND coalesce(region, '') = $region ORDER BY uri
            """,
            {"account": account, "region": region},
        ).fetchall()
        for uri, tag, folder in rows:
            facts = read_key(_path(uri))
            if folder in EVENT_FOLDERS and is_within(facts.delivered_at, since, until):
                yield LogCopy(uri, facts, tag)


def make_newest(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Make the table `newest`: of each URI in the ledger what it is now."""
    con.execute(f"CREATE OR REPLACE TEMP VIEW ledger AS {rows_sql(lake.snapshot('files'))}")
    con.execute(_NEWEST)


def digest_uris(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    """The digest files, and saved signatures of such, that the ledger has seen."""
    make_newest(con, lake)
    rows = con.execute("SELECT uri FROM newest WHERE folder = 'CloudTrail-Digest' ORDER BY uri").fetchall()
    return [uri for (uri,) in rows]


def seen_digests(uris: Iterable[str], lake: str) -> Iterator[LogFile]:
    """
    Digest files on disk, by the URIs in the ledger.

    Raises:
        SourceError: None of them is there any more.
    """
    wanted = {uri for uri in uris if not is_s3_uri(uri)}
    places = sorted({uri.partition("!/")[0] for uri in wanted})
    there = [place for place in places if os.path.isfile(place)]
    if not there:
        raise SourceError(
            "no digest files: none were ingested with the log files, or they are there no longer",
            at=lake,
            hint=f"say where they are: trailql verify --lake {lake} DIGESTS",
        )
    return (each for each in local_log_files(there) if each.uri in wanted)


def _path(uri: str) -> str:
    return path_of(uri.partition("://")[2] if is_s3_uri(uri) else uri)

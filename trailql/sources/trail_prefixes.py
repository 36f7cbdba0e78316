"""
Where in a bucket trails have written: prefixes computed instead of keys listed.

    [prefix/]AWSLogs/[o-xxxxxxxxxx/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/FILE.json.gz

A few listings with a delimiter find organizations, accounts, folders and Regions; then each account and Region is
listed from the first wanted day on, at one request for each thousand keys.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from queue import Empty, Queue
from threading import Event

from trailql.sources.aws import AccessRefused
from trailql.sources.keys import EVENT_FOLDERS
from trailql.sources.s3 import Bucket, S3Object

_ACCOUNT = re.compile(r"^\d{12}$")
_ORGANIZATION = re.compile(r"^o-[a-z0-9]{10,32}$")
_REGION = re.compile(r"^[a-z]{2}(?:-[a-z]+)+-\d$")
_LOGS = "AWSLogs/"
_DEEPEST = 4
_MOST_FOLDERS = 500
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class TrailPrefix:
    """
    What one account's trail delivers from one Region.

    Args:
        prefix: Key prefix up to and with the Region's `/`; days follow.
        account: 12 digits; empty where the layout does not tell.
        region: Such as `eu-west-1`; empty where the layout does not tell.
    """

    prefix: str
    account: str = ""
    region: str = ""

    @property
    def has_days(self) -> bool:
        """Whether day folders follow, so that a listing can begin at a day."""
        return bool(self.region)

    def key_before(self, day: date) -> str:
        """A key that sorts before all of that day's and behind all of the day before."""
        return f"{self.prefix}{day:%Y/%m/%d}"


def find_trail_prefixes(
    bucket: Bucket, prefix: str, *, accounts: Iterable[str] = (), regions: Iterable[str] = ()
) -> list[TrailPrefix]:
    """
    The trail prefixes below a key prefix, organization and single-account layouts side by side.

    Args:
        bucket: Where to look.
        prefix: What a user named: the bucket (`""`), a folder above `AWSLogs/`, or any folder within it.
        accounts, regions: Only these; empty for all.

    Returns:
        The prefixes in order. Without an `AWSLogs/` within four levels the whole prefix comes back, to be listed as it
        lies.

    Raises:
        SourceError: The bucket cannot be listed.
    """
    wanted_accounts, wanted_regions = frozenset(accounts), frozenset(regions)
    folder = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    if _REGION.match(_last(folder)) or re.search(r"/\d{4}/", folder):
        return [TrailPrefix(folder)]
    inside = re.search(r"(?:^|/)AWSLogs/(?P<rest>.*)$", folder)
    roots = [folder] if inside else _find_logs(bucket, folder)
    if not roots:
        return [TrailPrefix(prefix)]
    with ThreadPoolExecutor(_AT_ONCE, "trailql-list") as pool:
        if inside and inside["rest"]:
            return _from_within(bucket, folder, inside["rest"], wanted_accounts, wanted_regions, pool)
        return _regions_of(bucket, _homes(bucket, roots, wanted_accounts, pool), wanted_regions, pool)


def list_days(
    bucket: Bucket, starts: Iterable[tuple[TrailPrefix, date | None]], until: date | None = None
) -> Iterator[tuple[TrailPrefix, list[S3Object]]]:
    """
    The objects of many trail prefixes, each from its first wanted day on, listed side by side.

    Args:
        bucket: Where they lie.
        starts: Each prefix with the first delivery day wanted, None for all.
        until: The last delivery day wanted, None for no end.

    Yields:
        Pages of objects with their prefix, in no order.

    Raises:
        SourceError: The bucket cannot be listed.
    """

    pages: Queue[tuple[TrailPrefix, list[S3Object]] | None] = Queue(_AT_ONCE * 2)
    stopped = Event()

    def list_one(start: tuple[TrailPrefix, date | None]) -> None:
        prefix, day = start
        after = prefix.key_before(day) if day and prefix.has_days else ""
        before = prefix.key_before(until + timedelta(days=1)) if until and prefix.has_days else ""
        for page in bucket.objects(prefix.prefix, start_after=after, before=before):
            if stopped.is_set():
                return
            pages.put((prefix, page))

    def list_all() -> None:
        try:
            with ThreadPoolExecutor(_AT_ONCE, "trailql-list") as pool:
                for listed in pool.map(list_one, starts):
                    assert listed is None
        finally:
            pages.put(None)

    with ThreadPoolExecutor(1, "trailql-list-all") as pool:
        listing = pool.submit(list_all)
        try:
            while (page := pages.get()) is not None:
                yield page
        finally:
            stopped.set()
            while not listing.done():
                with suppress(Empty):
                    pages.get(timeout=0.1)
        listing.result()


def _find_logs(bucket: Bucket, folder: str) -> list[str]:
    """Every `AWSLogs/` below a folder, nearest level first; what is inside one is not searched."""
    level, looked = [folder], 0
    found: list[str] = []
    for depth in range(_DEEPEST):
        deeper: list[str] = []
        for each in level[: _MOST_FOLDERS - looked]:
            looked += 1
            for below in _folders_if_allowed(bucket, each) if depth else bucket.folders(each):
                (found if below.endswith(f"/{_LOGS}") or below == _LOGS else deeper).append(below)
        level = deeper
    return sorted(found)


def _folders_if_allowed(bucket: Bucket, folder: str) -> list[str]:
    """The folders below one that may be somebody else's; a policy that grants the trail alone refuses it."""
    try:
        return bucket.folders(folder)
    except AccessRefused:
        return []


def _from_within(
    bucket: Bucket,
    folder: str,
    rest: str,
    accounts: frozenset[str],
    regions: frozenset[str],
    pool: ThreadPoolExecutor,
) -> list[TrailPrefix]:
    """A prefix somewhere inside `AWSLogs/`: an organization, an account, or one of its folders."""
    parts = rest.rstrip("/").split("/")
    if _ORGANIZATION.match(parts[0]):
        parts = parts[1:]
    if not parts:
        return _regions_of(bucket, _homes(bucket, [folder], accounts, pool), regions, pool)
    if len(parts) == 1 and _ACCOUNT.match(parts[0]):
        return _regions_of(bucket, [(parts[0], folder)], regions, pool)
    if len(parts) == 2 and _ACCOUNT.match(parts[0]):
        return sorted(_trail_regions(bucket, parts[0], folder, regions), key=lambda found: found.prefix)
    return [TrailPrefix(folder)]


def _homes(
    bucket: Bucket, roots: Iterable[str], accounts: frozenset[str], pool: ThreadPoolExecutor
) -> list[tuple[str, str]]:
    """Accounts with their folder, below `AWSLogs/` and below the organizations in it."""
    found: list[tuple[str, str]] = []
    organizations: list[str] = []
    for listed in pool.map(bucket.folders, roots):
        for below in listed:
            name = _last(below)
            if _ACCOUNT.match(name):
                found.append((name, below))
            elif _ORGANIZATION.match(name):
                organizations.append(below)
    for listed in pool.map(bucket.folders, organizations):
        found += [(_last(below), below) for below in listed if _ACCOUNT.match(_last(below))]
    return [(account, home) for account, home in found if not accounts or account in accounts]


def _regions_of(
    bucket: Bucket, homes: Iterable[tuple[str, str]], regions: frozenset[str], pool: ThreadPoolExecutor
) -> list[TrailPrefix]:
    def of_account(home: tuple[str, str]) -> list[TrailPrefix]:
        account, folder = home
        kinds = [below for below in bucket.folders(folder) if _last(below) in EVENT_FOLDERS]
        return [found for kind in kinds for found in _trail_regions(bucket, account, kind, regions)]

    return sorted((found for listed in pool.map(of_account, homes) for found in listed), key=lambda found: found.prefix)


def _trail_regions(bucket: Bucket, account: str, folder: str, regions: frozenset[str]) -> Iterator[TrailPrefix]:
    for below in bucket.folders(folder):
        name = _last(below)
        if _REGION.match(name) and (not regions or name in regions):
            yield TrailPrefix(below, account, name)


def _last(folder: str) -> str:
    """The last segment of a prefix that ends in `/`."""
    return folder.rstrip("/").rsplit("/", 1)[-1]

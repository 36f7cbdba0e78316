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
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from queue import Empty, Queue
from threading import Event

from trailql.errors import SourceError, some_of
from trailql.sources.aws import AccessRefused
from trailql.sources.keys import READ_FOLDERS, REGION
from trailql.sources.s3 import Bucket, S3Object

_ACCOUNT = re.compile(r"^\d{12}$")
_ORGANIZATION = re.compile(r"^o-[a-z0-9]{10,32}$")
_REGION = re.compile(rf"^{REGION}$")
_LOGS = "AWSLogs/"
_DEEPEST = 4
_MOST_FOLDERS = 500
_AT_ONCE = 16


class NothingThere(SourceError):
    """Below a prefix lies nothing of what was looked for."""


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


@dataclass(frozen=True, slots=True)
class Trails:
    """
    What is to be found below a prefix.

    Args:
        prefixes: In order. Where there is no layout, or the prefix lies deep inside one, that prefix itself.
        accounts: Accounts with a folder there, chosen or not; empty where the layout was not walked through.
        regions: Regions with a folder there, of the chosen accounts.
        refused: Folders beside the trails that may not be listed.
    """

    prefixes: tuple[TrailPrefix, ...]
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()

    @property
    def is_as_it_lies(self) -> bool:
        """Whether a prefix is listed from end to end, for want of a layout to walk through."""
        return len(self.prefixes) == 1 and not self.prefixes[0].has_days


def find_trail_prefixes(
    bucket: Bucket,
    prefix: str,
    *,
    accounts: Iterable[str] = (),
    regions: Iterable[str] = (),
    folders: Collection[str] = READ_FOLDERS,
) -> Trails:
    """
    The trail prefixes below a key prefix, organization and single-account layouts side by side.

    Args:
        bucket: Where to look.
        prefix: What a user named: the bucket (`""`), a folder above `AWSLogs/`, or any folder within it.
        accounts, regions: Only these; empty for all.
        folders: Which folders of an account: those an ingest reads, or that of the digests.

    Returns:
        What there is. Without an `AWSLogs/` within four levels the whole prefix comes back, to be listed as it lies.

    Raises:
        SourceError: The bucket cannot be listed, or an `AWSLogs/` holds no trail's folder.
    """
    wanted = _Wanted(frozenset(accounts), frozenset(regions), frozenset(folders))
    folder = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    if _REGION.match(_last(folder)) or re.search(r"/\d{4}/", folder):
        return Trails((TrailPrefix(folder),))
    inside = re.search(r"(?:^|/)AWSLogs/(?P<rest>.*)$", folder)
    refused: list[str] = []
    roots = [folder] if inside else _find_logs(bucket, folder, refused)
    if not roots:
        return Trails((TrailPrefix(prefix),), refused=tuple(refused))
    within = inside["rest"].rstrip("/").split("/") if inside and inside["rest"] else []
    with ThreadPoolExecutor(_AT_ONCE, "trailql-list") as pool:
        if within:
            kinds = _kinds_within(bucket, folder, within, wanted, pool)
        else:
            kinds = _kinds(bucket, _homes(bucket, roots, pool), wanted, pool)
        if kinds is None:
            return Trails((TrailPrefix(folder),))
        if not kinds.folders and (not kinds.accounts or any(map(wanted.takes_account, kinds.accounts))):
            raise nothing_there(bucket, folder, what=f"no account's {min(wanted.folders)}/ folder is there")
        found = sorted(_trail_regions(bucket, kinds.folders, pool), key=lambda each: each.prefix)
    named = not found and any(each == folder for _, each in kinds.folders)
    if named and folder not in bucket.folders(folder.rstrip("/").rpartition("/")[0] + "/"):
        raise nothing_there(bucket, folder)
    return Trails(
        tuple(each for each in found if wanted.takes_region(each.region)),
        kinds.accounts,
        frozenset(each.region for each in found),
        tuple(refused),
    )


def nothing_there(
    bucket: Bucket, prefix: str, refused: Iterable[str] = (), *, what: str = "no log files and no AWSLogs/ are there"
) -> NothingThere:
    """
    What to say of a prefix below which nothing was found, with what there is instead.

    Args:
        bucket: Where.
        prefix: What a user named.
        refused: Folders that may not be listed.
        what: What was missed.
    """
    if hidden := some_of(refused):
        return NothingThere(
            f"{what}, and not allowed to look into {hidden}",
            at=bucket.uri(prefix),
            hint=f"name what comes before AWSLogs/: trailql ingest {bucket.uri('PREFIX/')}",
        )
    place = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    with suppress(SourceError):
        while not (beside := bucket.folders(place)) and place:
            place = place.rstrip("/").rpartition("/")[0]
            place += "/" if place else ""
        if beside:
            what += f"; in {bucket.uri(place)} there are {some_of(map(_last, beside))}"
    return NothingThere(what, at=bucket.uri(prefix), hint=f"aws s3 ls {bucket.uri(place)}")


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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Accounts and Regions, empty for all; and which folders of an account."""

    accounts: frozenset[str]
    regions: frozenset[str]
    folders: frozenset[str]

    def takes_account(self, account: str) -> bool:
        return not self.accounts or account in self.accounts

    def takes_region(self, region: str) -> bool:
        return not self.regions or region in self.regions


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Folders named `CloudTrail` and the like with their account, and all accounts there are."""

    folders: list[tuple[str, str]]
    accounts: frozenset[str]


def _find_logs(bucket: Bucket, folder: str, refused: list[str]) -> list[str]:
    """
    Every `AWSLogs/` below a folder, nearest level first; what is inside one is not searched.

    Folders beside them may be somebody else's: a policy that grants the trail alone refuses them.
    """
    level, looked = [folder], 0
    found: list[str] = []
    for depth in range(_DEEPEST):
        deeper: list[str] = []
        for each in level[: _MOST_FOLDERS - looked]:
            looked += 1
            try:
                listed = bucket.folders(each)
            except AccessRefused as error:
                if not depth:
                    where = bucket.uri(folder)
                    hint = (
                        f"name what comes before AWSLogs/; trailql iam-policy --bucket {where} prints a policy for this"
                    )
                    raise AccessRefused(error.message, at=where, hint=hint) from error
                refused.append(each)
                continue
            for below in listed:
                (found if below.endswith(f"/{_LOGS}") or below == _LOGS else deeper).append(below)
        level = deeper
    return sorted(found)


def _kinds_within(
    bucket: Bucket, folder: str, parts: list[str], wanted: _Wanted, pool: ThreadPoolExecutor
) -> _Kinds | None:
    """A prefix somewhere inside `AWSLogs/`: an organization, an account, or one of its folders; None for any other."""
    if _ORGANIZATION.match(parts[0]):
        parts = parts[1:]
    if not parts:
        return _kinds(bucket, _homes(bucket, [folder], pool), wanted, pool)
    if not _ACCOUNT.match(parts[0]) or len(parts) > 2:
        return None
    if len(parts) == 1:
        return _kinds(bucket, [(parts[0], folder)], wanted, pool)
    return _Kinds([(parts[0], folder)] if wanted.takes_account(parts[0]) else [], frozenset({parts[0]}))


def _homes(bucket: Bucket, roots: Iterable[str], pool: ThreadPoolExecutor) -> list[tuple[str, str]]:
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
    return found


def _kinds(bucket: Bucket, homes: Iterable[tuple[str, str]], wanted: _Wanted, pool: ThreadPoolExecutor) -> _Kinds:
    """The wanted folders in the folders of the wanted accounts."""

    def of_account(home: tuple[str, str]) -> list[tuple[str, str]]:
        account, folder = home
        return [(account, below) for below in bucket.folders(folder) if _last(below) in wanted.folders]

    homes = list(homes)
    chosen = [home for home in homes if wanted.takes_account(home[0])]
    folders = [found for listed in pool.map(of_account, chosen) for found in listed]
    return _Kinds(folders, frozenset(account for account, _ in homes))


def _trail_regions(
    bucket: Bucket, folders: Iterable[tuple[str, str]], pool: ThreadPoolExecutor
) -> Iterator[TrailPrefix]:
    def of_folder(home: tuple[str, str]) -> list[TrailPrefix]:
        account, folder = home
        names = [(below, _last(below)) for below in bucket.folders(folder)]
        return [TrailPrefix(below, account, name) for below, name in names if _REGION.match(name)]

    for listed in pool.map(of_folder, folders):
        yield from listed


def _last(folder: str) -> str:
    """The last segment of a prefix that ends in `/`."""
    return folder.rstrip("/").rsplit("/", 1)[-1]

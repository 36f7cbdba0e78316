"""Which events an ingest takes, and which log files can hold them."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from trailql.errors import UsageError, some_of
from trailql.lake.parquet import sql_text
from trailql.sources.source import LogFile
from trailql.sources.trail_prefixes import Trails

_LATEST_DELIVERY = timedelta(days=30)
"""CloudTrail retries delivery this long, so a file delivered later holds nothing from before."""


@dataclass(frozen=True, slots=True)
class Selection:
    """
    Which events to take; the default takes all.

    Args:
        since, until: Event times, `since <= eventTime < until`; UTC where they have no zone.
        accounts: `recipientAccountId`s (the caller's account, then that of the path, where a record has none).
        regions: `awsRegion`s.
    """

    since: datetime | None = None
    until: datetime | None = None
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                object.__setattr__(self, name, moment.replace(tzinfo=UTC))

    def may_hold(self, log_file: LogFile) -> bool:
        """Whether a log file can hold a selected event, by what its name says."""
        facts = log_file.facts
        if self.accounts and facts.account and facts.account not in self.accounts:
            return False
        if self.regions and facts.region and facts.region not in self.regions:
            return False
        if facts.delivered_at is None:
            return True
        if self.since and facts.delivered_at < self.since - timedelta(minutes=1):
            return False
        return not (self.until and facts.delivered_at > self.until + _LATEST_DELIVERY)

    def condition(self) -> str:
        """As SQL over a record's columns and its file's `path_account`; empty when everything is taken."""
        terms = []
        if self.since:
            terms.append(f"eventTime >= '{self.since.isoformat()}'")
        if self.until:
            terms.append(f"eventTime < '{self.until.isoformat()}'")
        for expression, values in (
            ("coalesce(recipientAccountId, userIdentity.accountId, path_account, '')", self.accounts),
            ("coalesce(awsRegion, '')", self.regions),
        ):
            if values:
                terms.append(f"{expression} IN ({', '.join(map(sql_text, sorted(values)))})")
        return " AND ".join(terms)

    @property
    def first_day(self) -> date | None:
        """The first delivery day whose files can hold a selected event; None for all."""
        return (self.since - timedelta(minutes=1)).date() if self.since else None

    @property
    def last_day(self) -> date | None:
        """The last delivery day whose files can hold a selected event; None while that day has not come."""
        last = (self.until + _LATEST_DELIVERY).date() if self.until else None
        return last if last and last < datetime.now(UTC).date() else None

    def settled(self, start: date | None, today: date) -> tuple[date | None, date] | None:
        """
        The delivery days that need no listing again once their files are read, from the day a listing began on.

        Files delivered on the day of `since` or of `until` may have been left out, or hold events that were; files
        delivered after `until` may hold nothing but such. None when no whole day is left.
        """
        first = max(start, self.since.date() + timedelta(days=1)) if self.since and start else start
        last = min(today, self.until.date() - timedelta(days=1)) if self.until else today
        return None if first and first > last else (first, last)


Names = Set[tuple[str | None, str | None]]
"""Accounts with their Regions; None where a name tells neither."""


def unmatched(selection: Selection, files: Names, trails: Iterable[Trails]) -> list[str]:
    """
    Accounts and Regions that were asked for and that no source has a folder of, in words.

    Args:
        selection: What was asked for.
        files: What the names of log files at hand say: their accounts and Regions.
        trails: What was found in buckets.

    Raises:
        UsageError: None of the accounts, or none of the Regions, is there; the message names those that are.
    """
    trails = list(trails)
    said = []
    for option, asked, there in (
        ("--account", selection.accounts, [{account} for account, _ in files] + [each.accounts for each in trails]),
        ("--region", selection.regions, [{region} for _, region in files] + [each.regions for each in trails]),
    ):
        if not asked or not there or not all(each and None not in each for each in there):
            continue  # where names do not tell, only the records do
        known = {name for each in there for name in each if name}
        missing = f"{option} {some_of(asked - known)}: no folder of it; there are {some_of(known)}"
        if asked.isdisjoint(known):
            raise UsageError(missing)
        if asked - known:
            said.append(missing)
    return said

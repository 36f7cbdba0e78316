"""CloudTrail's own Insights records beside ours: what both say, what only one does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from trailql.errors import BadLogFile
from trailql.insights.anomaly import Insight
from trailql.lake.aws_insights import insight_columns
from trailql.lake.lake import Lake
from trailql.normalize.containers import unwrap
from trailql.normalize.contents import read_contents
from trailql.query.engine import OpenLake
from trailql.sources.keys import INSIGHT_FOLDER
from trailql.sources.local import local_log_files

_MOST_BYTES = 256 * 2**20
_TOLERANCE = timedelta(hours=1)
_OPEN_END = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AwsInsight:
    """
    One insight of CloudTrail's, from its Start and End records.

    Args:
        id: The sharedEventID.
        insight_type: `ApiCallRateInsight` or `ApiErrorRateInsight`.
        account, region, event_source, event_name, error_code: What it is about.
        start: UTC.
        end: UTC; an hour after the start where the End record is missing.
        average: Calls per minute, of the End record where there is one.
        baseline_average: The same of the baseline.
        log_file: Where it stands.
    """

    id: str
    insight_type: str
    account: str
    region: str
    event_source: str
    event_name: str
    error_code: str | None
    start: datetime
    end: datetime
    average: float | None
    baseline_average: float | None
    log_file: str


@dataclass(frozen=True, slots=True)
class Compared:
    """An insight of CloudTrail's and ours of the same thing; one of the two may be missing."""

    theirs: AwsInsight | None
    ours: Insight | None

    @property
    def verdict(self) -> str:
        """`both`, `only AWS` or `only ours`."""
        return "both" if self.theirs and self.ours else "only AWS" if self.theirs else "only ours"


def read_aws_insights(sources: Iterable[str]) -> tuple[list[AwsInsight], list[BadLogFile]]:
    """
    CloudTrail's insights in the `CloudTrail-Insight` folders of a copy of the bucket.

    Args:
        sources: Folders, files or archives.

    Returns:
        The insights by start, and the files that could not be read.

    Raises:
        SourceError: Nothing is there.
    """
    found: list[dict[str, Any]] = []
    bad: list[BadLogFile] = []
    for file in local_log_files(sources):
        if file.facts.folder != INSIGHT_FOLDER:
            continue
        try:
            contents = read_contents(file.open(), origin=file.uri, max_bytes=_MOST_BYTES)
            records = unwrap(contents.body, origin=file.uri).records
            for record in (json.loads(bytes(each)) for each in records):
                if isinstance(record, dict) and record.get("insightDetails"):
                    at = datetime.fromisoformat(record["eventTime"]).astimezone(UTC)
                    found.append({**insight_columns(record, at), "log_file": file.uri})
        except BadLogFile as error:
            bad.append(error)
        except (OSError, ValueError, KeyError, TypeError) as error:
            bad.append(BadLogFile(f"no Insights records: {error}", at=file.uri))
    return _paired(found), bad


def kept_aws_insights(lake: Lake) -> list[AwsInsight]:
    """
    CloudTrail's insights that the lake holds, by start.

    Raises:
        LakeError: The lake cannot be read.
    """
    with OpenLake(lake) as opened:
        return _paired(opened.sql("FROM aws_insights ORDER BY event_time, log_file", dialect="duckdb").dicts())


def compared(theirs: Sequence[AwsInsight], ours: Sequence[Insight]) -> list[Compared]:
    """
    Each insight of CloudTrail's with ours of the same type, account, Region, API and error that overlaps it, an hour
    more or less; then ours that have none. Those of our own kinds are left out.
    """
    left = [each for each in ours if each.insight_type in ("ApiCallRateInsight", "ApiErrorRateInsight")]
    pairs = []
    for their in theirs:
        own = next((each for each in left if _is_same(their, each)), None)
        if own:
            left.remove(own)
        pairs.append(Compared(their, own))
    pairs += [Compared(None, each) for each in left]
    return sorted(pairs, key=lambda pair: (pair.theirs or pair.ours).start)  # type: ignore[union-attr]


def _is_same(their: AwsInsight, own: Insight) -> bool:
    return (
        (their.insight_type, their.account, their.region) == (own.insight_type, own.account, own.region)
        and (their.event_source, their.event_name) == (own.event_source, own.event_name)
        and (their.error_code is None or their.error_code == own.error_code)
        and their.start < own.end + _TOLERANCE
        and own.start < their.end + _TOLERANCE
    )


def _paired(rows: Iterable[dict[str, Any]]) -> list[AwsInsight]:
    """Insights by start, of rows of `aws_insights`; one of which only the End is there begins with it."""
    told: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["id"] and row["state"] in ("Start", "End"):
            told.setdefault(row["id"], {})[row["state"]] = row
    found = [_insight(id, states.get("Start", states.get("End", {})), states.get("End")) for id, states in told.items()]
    return sorted(found, key=lambda each: (each.start, each.id))


def _insight(id: str, start: dict[str, Any], end: dict[str, Any] | None) -> AwsInsight:
    last, begins = end or start, start["event_time"]
    return AwsInsight(
        id=id,
        **{name: start[name] or "" for name in ("insight_type", "account", "region", "event_source", "event_name")},
        error_code=start["error_code"],
        start=begins,
        end=end["event_time"] if end else begins + _OPEN_END,
        average=last["insight_average"],
        baseline_average=last["baseline_average"],
        log_file=start["log_file"],
    )

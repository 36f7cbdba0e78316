"""The history of one resource: who changed what, what it was before, and who looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trailql.errors import UsageError
from trailql.forensics.named import mentions
from trailql.forensics.settings import Past, Setting
from trailql.forensics.timeline import Choice, Entry, timeline_of
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake

FOLD = timedelta(hours=1)

_CHANGES = """
SELECT eventTime AS time, coalesce(eventID, '') AS event_id, coalesce(eventSource, '') AS service,
       coalesce(eventName, '') AS name, coalesce(userIdentity.arn, '') AS principal,
       actor(userIdentity) AS actor, sourceIPAddress AS source_ip, recipientAccountId AS account, awsRegion AS region,
       errorCode AS error_code, requestParameters AS request
FROM events
WHERE readOnly IS DISTINCT FROM true AND {which}
ORDER BY time, event_id
"""


@dataclass(frozen=True, slots=True)
class Change:
    """
    A call that names the resource and is no read.

    Args:
        time, event_id, service, name, account, region, source_ip: Of the event.
        principal, actor: The caller's ARN, and who is behind it.
        error_code: Why it failed; None where it did not.
        settings: What it set, with what was set before; nothing of failed calls.
    """

    time: datetime
    event_id: str
    service: str
    name: str
    principal: str
    actor: str
    account: str | None
    region: str | None
    source_ip: str | None
    error_code: str | None
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class History:
    """
    What `resource_history` found.

    Args:
        asked: The ARN, id or name.
        changes: In order.
        reads: Runs of calls that only read, in order.
    """

    asked: str
    changes: tuple[Change, ...]
    reads: tuple[Entry, ...]


def resource_history(
    lake: str | Path,
    asked: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    fold: timedelta = FOLD,
) -> History:
    """
    Every event that names a resource in `resources`, its request or its answer.

    Args:
        lake: The lake's folder.
        asked: ARN, id or name; of an ARN the name at its end counts too, in calls of its service and account.
        since, until: Events of `since <= eventTime < until`; what was set before is looked for before `since` as well.
        fold: The longest pause within a run of reads.

    Raises:
        LakeError: No lake there.
        UsageError: Nothing was asked for.
    """
    if not asked.strip():
        raise UsageError("there is no resource to look for", hint="an ARN, an id such as i-…, or a name")
    which, values = mentions(asked)
    with OpenLake(open_lake_folder(lake), None, until) as opened:
        rows = opened.sql(_CHANGES.format(which=which), values, dialect="duckdb").dicts()
    past = Past((asked, asked.rsplit("/", 1)[-1].rsplit(":", 1)[-1]))
    changes = []
    for row in rows:
        request = row.pop("request")
        settings = () if row["error_code"] else past.told(row["name"], request, row["time"], row["event_id"])
        if since is None or row["time"] >= since:
            changes.append(Change(**row, settings=settings))
    told = timeline_of(lake, Choice(resources=(asked,)), since=since, until=until, fold=fold, limit=0)
    return History(asked, tuple(changes), tuple(entry for entry in told.entries if entry.is_read))

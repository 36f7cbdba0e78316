"""
Changes to trails that can make a hole in the logs, or end one.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trailql.query.engine import OpenLake

BEFORE = timedelta(minutes=75)
"""A gap begins with a full hour; its last delivery may be an hour older, and the events in that 15 minutes."""
AFTER = timedelta(hours=1)
"""The first delivery after a StartLogging, which brings it, lies in the hour the gap ends with."""
_MOST_CHANGES = 10

_CHANGES = """
SELECT eventTime, eventName, actor(userIdentity) AS actor, recipientAccountId AS account, awsRegion AS region,
       eventID AS event_id, sourceIPAddress AS source_ip,
       CASE WHEN json_valid(requestParameters)
            THEN coalesce(requestParameters ->> '$.name', requestParameters ->> '$.trailName') END AS trail
FROM events
WHERE eventSource = 'cloudtrail.amazonaws.com'
  AND eventName IN ('StopLogging', 'UpdateTrail', 'DeleteTrail', 'PutEventSelectors', 'StartLogging')
  AND coalesce(errorCode, '') = ''
  AND eventTime >= $since AND eventTime < $until
ORDER BY eventTime, eventID
"""


@dataclass(frozen=True, slots=True)
class TrailChange:
    """
    A call that changed a trail, and succeeded.

    Args:
        time: When.
        name: StopLogging, UpdateTrail, DeleteTrail, PutEventSelectors or StartLogging.
        actor: Who; see docs/glossary.md.
        account: The account the event was recorded in.
        region: The trail's home Region. A trail of all Regions stops in all of them.
        event_id: Its eventID.
        source_ip: From where.
        trail: The trail's name or ARN as asked for.
        same_account: It is the account of the gap; another account's matters if its trail is the organization's.
    """

    time: datetime
    name: str
    actor: str
    account: str | None
    region: str | None
    event_id: str | None
    source_ip: str | None
    trail: str | None
    same_account: bool = True


def trail_changes(opened: OpenLake, since: datetime, until: datetime) -> list[TrailChange]:
    """The changes of `since <= eventTime < until`, in order of time."""
    rows = opened.sql(_CHANGES, {"since": since, "until": until}).dicts()
    return [
        TrailChange(
            time=row["eventTime"],
            name=row["eventName"],
            actor=row["actor"],
            account=row["account"],
            region=row["region"],
            event_id=row["event_id"],
            source_ip=row["source_ip"],
            trail=row["trail"],
        )
        for row in rows
    ]


def changes_near(
    changes: Sequence[TrailChange], account: str | None, since: datetime, until: datetime
) -> tuple[TrailChange, ...]:
    """
    The changes that may explain one gap.

    Args:
        changes: In order of time.
        account: The gap's; None for the whole lake, where every account counts as its own.
        since, until: The gap.

    Returns:
        The account's own first, then those of other accounts; ten of each at most. StartLogging only if it may have
        ended the gap.
    """
    near = [
        change
        for change in changes
        if (until if change.name == "StartLogging" else since) - BEFORE <= change.time
        and change.time < (until + AFTER if change.name == "StartLogging" else until)
    ]
    own = [change for change in near if account is None or change.account == account]
    others = [replace(change, same_account=False) for change in near if change not in own]
    return (*own[:_MOST_CHANGES], *others[:_MOST_CHANGES])

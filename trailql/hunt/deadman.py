"""
The dead man's switch: what is wrong with the hunt itself, as findings that go the way of all others.

Each has a fingerprint that stays while the trouble lasts, a day at most, so that it is told once and not every round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb

from trailql.detect.finding import Finding, Severity, fingerprint
from trailql.forensics.coverage import Gap, find_coverage, open_for_coverage
from trailql.lake.lake import Lake
from trailql.lake.parquet import rows_sql
from trailql.report.text import iso

SILENCE, LAG, REJECTED, FAILED, RULE = (
    "hunt.silence",
    "hunt.lag",
    "hunt.files_rejected",
    "hunt.round_failed",
    "hunt.rule_failed",
)
SAID = {
    SILENCE: {
        "description": "Log files came from there all the time, and then none any more; chance does not explain it. "
        "Nothing that happens there can be found until they come again.",
        "false positives": "The account or Region is not used any more, or the trail was changed on purpose.",
    },
    LAG: {
        "description": "The newest log file of the lake is older than hunt.dead_man.max_lag allows: findings come "
        "late, or not at all.",
        "false positives": "The sources are copies that nobody adds to.",
    },
    REJECTED: {
        "description": "Log files could not be read; no detection sees their events. The ledger names each file and "
        "the reason: trailql query \"SELECT uri, reason FROM files WHERE status = 'rejected'\".",
        "false positives": "Files that are no log files lie among them.",
    },
    FAILED: {
        "description": "A round of the hunt did not get to its end. The next one takes up what it left; if it fails as "
        "well, nothing is found any more.",
        "false positives": "A passing trouble with the network or with AWS.",
    },
    RULE: {
        "description": "A detection could not run, and the others ran without it. Once mended, trailql hunt "
        "--backfill 7d lets it see what it has missed.",
        "false positives": "",
    },
}
ENDING = (SILENCE, LAG, FAILED, RULE)
"""Troubles that last, and are over some time."""
_LOOK_BACK = timedelta(days=3)
_NAMED = 5


def silences(lake: Lake, now: datetime) -> list[Finding]:
    """Accounts and Regions, or the whole lake, that have fallen silent and still are; see `trailql.forensics`."""
    since = now - _LOOK_BACK
    with open_for_coverage(lake, since, None) as opened:
        gaps = find_coverage(opened, since, now=now).gaps
    return [_silence(gap) for gap in gaps if gap.ongoing]


def late(newest: datetime | None, most: timedelta, hunt: str, now: datetime) -> list[Finding]:
    """Whether the newest delivery is too old."""
    if newest is None or now - newest <= most:
        return []
    hours = round((now - newest).total_seconds() / 3600, 1)
    numbers = {"newest_delivery": iso(newest), "hours_late": hours}
    return [_finding(LAG, "The logs come too late", Severity.MEDIUM, now, numbers, hunt, str(now.date()))]


def rejected(files: Sequence[tuple[str, str]], hunt: str, now: datetime) -> list[Finding]:
    """Whether log files were rejected."""
    if not files:
        return []
    numbers = {
        "calls": len(files),
        "files": [uri for uri, _ in files[:_NAMED]],
        "reasons": sorted({reason for _, reason in files})[:_NAMED],
    }
    return [_finding(REJECTED, "Log files were rejected", Severity.MEDIUM, now, numbers, hunt, str(now.date()))]


def failed(reasons: Iterable[str], hunt: str, now: datetime) -> list[Finding]:
    """What went wrong in a round."""
    return [
        _finding(
            FAILED, "A round of the hunt failed", Severity.HIGH, now, {"error": reason}, hunt, reason, str(now.date())
        )
        for reason in dict.fromkeys(reasons)
    ]


def broken_rules(errors: Iterable[tuple[str, str]], hunt: str, now: datetime) -> list[Finding]:
    """Detections that could not run."""
    return [
        _finding(
            RULE, "A detection cannot run", Severity.MEDIUM, now, {"rule": id, "error": text}, hunt, id, str(now.date())
        )
        for id, text in errors
    ]


def heard_again(silent: Sequence[Finding], con: duckdb.DuckDBPyConnection, lake: Lake) -> set[str]:
    """
    Fingerprints of the silences after which log files were delivered again.

    That a silence is not found any more does not say so: it may have become a larger one, or lie too far back.
    """
    snapshot = lake.snapshot("files")
    if not silent or not snapshot.parts:
        return set()
    since = min(each.first_event_time for each in silent)
    query = f"""
        SELECT account, region, epoch_us(max(coalesce(delivered_at, last_event_time))) FROM ({rows_sql(snapshot)})
        WHERE coalesce(folder, '') <> 'CloudTrail-Digest' AND status <> 'skipped'
            AND coalesce(delivered_at, last_event_time) >= $since
        GROUP BY ALL
    """
    heard = con.execute(query, {"since": since}).fetchall()
    return {
        each.fingerprint
        for each in silent
        if any(
            each.account in (None, account)
            and each.region in (None, region)
            and each.first_event_time.timestamp() * 1_000_000 <= newest
            for account, region, newest in heard
        )
    }


def of_one_trouble(finding: Finding) -> tuple[Any, ...]:
    """What findings have in common that tell of one trouble on several days."""
    return finding.id, finding.account, finding.region, finding.numbers.get("rule")


def _silence(gap: Gap) -> Finding:
    what = {"lake": "", "account": " from an account", "region": " from a Region"}[gap.scope]
    numbers: dict[str, Any] = {
        "silent_since": iso(gap.since),
        "heard_before_in_hours": f"{gap.heard_share:.0%}",
        "last_delivery": iso(gap.last_delivery) if gap.last_delivery else None,
        "changes": [f"{change.name} {change.time.isoformat()}" for change in gap.changes[:_NAMED]] or None,
    }
    where = (gap.account, gap.region, gap.since.isoformat())
    return Finding(
        id=SILENCE,
        title=f"No logs{what} any more",
        severity=Severity.HIGH,
        attack=("T1562.008",),
        first_event_time=gap.since,
        last_event_time=gap.since,
        account=gap.account,
        region=gap.region,
        actor=None,
        source_ip=None,
        event_ids=(),
        numbers={name: value for name, value in numbers.items() if value is not None},
        fingerprint=fingerprint(SILENCE, *where),
    )


def _finding(id: str, title: str, severity: Severity, now: datetime, numbers: dict[str, Any], *anchors: str) -> Finding:
    return Finding(
        id=id,
        title=title,
        severity=severity,
        attack=(),
        first_event_time=now,
        last_event_time=now,
        account=None,
        region=None,
        actor=None,
        source_ip=None,
        event_ids=(),
        numbers=numbers,
        fingerprint=fingerprint(id, *anchors),
    )

"""
trailql's own detector, asked from outside as a user would:

    trailql insights --from-rates FILE --since TIME --false-rate X --format jsonl

once for each of some false rates, which take the place of thresholds. Its output is one Start and one End record per
insight, in the shape of CloudTrail Insights.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.insights.score import Alarm
from tests.bench.insights.sweep import Sweep

ASKED_RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 2.0)


def missing() -> str | None:
    """Why trailql cannot be asked, None if it can."""
    asked = _trailql("insights", "--help")
    if asked.returncode:
        return f"trailql insights --help fails: {asked.stderr.strip()[-200:]}"
    absent = [each for each in ("--from-rates", "--false-rate") if each not in asked.stdout]
    return f"this trailql has no {' and no '.join(absent)}" if absent else None


def ask(rates: Path, test_from: datetime, asked_rates: Iterable[float] = ASKED_RATES) -> Sweep:
    """
    Run trailql once for each false rate.

    Raises:
        RuntimeError: It failed; with what it wrote to stderr.
    """
    answers: dict[float, list[Alarm]] = {}
    for asked in sorted(asked_rates):
        since = test_from.strftime("%Y-%m-%dT%H:%M:%SZ")
        command = ("insights", "--from-rates", str(rates), "--since", since, "--false-rate", f"{asked:g}")
        answer = _trailql(*command, "--format", "jsonl")
        if answer.returncode:
            raise RuntimeError(f"trailql {' '.join(command)}: {answer.stderr.strip()[-1000:]}")
        answers[asked] = alarms_of(answer.stdout.splitlines(), score=-asked)
    return Sweep(list(answers), answers.__getitem__)


def alarms_of(lines: Iterable[str], score: float = 0.0) -> list[Alarm]:
    """
    Alarms from Start and End records, one JSON object a line, in any order.

    An insight that has no End record yet ends a minute after its start. As records do not say how unusual they are, all
    get the same score.
    """
    starts: dict[str, dict[str, Any]] = {}
    ends: dict[str, datetime] = {}
    for line in lines:
        if line.strip():
            record = json.loads(line)
            if record["insightDetails"]["state"] == "Start":
                starts[record["sharedEventID"]] = record
            else:
                ends[record["sharedEventID"]] = _time(record["eventTime"])
    return [_alarm(record, ends.get(shared), score) for shared, record in starts.items()]


def _alarm(record: dict[str, Any], end: datetime | None, score: float) -> Alarm:
    details = record["insightDetails"]
    start = _time(record["eventTime"])
    return Alarm(
        record["recipientAccountId"],
        record["awsRegion"],
        details["eventSource"],
        details["eventName"],
        details.get("errorCode") or None,
        start,
        end or datetime.fromtimestamp(start.timestamp() + 60, UTC),
        score,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _trailql(*arguments: str) -> subprocess.CompletedProcess[str]:
    wide = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}  # so that --help cuts no option short
    command = [sys.executable, "-m", "trailql", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=wide)

"""
The monitoring controls of the CIS AWS Foundations Benchmark, as events in a window of time.

The benchmark asks for an alarm on each kind of event. What is asked here is the thing behind it: did any such event
happen, and does the lake hold the management events in which it would stand?

Source:
    CIS Amazon Web Services Foundations Benchmark, v1.4.0, v3.0.0, v5.0.0 and v6.0.0
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trailql.detect.catalog import Detection, bundled_detections
from trailql.detect.excepting import set_apart
from trailql.detect.finding import Finding
from trailql.detect.run import run_detections
from trailql.detect.tuning import UNTUNED, Tuning, today
from trailql.errors import UsageError
from trailql.query.engine import open_lake

CONTROLS = {
    "4.1": "Unauthorized API calls are monitored",
    "4.2": "Console sign-in without MFA is monitored",
    "4.3": "Usage of the root account is monitored",
    "4.4": "IAM policy changes are monitored",
    "4.5": "CloudTrail configuration changes are monitored",
    "4.6": "Console authentication failures are monitored",
    "4.7": "Disabling or deletion of customer managed keys is monitored",
    "4.8": "S3 bucket policy changes are monitored",
    "4.9": "AWS Config configuration changes are monitored",
    "4.10": "Security group changes are monitored",
    "4.11": "Network ACL changes are monitored",
    "4.12": "Changes to network gateways are monitored",
    "4.13": "Route table changes are monitored",
    "4.14": "VPC changes are monitored",
    "4.15": "AWS Organizations changes are monitored",
    "4.16": "Security Hub is enabled",
}
"""By the numbers of v1.3 to v5.0; v6.0 calls the section 5."""
FRAMEWORKS = {
    "cis-aws-1.4": ("CIS AWS Foundations Benchmark v1.4.0", "4", 15),
    "cis-aws-3.0": ("CIS AWS Foundations Benchmark v3.0.0", "4", 16),
    "cis-aws-5.0": ("CIS AWS Foundations Benchmark v5.0.0", "4", 16),
    "cis-aws-6.0": ("CIS AWS Foundations Benchmark v6.0.0", "5", 16),
}
"""Title, number of the section, and how many controls it has."""


@dataclass(frozen=True, slots=True)
class Control:
    """
    One control over the window.

    Args:
        number: In the framework's own numbering, such as 4.3.
        title: What it asks.
        state: `pass` (no such event), `attention` (events to look at) or `no data`.
        detections: Ids of the detections that look for it.
        findings: What they found, but for what is excepted.
        excepted: How many findings exceptions have set apart; they do not call for attention, and are not hidden.
        disabled: Ids of detections of this control that are turned off, so that it is not looked at as a whole.
    """

    number: str
    title: str
    state: str
    detections: tuple[str, ...]
    findings: tuple[Finding, ...]
    excepted: int = 0
    disabled: tuple[str, ...] = ()

    @property
    def events(self) -> int:
        """Events in its findings, each once; those beyond the ids that a finding names are counted as they are."""
        named = {id for each in self.findings for id in each.event_ids}
        beyond = [int(each.numbers.get("calls") or 0) - len(each.event_ids) for each in self.findings]
        return len(named) + sum(max(each, 0) for each in beyond)


@dataclass(frozen=True, slots=True)
class Compliance:
    """A framework's controls over a window of a lake."""

    framework: str
    title: str
    since: datetime | None
    until: datetime | None
    management_events: int
    controls: tuple[Control, ...]


def check_compliance(
    lake: str | Path,
    framework: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    detections: Sequence[Detection] | None = None,
    tuning: Tuning = UNTUNED,
) -> Compliance:
    """
    Look at every control.

    Args:
        lake: The lake's folder.
        framework: One of `FRAMEWORKS`.
        since, until: Events of `since <= eventTime < until`.
        detections: Instead of the bundled ones: those whose header names a control in `cis` count for it.
        tuning: Severities, parameters, what is off and what is excepted.

    Raises:
        UsageError: A framework that is none.
        LakeError: No lake there.
    """
    if framework not in FRAMEWORKS:
        raise UsageError(f"there is no framework {framework!r}", hint=", ".join(FRAMEWORKS))
    title, section, amount = FRAMEWORKS[framework]
    with open_lake(lake, since=since, until=until) as opened:
        counted = opened.sql("SELECT count(*) FROM events WHERE coalesce(managementEvent, true)").rows()
    every = bundled_detections() if detections is None else detections
    by_control = _by_control(every)
    ids = {id for named in by_control.values() for id in named}
    running = tuning.applied(each for each in every if each.id in ids)
    found = run_detections(lake, since=since, until=until, detections=running, parameters=tuning.parameters_of(running))
    findings, excepted = set_apart(found, tuning.exceptions, lake, today())
    apart = [each.finding.id for each in excepted]
    numbers = list(CONTROLS)[:amount]
    return Compliance(
        framework,
        title,
        since,
        until,
        counted[0][0],
        tuple(
            _control(number, section, by_control.get(number, ()), findings, counted[0][0], apart, tuning.disabled)
            for number in numbers
        ),
    )


def _by_control(detections: Sequence[Detection]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for each in detections:
        for number in each.file.header.get("cis", "").replace(",", " ").split():
            found.setdefault(number, []).append(each.id)
    return {number: tuple(ids) for number, ids in found.items()}


def _control(
    number: str,
    section: str,
    ids: Sequence[str],
    findings: Sequence[Finding],
    management_events: int,
    apart: Sequence[str],
    disabled: Collection[str],
) -> Control:
    own = tuple(each for each in findings if each.id in ids)
    state = "no data" if not management_events else "attention" if own else "pass"
    return Control(
        f"{section}.{number.partition('.')[2]}",
        CONTROLS[number],
        state,
        tuple(ids),
        own,
        sum(id in ids for id in apart),
        tuple(id for id in ids if id in disabled),
    )

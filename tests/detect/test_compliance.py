"""The CIS monitoring controls over a lake, and the report about them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import Ingest
from tests.made import record
from trailql.detect.catalog import bundled_detections
from trailql.detect.compliance import CONTROLS, FRAMEWORKS, check_compliance
from trailql.detect.tuning import read_tuning
from trailql.errors import UsageError
from trailql.report.compliance import compliance_html, compliance_json, compliance_markdown

_HOSTILE = "<script>alert(1)</script>|\x1b[31m"


@pytest.fixture
def lake(logs: Path, lake_dir: Path, ingest: Ingest) -> Path:
    """
    A trail stopped, and a security group changed by somebody with a name that is none.
    """
    arn = f"arn:aws:iam::111122223333:user/{_HOSTILE}"
    records = [
        record(1, eventSource="cloudtrail.amazonaws.com", eventName="StopLogging", readOnly=False),
        record(
            2,
            eventName="CreateSecurityGroup",
            userIdentity={"type": "IAMUser", "arn": arn, "accountId": "111122223333"},
        ),
    ]
    (logs / "trail.json").write_text(json.dumps({"Records": records}))
    ingest()
    return lake_dir


@pytest.mark.parametrize(("framework", "section", "amount"), [(f, s, n) for f, (_, s, n) in FRAMEWORKS.items()])
def test_controls(lake: Path, framework: str, section: str, amount: int) -> None:
    """
    Each framework has its numbering, and each control its detections; events call for attention, none pass.
    """
    found = check_compliance(lake, framework)

    states = {each.number: each.state for each in found.controls}
    assert [f"{section}.{n}" for n in range(1, amount + 1)] == list(states)
    assert {f"{section}.5", f"{section}.10"} == {number for number, state in states.items() if state == "attention"}
    assert all(each.detections for each in found.controls)
    assert 2 == found.management_events


def test_a_lake_without_events_proves_nothing(lake: Path) -> None:
    """
    Where there are no management events in the window, no control passes.
    """
    from datetime import UTC, datetime

    found = check_compliance(lake, "cis-aws-3.0", since=datetime(2031, 1, 1, tzinfo=UTC))

    assert {"no data"} == {each.state for each in found.controls}


def test_unknown_framework(lake: Path) -> None:
    """
    The known ones are named.
    """
    with pytest.raises(UsageError) as caught:
        check_compliance(lake, "pci")
    assert "cis-aws-3.0" in (caught.value.hint or "")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_reports(lake: Path) -> None:
    """
    The same controls in three forms; a name from a log is text in each of them.
    """
    found = check_compliance(lake, "cis-aws-3.0")

    page = _Tags()
    page.feed(compliance_html(found))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    markdown = compliance_markdown(found)
    assert "| 4.5 | CloudTrail configuration changes are monitored | attention | 1 |" in markdown
    assert not re.search(r"<script|\x1b|[^\\]\|\\x1b", markdown)
    document = json.loads(compliance_json(found))
    assert [each.number for each in found.controls] == [each["control"] for each in document["controls"]]
    assert len(CONTROLS) == len(document["controls"])


def test_tuning_counts_and_shows(lake: Path, tmp_path: Path) -> None:
    """
    What is excepted calls for no attention and is counted; a detection that is off is named.
    """
    config = tmp_path / "trailql.toml"
    config.write_text(
        '[[detections."cloudtrail.trail_logging_stopped".exceptions]]\n'
        'reason = "moved"\nexpires = "never"\naccount = "111122223333"\n'
        '[detections."cloudtrail.trail_changed"]\ndisabled = true\nreason = "noise"\n'
    )
    detections = bundled_detections()
    tuning = read_tuning(config, detections)

    found = check_compliance(lake, "cis-aws-3.0", detections=detections, tuning=tuning)

    control = next(each for each in found.controls if each.number == "4.5")
    assert ("pass", 1, ("cloudtrail.trail_changed",)) == (control.state, control.excepted, control.disabled)
    assert "pass (1 excepted, 1 of" in compliance_markdown(found)
    assert "pass (1 excepted, 1 of" in compliance_html(found)

"""trailql.toml: what it changes, what it excepts, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from trailql.detect.catalog import bundled_detections
from trailql.detect.excepting import ExceptRule, set_apart
from trailql.detect.finding import Finding, Severity
from trailql.detect.run import run_detections
from trailql.detect.samples import cases_of
from trailql.detect.tuning import read_tuning, tuning_file
from trailql.errors import UsageError
from trailql.ingest import ingest_logs

_ALL = bundled_detections()
_GROUP = "ec2.security_group_open_to_all"
_FINDING = Finding(
    id=_GROUP, title="", severity=Severity.HIGH, attack=(), account="111122223333", region="eu-west-1",
    first_event_time=datetime(2026, 10, 14, tzinfo=UTC), last_event_time=datetime(2026, 10, 14, tzinfo=UTC),
    actor="arn:aws:iam::111122223333:role/bastion-1", source_ip="198.51.100.7", event_ids=("1",),
    numbers={"calls": 1, "requestParameters": '{"groupId":"sg-0123abc","ports":[22]}'},
)  # fmt: skip


def _read(folder: Path, text: str) -> Any:
    (folder / "trailql.toml").write_text(text)
    return read_tuning(folder / "trailql.toml", _ALL)


def test_severity_parameters_and_disabled(tmp_path: Path) -> None:
    """
    They change the detections, and nothing else.
    """
    tuning = _read(
        tmp_path,
        """
        [detections."iam.user_created"]
        severity = "medium"
        [detections."ec2.terminate_instances_burst"]
        parameters = { instances = 20 }
        [detections."activity.call_refused"]
        disabled = true
        reason = "another tool counts them"
        """,
    )
    applied = {each.id: each for each in tuning.applied(_ALL)}

    assert len(_ALL) - 1 == len(applied)
    assert Severity.MEDIUM == applied["iam.user_created"].severity
    assert {"ec2.terminate_instances_burst.instances": "20"} == tuning.parameters_of(applied.values())
    assert {} == tuning.parameters_of([applied["iam.user_created"]])


_EXCEPTION = f'[[detections."{_GROUP}".exceptions]]\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[detection]", "detection: unknown key"),
        ('[detections."iam.user_creatd"]', 'detections."iam.user_creatd": no detection'),
        ('[detections."iam.user_created"]\nseverety = "low"', "severety: unknown key"),
        ('[detections."iam.user_created"]\nseverity = "awful"', "severity: no severity"),
        ('[detections."iam.user_created"]\ndisabled = true', "reason: must say why"),
        ('[detections."iam.user_created"]\ndisabled = "yes"', "disabled: must be"),
        ('[detections."ec2.terminate_instances_burst"]\nparameters = { instances = "many" }', "instances: .*whole"),
        ('[detections."ec2.terminate_instances_burst"]\nparameters = { nope = 1 }', "nope: .*no parameter"),
        (_EXCEPTION + 'expires = "never"\nregion = "x"', r"exceptions\[1\].reason"),
        (_EXCEPTION + 'reason = "x"\nregion = "x"', r"exceptions\[1\].expires: an exception must"),
        (_EXCEPTION + 'reason = "x"\nexpires = "soon"\nregion = "x"', "expires: 'soon' is no date"),
        (_EXCEPTION + 'reason = "x"\nexpires = "never"', "no condition"),
        (_EXCEPTION + 'reason = "x"\nexpires = "never"\nnetwork = "198.51.100.1/24"', "network: .*host bits"),
        (_EXCEPTION + 'reason = "x"\nexpires = "never"\naccount = "1111"', "account: '1111'"),
        (_EXCEPTION + 'reason = "x"\nexpires = "never"\nacount = "1"', "acount: unknown key"),
        ("[detections\nx = 1", "not TOML: .*line 1"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, key: str) -> None:
    """
    Each is named with its file and key.
    """
    with pytest.raises(UsageError, match=key) as caught:
        _read(tmp_path, text)
    assert str(tmp_path / "trailql.toml") == caught.value.at


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The one given, then the folder's, then the user's.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert tuning_file(None) is None
    users = tmp_path / "config" / "trailql" / "trailql.toml"
    users.parent.mkdir(parents=True)
    users.touch()
    assert users == tuning_file(None)
    Path("trailql.toml").touch()
    assert Path("trailql.toml") == tuning_file(None)
    assert users == tuning_file(users)
    with pytest.raises(UsageError, match="no such file"):
        tuning_file(tmp_path / "other.toml")


@pytest.mark.parametrize(
    ("conditions", "is_covered"),
    [
        ({"account": "111122223333"}, True),
        ({"account": "222233334444"}, False),
        ({"actor": "arn:*:role/bastion*"}, True),
        ({"actor": "bastion*"}, False),
        ({"network": "198.51.100.0/24"}, True),
        ({"network": "2001:db8::/32"}, False),
        ({"network": "192.0.2.0/24"}, False),
        ({"region": "eu-west-1"}, True),
        ({"resource": "sg-0123*"}, True),
        ({"resource": "groupId"}, False),
        ({"account": "111122223333", "resource": "sg-9*"}, False),
    ],
)
def test_all_conditions_must_hold(tmp_path: Path, conditions: dict[str, str], is_covered: bool) -> None:
    """
    One that does not is enough to keep the finding.
    """
    lines = "".join(f'{name} = "{value}"\n' for name, value in conditions.items())
    tuning = _read(tmp_path, f'{_EXCEPTION}reason = "x"\nexpires = 2026-12-31\n{lines}')

    left, apart = set_apart([_FINDING], tuning.exceptions, tmp_path, date(2026, 12, 31))

    assert (not is_covered, is_covered) == (bool(left), bool(apart))
    assert [_FINDING] == set_apart([_FINDING], tuning.exceptions, tmp_path, date(2027, 1, 1))[0]


def test_a_resource_must_be_named_by_every_event(tmp_path: Path) -> None:
    """
    A finding shows the first request of a day; what came behind it is not excepted with it.
    """
    path = next(each.file.path for each in _ALL if each.id == _GROUP)
    records = [json.loads(json.dumps(case.records[0])) for case in cases_of(_GROUP, path)[:1] for _ in range(2)]
    for number, record in enumerate(records):
        record["eventID"] = f"00000000-0000-4000-8000-00000000000{number}"
    records[1]["requestParameters"]["groupId"] = "sg-2"
    (tmp_path / "logs.json").write_text(json.dumps({"Records": records}))
    ingest_logs([str(tmp_path / "logs.json")], tmp_path / "lake")
    found = run_detections(tmp_path / "lake", ids=[_GROUP])
    assert 2 == found[0].numbers["calls"]

    for pattern, excepted in (("sg-1", 0), ("sg-2", 0), ("sg-*", 1)):
        rule = ExceptRule(_GROUP, "known", None, resource=pattern)
        assert excepted == len(set_apart(found, [rule], tmp_path / "lake", date(2026, 10, 15))[1])

"""Events in order: which are chosen, what is folded, and where findings belong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ingest
from tests.forensics.stories import IAM, IP, USER_KEY, at, chain, console_login, event, session, user
from tests.made import ACCOUNT, OTHER_ACCOUNT, OTHER_REGION, Record, write_log
from trailql.errors import UsageError
from trailql.forensics import timeline
from trailql.forensics.subject import subject_of
from trailql.forensics.timeline import Choice, Entry, Mark, Timeline, timeline_of

Told = Callable[..., Timeline]
S3 = "s3.amazonaws.com"


@pytest.fixture
def told(logs: Path, lake_dir: Path, ingest: Ingest) -> Told:
    """A timeline of these records."""

    def run(records: list[Record], choice: Choice = Choice(), **options: Any) -> Timeline:  # noqa: B008
        write_log(logs, *records)
        ingest()
        return timeline_of(lake_dir, choice, **options)

    return run


def lines(timeline: Timeline) -> list[tuple[str, int, int]]:
    return [
        (entry.apis[0][1] if entry.apis else entry.title or "", entry.calls, entry.errors) for entry in timeline.entries
    ]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Choice(principals=("alice",)), {"GetCallerIdentity", "AssumeRole"}),
        (Choice(principals=(f"arn:aws:iam::{ACCOUNT}:role/path/deploy",)), {"ListUsers", "AssumeRole"}),
        (Choice(sessions=("s2",)), {"CreateAccessKey", "AssumeRole"}),
        (Choice(keys=("AKIABOBBOB000EXAMPLE",)), {"DeleteBucket"}),
        (Choice(keys=("AKIABOBBOB000EXAMPLE", USER_KEY), services=("s3",)), {"DeleteBucket"}),
        (Choice(resources=("bob",)), {"CreateAccessKey"}),
        (Choice(resources=(f"arn:aws:iam::{OTHER_ACCOUNT}:user/bob",)), {"CreateAccessKey"}),
        (Choice(resources=("bo",)), set()),
        (Choice(accounts=(OTHER_ACCOUNT,), services=("iam.amazonaws.com",)), {"CreateAccessKey"}),
        (Choice(ips=("203.0.113.0/29",), regions=("us-east-1",), services=("s3",)), {"DeleteBucket"}),
        (Choice(ips=("203.0.113.0/30",)), set()),
        (Choice(regions=(OTHER_REGION,)), set()),
    ],
    ids=lambda value: " ".join(sorted(value)) or "nothing" if isinstance(value, set) else "",
)
def test_what_is_chosen(told: Told, choice: Choice, names: set[str]) -> None:
    """
    Each option narrows; the values of one option widen; a name is not found inside of a longer one.
    """
    found = told(chain(), choice, unfolded=True)
    assert names == {name for name, _, _ in lines(found)}


def test_runs_are_folded(told: Told) -> None:
    """
    Calls of one API become a line while pauses are short; so do all reads, until something is changed.
    """
    records = [
        event(1, user(), f"{IAM}:ListUsers", at(0)),
        event(2, user(), f"{IAM}:ListRoles", at(1), errorCode="AccessDenied"),
        event(3, user(), f"{S3}:DeleteObject", at(2), requestParameters={"bucketName": "b", "key": "k1"}),
        event(4, user(), f"{S3}:DeleteObject", at(3), requestParameters={"bucketName": "b", "key": "k2"}),
        event(5, user(), f"{S3}:DeleteObject", at(3.5), errorCode="AccessDenied"),
        event(6, user(), f"{IAM}:ListUsers", at(4)),
        event(7, user(), f"{S3}:DeleteObject", at(30)),
    ]
    found = told(records)

    assert [
        ("ListRoles", 2, 1),
        ("DeleteObject", 2, 0),
        ("DeleteObject", 1, 1),
        ("ListUsers", 1, 0),
        ("DeleteObject", 1, 0),
    ] == lines(found)
    assert ("b", "k1", "k2") == found.entries[1].subjects
    assert 7 == found.events == len(told(records, unfolded=True).entries)
    assert 4 == len(told(records, fold=timedelta(hours=1)).entries)


def test_sessions_and_addresses_are_not_mixed(told: Told) -> None:
    """
    A line is one principal's, from one address.
    """
    records = [
        event(1, session("web", "a", "ASIAA00000000EXAMPLE", at(0)), f"{S3}:PutObject", at(1)),
        event(2, session("web", "b", "ASIAB00000000EXAMPLE", at(0)), f"{S3}:PutObject", at(1)),
        event(3, session("web", "b", "ASIAB00000000EXAMPLE", at(0)), f"{S3}:PutObject", at(1), sourceIPAddress="::1"),
    ]
    assert [1, 1, 1] == [entry.calls for entry in told(records).entries]


def test_failed_sign_ins_are_errors(told: Told) -> None:
    """
    A failed ConsoleLogin has no errorCode; it counts as failed all the same.
    """
    found = told([console_login(1, user(key=""), at(0), succeeded=False)])
    assert (1, ("Failed authentication",)) == (found.entries[0].errors, found.entries[0].error_codes)


def test_marks_belong_to_chosen_events(told: Told) -> None:
    """
    A finding is shown with any of its events, an insight with a call of its API in its time; others are not.
    """
    records = chain()
    finding = Mark("finding", at(3), at(3), "iam.x", "made a key", "high", event_ids=(records[5]["eventID"],))
    insight = Mark(
        "insight",
        at(3.5),
        at(5),
        "i",
        "many",
        "",
        account=OTHER_ACCOUNT,
        region="us-east-1",
        service=S3,
        name="DeleteBucket",
    )
    marks = [finding, insight]

    all_of_them = told(records, marks=marks)
    bob = told(records, Choice(keys=("AKIABOBBOB000EXAMPLE",)), marks=marks)

    assert ["finding", "insight"] == [entry.kind for entry in all_of_them.entries if entry.kind != "event"]
    assert ["insight", "event"] == [entry.kind for entry in bob.entries]
    times = [entry.first for entry in all_of_them.entries]
    assert sorted(times) == times


@pytest.mark.parametrize("limit", [1, 2, 4, 6, 7, 8, 0])
@pytest.mark.parametrize("unfolded", [True, False])
def test_a_limit_takes_the_first_lines(told: Told, limit: int, unfolded: bool) -> None:
    """
    The lines of a limit are the first ones of all, findings among them, and the rest is counted.
    """
    mark = Mark("finding", at(1), at(1), "x.y", "Something", "high", event_ids=(chain()[1]["eventID"],))
    every = told(chain(), unfolded=unfolded, limit=0, marks=[mark])
    some = told(chain(), unfolded=unfolded, limit=limit, marks=[mark])

    assert every.entries[: limit or None] == some.entries
    assert len(every.entries) - len(some.entries) == some.left_out


def test_only_the_lines_of_the_limit_are_read(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What lies beyond the limit does not come into memory as lines.
    """
    made: list[Any] = []
    whole = timeline._entry

    def counted(row: dict[str, Any]) -> Entry:
        made.append(row)
        return whole(row)

    monkeypatch.setattr(timeline, "_entry", counted)
    assert 2 == len(told(chain(), unfolded=True, limit=2).entries)
    assert 2 == len(made)


def test_the_limit_says_what_is_left_out(told: Told) -> None:
    """
    The first lines are kept.
    """
    found = told(chain(), unfolded=True, limit=3)
    assert (3, 5, 8) == (len(found.entries), found.left_out, found.events)


def test_an_address_that_is_none(told: Told) -> None:
    """
    --ip takes addresses and networks.
    """
    with pytest.raises(UsageError, match="no address"):
        told(chain(), Choice(ips=("alice",)))


@pytest.mark.parametrize(
    ("asked_for", "subjects"),
    [
        (
            '{"userName":"bob","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}',
            ("bob", "AdministratorAccess"),
        ),
        ('{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}', ("i-1", "i-2")),
        ('{"clientToken":"x","filterSet":{"items":[{"name":"vpc-id"}]},"maxResults":5}', ()),
        ("no json", ()),
        (None, ()),
    ],
)
def test_what_a_call_is_about(asked_for: str | None, subjects: tuple[str, ...]) -> None:
    """
    Names and ids, ARNs by their end; no tokens, no filters.
    """
    assert subjects == subject_of(asked_for)


def test_hostile_choices_are_only_values(told: Told) -> None:
    """
    What is asked for is bound: quotes and patterns in it match themselves.
    """
    for evil in ("' OR 1=1 --", "$v0", "(", ".*", "bob)|("):
        assert 0 == told(chain(), Choice(resources=(evil,), principals=("alice",))).events
    assert IP == told(chain(), Choice(principals=("alice",))).entries[0].source_ip

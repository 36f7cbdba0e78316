"""What somebody usually does, and what of it is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ingest
from tests.forensics.stories import IAM, at, event, user
from tests.made import ACCOUNT, OTHER_REGION, Record, write_log
from trailql.forensics.profile import Profile, profile_of

Profiled = Callable[..., Profile]
S3 = "s3.amazonaws.com"
BUCKET = [{"ARN": "arn:aws:s3:::bucket", "accountId": ACCOUNT, "type": "AWS::S3::Bucket"}]


@pytest.fixture
def profiled(logs: Path, lake_dir: Path, ingest: Ingest) -> Profiled:
    """A profile out of these records."""

    def run(records: list[Record], asked: str = "alice", **options: Any) -> Profile:
        write_log(logs, *records)
        ingest()
        return profile_of(lake_dir, asked, **options)

    return run


def habit() -> list[Record]:
    """
    Two days alike, then one on which everything is different.
    """
    usual = [event(n, user(), f"{IAM}:ListUsers", at(n * 60), sourceIPAddress="192.0.2.1") for n in range(48)]
    strange = event(
        50,
        user(),
        f"{S3}:DeleteBucket",
        at(48 * 60),
        sourceIPAddress="203.0.113.9",
        userAgent="curl",
        awsRegion=OTHER_REGION,
        errorCode="AccessDenied",
        resources=BUCKET,
    )
    return [*usual, strange, event(51, user(), f"{IAM}:ListUsers", at(48 * 60 + 1), sourceIPAddress="192.0.2.200")]


def test_what_is_new(profiled: Profiled) -> None:
    """
    API, Region, network, address, agent, error and resource that were never seen before the window are new; a new
    address in a network known is no new network.
    """
    found = profiled(habit(), since=at(48 * 60))

    new = {each.name: [s.value for s in each.shares if s.before == 0] for each in found.dimensions if each.new}
    assert {
        "APIs": ["s3:DeleteBucket"],
        "Regions": [OTHER_REGION],
        "networks": ["203.0.0.0/16"],
        "addresses": ["192.0.2.200", "203.0.113.9"],
        "user agents": ["curl"],
        "errors": ["AccessDenied"],
        "resources": ["arn:aws:s3:::bucket"],
    } == new
    assert (2, 1, 1, 48, 0) == (found.calls, found.changes, found.errors, found.before, found.errors_before)
    assert (at(48 * 60), at(0)) == (found.first, found.first_ever)


def test_without_a_past_nothing_is_new(profiled: Profiled) -> None:
    """
    Without --since, or with one before the first event, nothing can be called new.
    """
    assert not profiled(habit()).has_past
    assert not profiled(habit(), since=at(-60)).has_past
    assert 50 == profiled(habit()).calls


def test_hours_in_the_zone_asked_for(profiled: Profiled) -> None:
    """
    12:30 UTC is hour 12, and 14 in Berlin's summer.
    """
    one = [event(1, user(), f"{IAM}:ListUsers", at(0))]
    assert 12 == profiled(one).hours.index(1)
    assert 14 == profiled(one, zone="Europe/Berlin").hours.index(1)


@pytest.mark.parametrize(
    ("address", "network"),
    [("2001:db8:1:2::3", "2001:db8:1::/48"), ("AWS Internal", "AWS Internal"), ("10.1.2.3", "10.1.0.0/16")],
)
def test_networks(profiled: Profiled, address: str, network: str) -> None:
    """
    /16 of IPv4, /48 of IPv6, everything else as it is.
    """
    found = profiled([event(1, user(), f"{IAM}:ListUsers", at(0), sourceIPAddress=address)])
    assert [network] == [share.value for each in found.dimensions if each.name == "networks" for share in each.shares]


@pytest.mark.parametrize(("asked", "calls"), [("203.0.113.0/24", 1), ("AKIAUSERUSER1EXAMPLE", 50), ("bob", 0)])
def test_whom(profiled: Profiled, asked: str, calls: int) -> None:
    """
    An address, a key, a name.
    """
    assert calls == profiled(habit(), asked).calls


def test_the_sample_attack(sample_lake: Path) -> None:
    """
    build-bot, from the day of the attack on: another network, another key, refused for the first time.
    """
    found = profile_of(sample_lake, "build-bot", since=at(14 * 24 * 60 - 750))
    new = {each.name: [s.value for s in each.shares if s.before == 0] for each in found.dimensions if each.new}
    assert (["203.0.0.0/16"], ["AKIANEWKEY123EXAMPLE"]) == (new["networks"], new["access keys"])
    assert (101, 0) == (found.errors, found.errors_before)

"""What the user's own files add to findings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from trailql.detect.enrich import read_enrichment
from trailql.detect.finding import Finding, Severity
from trailql.errors import UsageError

_RANGES = {
    "prefixes": [
        {"ip_prefix": "198.51.100.0/24", "region": "us-east-1", "service": "AMAZON"},
        {"ip_prefix": "198.51.100.0/25", "region": "us-east-1", "service": "AMAZON"},
        {"ip_prefix": "198.51.100.0/25", "region": "us-east-1", "service": "EC2"},
    ],
    "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32", "region": "eu-west-1", "service": "S3"}],
}


def _finding(source_ip: str | None, account: str | None = "111122223333") -> Finding:
    moment = datetime(2026, 10, 1, tzinfo=UTC)
    return Finding("a.b", "t", Severity.LOW, (), moment, moment, account, None, None, source_ip, ())


def _geoip(path: Path) -> Path:
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City")
    writer.insert_network(
        IPSet(["192.0.2.0/24"]),
        {"country": {"iso_code": "NL"}, "city": {"names": {"en": "Delft"}}, "autonomous_system_number": 64500},
    )
    writer.to_db_file(str(path))
    return path


def test_files(tmp_path: Path) -> None:
    """
    Each file adds its part, to IPv4 addresses inside IPv6 as well; the narrowest network and the service's own name
    count.
    """
    ranges, accounts, networks = tmp_path / "ranges.json", tmp_path / "accounts.csv", tmp_path / "networks.csv"
    ranges.write_text(json.dumps(_RANGES))
    accounts.write_text("account,name\n111122223333,production\n")
    networks.write_text('# ours\n192.0.2.0/24,office\n192.0.2.64/26,"office, upstairs"\n')
    known = read_enrichment(
        {
            "geoip": [_geoip(tmp_path / "places.mmdb")],
            "aws_ranges": [ranges],
            "accounts": [accounts],
            "networks": [networks],
        }
    )

    place = {"country": "NL", "city": "Delft", "asn": "AS64500"}
    named = {"account_name": "production"}
    assert {**named, **place, "network": "office"} == known.of(_finding("192.0.2.1"))
    assert {**named, **place, "network": "office, upstairs"} == known.of(_finding("::ffff:192.0.2.65"))
    assert {**named, "aws_service": "EC2", "aws_region": "us-east-1"} == known.of(_finding("198.51.100.9"))
    assert "AMAZON" == known.of(_finding("198.51.100.200"))["aws_service"]
    assert {"aws_service": "S3", "aws_region": "eu-west-1"} == known.of(_finding("2001:db8::1", None))
    assert named == known.of(_finding("ec2.amazonaws.com")) == known.of(_finding(None))
    assert {} == known.of(_finding("203.0.113.1", "444455556666"))


def test_organizations_own_json(tmp_path: Path) -> None:
    """
    Account names may come as the AWS CLI prints them.
    """
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps({"Accounts": [{"Id": "111122223333", "Name": "production", "Status": "ACTIVE"}]}))

    assert {"111122223333": "production"} == read_enrichment({"accounts": [path]}).accounts


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("accounts", "1,production\n", "no account of 12 digits"),
        ("accounts", "111122223333\n", "1 cells"),
        ("accounts", '{"Accounts": [{"Id": "111122223333"}]}', "no Id or no Name"),
        ("accounts", "{", "not JSON"),
        ("networks", "192.0.2.1/24,office\n", "host bits"),
        ("aws_ranges", "{}", "no prefixes"),
        ("aws_ranges", '{"prefixes": [{"service": "EC2"}]}', "None"),
        ("geoip", "no database", "MaxMind"),
    ],
)
def test_bad_files(tmp_path: Path, kind: str, content: str, says: str) -> None:
    """
    A file that is not what it should be is an error that names it.
    """
    path = tmp_path / "given"
    path.write_text(content)

    with pytest.raises(UsageError, match=says) as raised:
        read_enrichment({kind: [path]})

    assert str(path) in str(raised.value.at)


def test_missing_file(tmp_path: Path) -> None:
    """
    So is one that is not there.
    """
    for kind in ("geoip", "accounts", "networks", "aws_ranges"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_enrichment({kind: [tmp_path / "none"]})


def test_no_files() -> None:
    """
    Without files nothing is known.
    """
    assert {} == read_enrichment({}).of(_finding(str(ip_address("192.0.2.1"))))

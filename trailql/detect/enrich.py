"""
What the user's own files say about a finding's address and account: place, owner, AWS service, network, name.

Nothing is shipped and nothing is fetched; a file that is not given adds nothing.
"""

from __future__ import annotations

import csv
import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from trailql.detect.finding import Finding
from trailql.errors import UsageError

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FILES = {
    "geoip": "MaxMind-format database (.mmdb) of places or of autonomous systems; again for another",
    "aws_ranges": "AWS's address ranges, the JSON that AWS publishes as ip-ranges.json",
    "accounts": "names of accounts: CSV with account,name or the JSON of `aws organizations list-accounts`",
    "networks": "names of networks of your own: CSV with network,name",
}
"""Kinds of files, as `[enrich]` in trailql.toml and the options name them."""


class Places(Protocol):
    """A MaxMind-format database."""

    def get(self, address: str) -> Any:
        """What it says of an address; None where it says nothing."""


@dataclass(frozen=True, slots=True)
class Enrichment:
    """
    What is known beside the logs.

    Args:
        places: MaxMind-format databases.
        aws: AWS's ranges with service and Region.
        networks: The user's networks with their names.
        accounts: Names of accounts.
    """

    places: tuple[Places, ...] = ()
    aws: Networks | None = None
    networks: Networks | None = None
    accounts: Mapping[str, str] | None = None

    def of(self, finding: Finding) -> dict[str, str]:
        """What is known of a finding: `account_name`, and what `of_address` says. Only those that are known."""
        found: dict[str, str] = {}
        if self.accounts and finding.account and finding.account in self.accounts:
            found["account_name"] = self.accounts[finding.account]
        return found | self.of_address(finding.source_ip or "")

    def of_address(self, text: str) -> dict[str, str]:
        """
        What is known of a single address: `country` (ISO code), `city`, `asn` (`AS64500`), `as_name`, `network`,
        `aws_service`, `aws_region`. Nothing of a service's name.
        """
        found: dict[str, str] = {}
        try:
            address = ipaddress.ip_address(text)
        except ValueError:  # a service, or several addresses
            return found
        address = getattr(address, "ipv4_mapped", None) or address
        for each in self.places:
            found |= _place(each.get(str(address)))
        if self.networks and (name := self.networks.of(address)):
            found["network"] = name[0]
        if self.aws and (owner := self.aws.of(address)):
            found |= {"aws_service": owner[0], "aws_region": owner[1]}
        return found

    def applied(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings, each with what is known of it."""
        return [replace(each, enrichment=self.of(each)) for each in findings]


class Networks:
    """
    Networks with what is said of each; of several that hold an address the narrowest counts.

    Args:
        named: Networks and texts about them; of two equal networks the later counts.
    """

    def __init__(self, named: Iterable[tuple[_Network, tuple[str, ...]]]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, tuple[str, ...]]] = {}
        for network, texts in named:
            key = network.version, network.prefixlen
            self._by_length.setdefault(key, {})[int(network.network_address)] = texts
        self._lengths = sorted(self._by_length, reverse=True)

    def of(self, address: _Address) -> tuple[str, ...] | None:
        """What is said of the narrowest network around an address."""
        number, bits = int(address), address.max_prefixlen
        for version, length in self._lengths:
            if version == address.version:
                start = number >> (bits - length) << (bits - length)
                if texts := self._by_length[version, length].get(start):
                    return texts
        return None


def read_enrichment(files: Mapping[str, Sequence[Path]]) -> Enrichment:
    """
    Read the files that were given.

    Args:
        files: By kind, see `FILES`.

    Raises:
        UsageError: A file is missing, damaged, or not of its kind; or the library for MaxMind's format is not there.
    """
    accounts = {id: name for path in files.get("accounts", ()) for id, name in _accounts(path)}
    networks = [each for path in files.get("networks", ()) for each in _networks(path)]
    aws = [each for path in files.get("aws_ranges", ()) for each in _aws_ranges(path)]
    return Enrichment(
        tuple(_database(path) for path in files.get("geoip", ())),
        Networks(aws) if aws else None,
        Networks(networks) if networks else None,
        accounts or None,
    )


def _place(record: Any) -> dict[str, str]:
    """A record of the City, Country or ASN database; other kinds have the same keys for the same things."""
    if not isinstance(record, dict):
        return {}
    number = record.get("autonomous_system_number")
    found = {
        "country": _inside(record, "country", "iso_code") or _inside(record, "registered_country", "iso_code"),
        "city": _inside(record, "city", "names", "en"),
        "asn": f"AS{number}" if isinstance(number, int) else None,
        "as_name": _inside(record, "autonomous_system_organization"),
    }
    return {name: value for name, value in found.items() if value}


def _inside(record: Any, *keys: str) -> str | None:
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return record if isinstance(record, str) else None


def _database(path: Path) -> Places:
    try:
        import maxminddb
    except ImportError as error:
        hint = "pip install 'trailql[geoip]'"
        raise UsageError("reading it needs the package maxminddb", at=str(path), hint=hint) from error
    try:
        return maxminddb.open_database(str(path))
    except OSError as error:
        raise _unreadable(path, error) from error
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        raise UsageError(f"no MaxMind-format database: {error}", at=str(path)) from error


def _accounts(path: Path) -> Iterator[tuple[str, str]]:
    text = _text(path)
    if text.lstrip().startswith(("{", "[")):
        listed = _json(path, text)
        rows = listed.get("Accounts") if isinstance(listed, dict) else listed
        if not isinstance(rows, list):
            raise UsageError("has no list Accounts", at=str(path), hint="aws organizations list-accounts --output json")
        for number, each in enumerate(rows, 1):
            if not isinstance(each, dict) or not all(isinstance(each.get(key), str) for key in ("Id", "Name")):
                raise UsageError(f"account {number} has no Id or no Name", at=str(path))
            yield each["Id"], each["Name"]
        return
    for line, (id, name) in _pairs(path, text, "account,name"):
        if not (id.isascii() and id.isdigit() and len(id) == 12):
            raise UsageError(f"{id!r} is no account of 12 digits", at=f"{path}:{line}", hint="111122223333,production")
        yield id, name


def _networks(path: Path) -> Iterator[tuple[_Network, tuple[str, ...]]]:
    for line, (network, name) in _pairs(path, _text(path), "network,name"):
        try:
            yield ipaddress.ip_network(network), (name,)
        except ValueError as error:
            raise UsageError(str(error), at=f"{path}:{line}", hint="198.51.100.0/24,office") from error


def _aws_ranges(path: Path) -> Iterator[tuple[_Network, tuple[str, ...]]]:
    document = _json(path, _text(path))
    rows = (
        [] if not isinstance(document, dict) else [*_listed(document, "prefixes"), *_listed(document, "ipv6_prefixes")]
    )
    if not rows:
        raise UsageError("has no prefixes", at=str(path), hint="it should be AWS's ip-ranges.json")
    # Every range also stands there as AMAZON; the service that has it is the telling name.
    for row in sorted(rows, key=lambda row: row.get("service") != "AMAZON"):
        try:
            network = ipaddress.ip_network(str(row.get("ip_prefix") or row.get("ipv6_prefix")))
        except ValueError as error:
            raise UsageError(str(error), at=str(path)) from error
        yield network, (str(row.get("service", "AMAZON")), str(row.get("region", "")))


def _listed(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _pairs(path: Path, text: str, form: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """Lines of two cells; a first line that is the head, empty lines and lines that begin with # are passed over."""
    for line, row in enumerate(csv.reader(text.splitlines()), 1):
        cells = [cell.strip() for cell in row]
        if not cells or cells == [""] or cells[0].startswith("#") or (line == 1 and cells == form.split(",")):
            continue
        if len(cells) != 2:
            raise UsageError(f"{len(cells)} cells where {form} is asked", at=f"{path}:{line}")
        yield line, (cells[0], cells[1])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise UsageError("is not UTF-8 text", at=str(path)) from error


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}", at=str(path)) from error


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot be read: {(error.strerror or str(error)).lower()}", at=str(path))

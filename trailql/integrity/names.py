"""
What the key of a digest file says: whose chain it belongs to, and when its hour ended.

    [prefix/]AWSLogs/[o-xxxxxxxxxx/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/
        ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHmmssZ[_backfill].json.gz

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from trailql.sources.keys import REGION, read_key

_NAME = re.compile(
    rf"^(?P<account>\d{{12}})_CloudTrail-Digest_(?P<region>{REGION})_(?P<trail>.+)_(?P<home>{REGION})_"
    r"(?P<end>\d{8}T\d{6}Z)(?P<backfill>_backfill)?\.json(?:\.gz)?$"
)
_LAYOUT = (
    re.compile(r"\d{2}"),
    re.compile(r"\d{2}"),
    re.compile(r"\d{4}"),
    re.compile(REGION),
    re.compile(r"CloudTrail(?:-[A-Za-z]+)?"),
    re.compile(r"\d{12}"),
    re.compile(r"o-[a-z0-9]{10,32}|AWSLogs"),
    re.compile(r"AWSLogs"),
)
"""Folders above a file name, from the lowest up."""
YEARS = range(2000, 3000)
"""Digests of other years are none of CloudTrail's, and an hour more or less would be no date any more."""
_AGAIN = re.compile(r"#\d+$")


@dataclass(frozen=True, slots=True, order=True)
class ChainName:
    """
    One chain of digest files: each trail has one for every account and Region, and a second one for backfill.

    Args:
        account: Whose events.
        region: Where they happened.
        trail: The trail's name.
        home_region: The trail's home Region.
        is_backfill: The chain of `_backfill` digests.
        organization: `o-…` for an organization's trail; empty where the path does not tell.
    """

    account: str
    region: str
    trail: str
    home_region: str
    is_backfill: bool = False
    organization: str = ""


@dataclass(frozen=True, slots=True)
class DigestName:
    """A digest file's chain, and the end of its hour as the name has it: `20261015T010000Z`."""

    chain: ChainName
    end_text: str

    @property
    def end(self) -> datetime:
        """The same as a time."""
        return datetime.strptime(self.end_text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def read_digest_name(path: str) -> DigestName | None:
    """What a path or key says of a digest file; None for any other file."""
    found = _NAME.match(path.rpartition("/")[2])
    if found is None:
        return None
    organization = read_key(path).organization or ""
    chain = ChainName(
        found["account"], found["region"], found["trail"], found["home"], bool(found["backfill"]), organization
    )
    name = DigestName(chain, found["end"])
    try:
        return name if name.end.year in YEARS else None
    except ValueError:  # the 31st of February
        return None


def path_of(uri: str) -> str:
    """A URI as a path: what stands before and in an archive in one line, without the number of a repeated member."""
    archive, bang, member = uri.partition("!/")
    return f"{archive}/{_AGAIN.sub('', member)}" if bang else uri


def plain_name(path: str) -> str:
    """A file's name, by which a copy is found: `gunzip` takes the ending away."""
    return path.rpartition("/")[2].removesuffix(".gz")


def common_folders(path: str, key: str) -> int:
    """How many folders above the file name a path has in common with a key, or with bucket/key."""
    count = 0
    for here, there in zip(reversed(path.split("/")[:-1]), reversed(key.split("/")[:-1]), strict=False):
        if here != there:
            break
        count += 1
    return count


def contradicts(path: str, key: str) -> bool:
    """
    Whether a copy lies at a path that is not its key's: in the folder of another day, Region, account or organization.

    A copy may have lost its upper folders, and may lie below any others; only folders of CloudTrail's layout count.
    """
    if plain_name(path) != plain_name(key):
        return True
    above = list(reversed(path.split("/")[:-1]))
    expected = list(reversed(key.split("/")[:-1]))
    for number, pattern in enumerate(_LAYOUT):
        if number >= len(above) or not pattern.fullmatch(above[number]):
            return False
        if number >= len(expected) or above[number] != expected[number]:
            return True
        if above[number] == "AWSLogs":
            return False
    return False

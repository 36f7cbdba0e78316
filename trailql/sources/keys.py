"""
Read what a key, path or file name says about a log file.

    [prefix/]AWSLogs/[o-xxxxxxxxxx/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/FILE.json.gz

Copies handed to an investigator often lost the upper folders, so the file name alone is read as well.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

REGION = r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}"
"""What a Region's name looks like, as a regular expression; a list would not know the next one."""

_FILE_NAME = re.compile(
    rf"^(?P<account>\d{{12}})_(?P<folder>CloudTrail(?:-[A-Za-z]+)?)_(?P<region>{REGION})_"
    r"(?P<minute>\d{8}T\d{4})Z_?[A-Za-z0-9]+\.json(?:\.gz)?$"
)
_DIGEST_NAME = re.compile(
    rf"^(?P<account>\d{{12}})_CloudTrail-Digest_(?P<region>{REGION})_.+_"
    r"(?P<minute>\d{8}T\d{4})\d{2}Z(?:_backfill)?\.json(?:\.gz)?$"
)
_FOLDERS = re.compile(
    r"(?:^|/)(?:(?P<organization>o-[a-z0-9]{10,32})/)?(?P<account>\d{12})/"
    rf"(?P<folder>CloudTrail(?:-[A-Za-z]+)?)/(?P<region>{REGION})/"
)

SIGNATURE_ENDINGS = (".json.gz.signature", ".json.signature", ".json.gz.metadata.json", ".json.metadata.json")
"""What follows the name of a digest whose signature was saved beside it (docs/integrity.md)."""

EVENT_FOLDERS = frozenset({"CloudTrail", "CloudTrail-NetworkActivity"})
"""Folders whose files hold event records; the others hold digests, Insights and aggregates."""
INSIGHT_FOLDER = "CloudTrail-Insight"
"""The folder of CloudTrail's own Insights records."""
READ_FOLDERS = EVENT_FOLDERS | {INSIGHT_FOLDER}
"""Folders whose files an ingest reads."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """
    What the name of a log file tells; every part may be unknown.

    Args:
        folder: `CloudTrail`, `CloudTrail-Digest`, `CloudTrail-Insight`, …
        account: 12 digits.
        region: Such as `eu-west-1`.
        delivered_at: The minute CloudTrail delivered it, UTC.
        organization: `o-…` for an organization trail.
    """

    folder: str | None = None
    account: str | None = None
    region: str | None = None
    delivered_at: datetime | None = None
    organization: str | None = None


def read_key(path: str) -> KeyFacts:
    """What a path or key says, from its folders and its file name; the file name wins for account and region."""
    folder, _, name = path.rpartition("/")
    folders = _folders(folder + "/")
    match = _DIGEST_NAME.match(name) or _FILE_NAME.match(name)
    if match is None:
        if saved := _saved_signature(name):
            return KeyFacts("CloudTrail-Digest", saved["account"], saved["region"])
        if folders is None:
            return KeyFacts()
        return KeyFacts(folders["folder"], folders["account"], folders["region"], None, folders["organization"])
    named = match.groupdict()
    return KeyFacts(
        folder=folders["folder"] if folders else named.get("folder", "CloudTrail-Digest"),
        account=named["account"],
        region=named["region"],
        delivered_at=_minute(named["minute"]),
        organization=folders["organization"] if folders else None,
    )


def skip_reason(facts: KeyFacts) -> str:
    """Why a file of that folder holds no event records; empty for one that does."""
    if facts.folder is None or facts.folder in READ_FOLDERS:
        return ""
    return f"in the {facts.folder} folder: no event records"


def _saved_signature(name: str) -> re.Match[str] | None:
    if not name.endswith(SIGNATURE_ENDINGS):
        return None
    return _DIGEST_NAME.match(name.removesuffix(".signature").removesuffix(".metadata.json"))


@lru_cache(maxsize=1024)
def _folders(path: str) -> re.Match[str] | None:
    return _FOLDERS.search(path)


@lru_cache(maxsize=1024)
def _minute(text: str) -> datetime | None:
    year, month, day, hour, minute = text[:4], text[4:6], text[6:8], text[9:11], text[11:13]
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)
    except ValueError:
        return None

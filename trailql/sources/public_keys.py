"""
CloudTrail's public keys, asked of AWS.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from trailql.sources.aws import Aws, in_words


def list_public_keys(aws: Aws, region: str, since: datetime | None, until: datetime | None) -> list[dict[str, Any]]:
    """
    The keys that signed a Region's digest files in a time, as the API describes them.

    Args:
        aws: The session.
        region: The Region of the digests.
        since, until: The time; without, what the API takes for recent.

    Raises:
        SourceError: They cannot be asked for.
    """
    asked: dict[str, Any] = {}
    if since:
        asked["StartTime"] = since
    if until:
        asked["EndTime"] = until
    client = aws.client("cloudtrail", region=region)
    found: list[dict[str, Any]] = []
    with in_words(f"the public keys of {region}"):
        while True:
            answer = client.list_public_keys(**asked)
            found += answer.get("PublicKeyList", ())
            if not answer.get("NextToken"):
                return found
            asked["NextToken"] = answer["NextToken"]

"""What keys and file names tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trailql.sources.keys import KeyFacts, read_key

MINUTE = datetime(2026, 10, 1, 12, 35, tzinfo=UTC)
NAME = "111122223333_CloudTrail_us-east-1_20261001T1235Z_aB3dE6gH9jK2mN5p.json.gz"
FOLDERS = "111122223333/CloudTrail/us-east-1/2026/10/01"
PLAIN = KeyFacts("CloudTrail", "111122223333", "us-east-1", MINUTE)
OF_ORGANIZATION = KeyFacts("CloudTrail", "111122223333", "us-east-1", MINUTE, "o-exampleorg1")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(f"AWSLogs/{FOLDERS}/{NAME}", PLAIN, id="account-trail"),
        pytest.param(f"AWSLogs/o-exampleorg1/{FOLDERS}/{NAME}", OF_ORGANIZATION, id="organization-trail"),
        pytest.param(f"some/prefix/AWSLogs/{FOLDERS}/{NAME}", PLAIN, id="prefix"),
        pytest.param(f"/evidence/case 7/{FOLDERS}/{NAME}", PLAIN, id="without-AWSLogs"),
        pytest.param(f"us-east-1/2026/10/01/{NAME}", PLAIN, id="lost-folders"),
        pytest.param(NAME, PLAIN, id="name-alone"),
        pytest.param(NAME.removesuffix(".gz"), PLAIN, id="gunzipped"),
        pytest.param(NAME.replace("Z_", "Z"), PLAIN, id="no-underscore-before-the-unique-part"),
        pytest.param(
            "AWSLogs/111122223333/CloudTrail/us-gov-west-1/2026/10/01/"
            "111122223333_CloudTrail_us-gov-west-1_20261001T1235Z_aB3dE6gH9jK2mN5p.json.gz",
            KeyFacts("CloudTrail", "111122223333", "us-gov-west-1", MINUTE),
            id="govcloud",
        ),
        pytest.param(
            "111122223333_CloudTrail-NetworkActivity_us-east-1_20261001T1235Z_aB3dE6gH9jK2mN5p.json.gz",
            KeyFacts("CloudTrail-NetworkActivity", "111122223333", "us-east-1", MINUTE),
            id="network-activity-by-name",
        ),
        pytest.param(
            "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/10/01/"
            "111122223333_CloudTrail-Insight_us-east-1_20261001T1235Z_aB3dE6gH9jK2mN5p.json.gz",
            KeyFacts("CloudTrail-Insight", "111122223333", "us-east-1", MINUTE),
            id="insight",
        ),
        pytest.param(
            "AWSLogs/111122223333/CloudTrail-Aggregated/us-east-1/2026/10/01/x.json.gz",
            KeyFacts("CloudTrail-Aggregated", "111122223333", "us-east-1"),
            id="folder-wins-where-the-name-says-nothing",
        ),
        pytest.param(
            f"AWSLogs/{FOLDERS}/renamed.json", KeyFacts("CloudTrail", "111122223333", "us-east-1"), id="renamed"
        ),
        pytest.param("events.json", KeyFacts(), id="unknown-name"),
        pytest.param("AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/10/01/x.log.gz", KeyFacts(), id="other"),
        pytest.param(
            NAME.replace("T1235", "T2575"), KeyFacts("CloudTrail", "111122223333", "us-east-1"), id="impossible-minute"
        ),
    ],
)
def test_key_tells_what_it_can(path: str, expected: KeyFacts) -> None:
    """Folders, account, region, minute and organization are read wherever the key or the name still has them."""
    assert expected == read_key(path)


@pytest.mark.parametrize("ending", ["Z.json.gz", "Z.json", "Z_backfill.json.gz"])
@pytest.mark.parametrize("trail", ["production-trail", "trail_with.dots_and-more", "t"])
def test_digest_names_are_read_from_the_right(trail: str, ending: str) -> None:
    """A digest is known by its name, whatever characters the trail's own name has in it."""
    name = f"444455556666_CloudTrail-Digest_eu-west-1_{trail}_us-east-1_20261015T003012{ending}"

    expected = KeyFacts("CloudTrail-Digest", "444455556666", "eu-west-1", datetime(2026, 10, 15, 0, 30, tzinfo=UTC))
    assert expected == read_key(name)

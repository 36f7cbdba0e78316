"""
Digest files, which prove what was delivered, and CloudTrail's own Insights about the attack.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sample_logs.attack import KEY_OWNER
from sample_logs.delivery import LogFile, event_time, folder_key, to_json, unique_name
from sample_logs.identities import CLI, guid, iso
from sample_logs.organization import PRODUCTION, TRAIL_BUCKET
from sample_logs.records import Record
from sample_logs.signing import key_pair

DIGEST_DAY = datetime(2026, 10, 15, tzinfo=UTC)
DIGEST_ACCOUNT, DIGEST_REGION = PRODUCTION, "us-east-1"
TRAIL_NAME, HOME_REGION = "organization-trail", "us-east-1"
FINGERPRINT = "5ca1ab1e00000000000000000decade0"
BASELINE_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class SignedDigest:
    """A digest file: its key, its JSON, and its signature, which S3 keeps in the object's metadata."""

    key: str
    body: bytes
    signature: str


def digests(files: list[LogFile]) -> list[SignedDigest]:
    """
    One digest an hour for one account and region during one day, each tied to the one before.
    """
    own = [file for file in files if (file.account, file.region) == (DIGEST_ACCOUNT, DIGEST_REGION)]
    chain: list[SignedDigest] = []
    for hour in range(24):
        start = DIGEST_DAY + timedelta(hours=hour)
        end = start + timedelta(hours=1)
        listed = sorted((file for file in own if start <= file.delivered < end), key=lambda file: file.key)
        key = _digest_key(end)
        previous = chain[-1] if chain else None
        body = to_json(_digest(start, end, key, listed, previous))
        text = string_to_sign(key, end, body, previous.signature if previous else None)
        chain.append(SignedDigest(key, body, key_pair().sign(text)))
    return chain


def public_keys() -> dict[str, Any]:
    """
    The key the digests are signed with, as `aws cloudtrail list-public-keys` prints it.
    """
    key = {
        "Value": key_pair().public,
        "ValidityStartTime": (DIGEST_DAY - timedelta(days=14)).isoformat(),
        "ValidityEndTime": (DIGEST_DAY + timedelta(days=16)).isoformat(),
        "Fingerprint": FINGERPRINT,
    }
    return {"PublicKeyList": [key]}


def metadata(digest: SignedDigest) -> dict[str, Any]:
    """
    What `aws s3api head-object` prints of a digest, as far as it matters.
    """
    told = {"signature": digest.signature, "signature-algorithm": "SHA256withRSA"}
    return {"ContentType": "application/json", "ContentEncoding": "gzip", "Metadata": told}


def string_to_sign(key: str, end: datetime, body: bytes, previous_signature: str | None) -> bytes:
    """
    The four lines a digest's signature is made over.
    """
    lines = (iso(end), f"{TRAIL_BUCKET}/{key}", hashlib.sha256(body).hexdigest(), previous_signature or "null")
    return "\n".join(lines).encode()


def _digest_key(end: datetime) -> str:
    folder = folder_key(DIGEST_ACCOUNT, "CloudTrail-Digest", DIGEST_REGION, end)
    name = f"{DIGEST_ACCOUNT}_CloudTrail-Digest_{DIGEST_REGION}_{TRAIL_NAME}_{HOME_REGION}_{end:%Y%m%dT%H%M%SZ}"
    return f"{folder}/{name}.json.gz"


def _digest(
    start: datetime, end: datetime, key: str, listed: list[LogFile], previous: SignedDigest | None
) -> dict[str, Any]:
    entries = [_entry(file) for file in listed]
    newest = [entry["newestEventTime"] for entry in entries if entry["newestEventTime"]]
    oldest = [entry["oldestEventTime"] for entry in entries if entry["oldestEventTime"]]
    return {
        "awsAccountId": DIGEST_ACCOUNT,
        "digestStartTime": iso(start),
        "digestEndTime": iso(end),
        "digestS3Bucket": TRAIL_BUCKET,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": FINGERPRINT,
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": max(newest) if newest else None,
        "oldestEventTime": min(oldest) if oldest else None,
        "previousDigestS3Bucket": TRAIL_BUCKET if previous else None,
        "previousDigestS3Object": previous.key if previous else None,
        "previousDigestHashValue": hashlib.sha256(previous.body).hexdigest() if previous else None,
        "previousDigestHashAlgorithm": "SHA-256" if previous else None,
        "previousDigestSignature": previous.signature if previous else None,
        "logFiles": entries,
    }


def _entry(file: LogFile) -> dict[str, Any]:
    times = [record["eventTime"] for record in file.records]
    return {
        "s3Bucket": TRAIL_BUCKET,
        "s3Object": file.key,
        "hashValue": hashlib.sha256(file.body).hexdigest(),
        "hashAlgorithm": "SHA-256",
        "newestEventTime": max(times) if times else None,
        "oldestEventTime": min(times) if times else None,
    }


def insights(sharing: list[Record], rng: Random) -> dict[str, bytes]:
    """
    CloudTrail's Insights about the shared snapshots, one file for the Start and one for the End: key to JSON.

    Args:
        sharing: The attack's ModifySnapshotAttribute events.
    """
    times = sorted(event_time(record) for record in sharing)
    start = times[0].replace(second=0)
    end = times[-1].replace(second=0) + timedelta(minutes=1)
    minutes = int((end - start).total_seconds()) // 60
    first_minute = sum(time < start + timedelta(minutes=1) for time in times)
    shared = guid(rng)
    made: dict[str, bytes] = {}
    for state, time, average, duration in (
        ("Start", start, float(first_minute), 1),
        ("End", end, round(len(times) / minutes, 4), minutes),
    ):
        record = {
            "eventVersion": "1.09",
            "eventTime": iso(time),
            "awsRegion": DIGEST_REGION,
            "eventID": guid(rng),
            "eventType": "AwsCloudTrailInsight",
            "recipientAccountId": DIGEST_ACCOUNT,
            "sharedEventID": shared,
            "insightDetails": _insight_details(state, average, duration),
            "eventCategory": "Insight",
        }
        delivered = time + timedelta(minutes=9)
        folder = folder_key(DIGEST_ACCOUNT, "CloudTrail-Insight", DIGEST_REGION, delivered)
        name = f"{DIGEST_ACCOUNT}_CloudTrail-Insight_{DIGEST_REGION}_{delivered:%Y%m%dT%H%MZ}_{unique_name(rng)}"
        made[f"{folder}/{name}.json.gz"] = to_json({"Records": [record]})
    return made


def _insight_details(state: str, average: float, duration: int) -> dict[str, Any]:
    """
    What was unusual. The baseline is one call in seven days: operations shared one snapshot on the Monday before.
    """
    usual = round(1 / BASELINE_MINUTES, 10)

    def attribution(attribute: str, now: str, before: str) -> dict[str, Any]:
        return {
            "attribute": attribute,
            "insight": [{"value": now, "average": average}],
            "baseline": [{"value": before, "average": usual}],
        }

    attacker = f"arn:aws:iam::{PRODUCTION}:user/{KEY_OWNER}"
    operations = f"arn:aws:sts::{PRODUCTION}:assumed-role/ops-lead"
    return {
        "state": state,
        "eventSource": "ec2.amazonaws.com",
        "eventName": "ModifySnapshotAttribute",
        "insightType": "ApiCallRateInsight",
        "insightContext": {
            "statistics": {
                "baseline": {"average": usual},
                "insight": {"average": average},
                "insightDuration": duration,
                "baselineDuration": BASELINE_MINUTES,
            },
            "attributions": [
                attribution("userIdentityArn", attacker, operations),
                attribution("userAgent", CLI, CLI),
                attribution("errorCode", "null", "null"),
            ],
        },
    }

"""
Digest files, which prove what was delivered, and CloudTrail's own Insights about the attack.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sample_logs.attack import KEY_OWNER
from sample_logs.delivery import LogFile, event_time, folder_key, to_json, unique_name
from sample_logs.identities import CLI, guid, iso
from sample_logs.organization import PRODUCTION, TRAIL_BUCKET
from sample_logs.records import Record

DIGEST_DAY = datetime(2026, 10, 15, tzinfo=UTC)
DIGEST_ACCOUNT, DIGEST_REGION = PRODUCTION, "us-east-1"
TRAIL_NAME, HOME_REGION = "organization-trail", "us-east-1"
FINGERPRINT = "5ca1ab1e00000000000000000decade0"
BASELINE_MINUTES = 7 * 24 * 60


def digests(files: list[LogFile]) -> dict[str, bytes]:
    """
    One digest an hour for one account and region during one day: key to JSON, each tied to the one before.
    """
    own = [file for file in files if (file.account, file.region) == (DIGEST_ACCOUNT, DIGEST_REGION)]
    chain: dict[str, bytes] = {}
    previous: tuple[str, bytes, str] | None = None
    for hour in range(24):
        start = DIGEST_DAY + timedelta(hours=hour)
        end = start + timedelta(hours=1)
        listed = sorted((file for file in own if start <= file.delivered < end), key=lambda file: file.key)
        key = _digest_key(end)
        body = to_json(_digest(start, end, key, listed, previous))
        signature = sign(string_to_sign(key, end, body, previous[2] if previous else None))
        chain[key] = body
        previous = (key, body, signature)
    return chain


def string_to_sign(key: str, end: datetime, body: bytes, previous_signature: str | None) -> bytes:
    """
    The four lines a digest's signature is made over.
    """
    lines = (iso(end), f"{TRAIL_BUCKET}/{key}", hashlib.sha256(body).hexdigest(), previous_signature or "null")
    return "\n".join(lines).encode()


def sign(text: bytes) -> str:
    """
    A signature's place: 256 bytes in hex that look like one and verify against no key.

    A real RSA signature (PKCS #1 v1.5, SHA-256) is to be made here once the sample has a key pair of its own; the
    newest digest's signature then needs a file beside it, as S3 keeps it in the object's metadata.
    """
    return hashlib.shake_256(text).hexdigest(256)


def _digest_key(end: datetime) -> str:
    folder = folder_key(DIGEST_ACCOUNT, "CloudTrail-Digest", DIGEST_REGION, end)
    name = f"{DIGEST_ACCOUNT}_CloudTrail-Digest_{DIGEST_REGION}_{TRAIL_NAME}_{HOME_REGION}_{end:%Y%m%dT%H%M%SZ}"
    return f"{folder}/{name}.json.gz"


def _digest(
    start: datetime, end: datetime, key: str, listed: list[LogFile], previous: tuple[str, bytes, str] | None
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
        "previousDigestS3Object": previous[0] if previous else None,
        "previousDigestHashValue": hashlib.sha256(previous[1]).hexdigest() if previous else None,
        "previousDigestHashAlgorithm": "SHA-256" if previous else None,
        "previousDigestSignature": previous[2] if previous else None,
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

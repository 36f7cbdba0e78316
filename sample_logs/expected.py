"""
The answers: what a correct reader finds in the sample, counted from the records as they were made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sample_logs.attack import FOREIGN_ACCOUNT, KEY_OWNER, NEW_KEY, TRAIL, Step
from sample_logs.delivery import LogFile
from sample_logs.organization import DEVELOPMENT, MANAGEMENT, ORGANIZATION, PRODUCTION, REGIONS
from sample_logs.records import Record

_LISTED_WHEN_AT_MOST = 20


def records_section(
    files: list[LogFile], repeated_files: dict[str, str], repeated_records: dict[str, str]
) -> dict[str, Any]:
    """
    How many records there are to read, and how many events they are.
    """
    read = [record["eventID"] for file in files for record in file.records]
    copies = sum(len(file.records) for file in files if file.key in set(repeated_files.values()))
    distinct = len(set(read))
    if len(read) - distinct != copies + len(repeated_records):
        raise AssertionError("the duplicates do not add up")
    return {
        "read": len(read),
        "distinct_events": distinct,
        "duplicates": len(read) - distinct,
        "duplicates_in_files_delivered_twice": copies,
        "duplicates_in_other_files": len(repeated_records),
    }


def distinct(files: list[LogFile]) -> list[Record]:
    """
    Every event once, by time and eventID.
    """
    by_id = {record["eventID"]: record for file in files for record in file.records}
    return sorted(by_id.values(), key=lambda record: (record["eventTime"], record["eventID"]))


def counts_section(events: list[Record]) -> dict[str, Any]:
    """
    The same events, by what one groups by first.
    """
    return {
        "first_event_time": events[0]["eventTime"],
        "last_event_time": events[-1]["eventTime"],
        "by_account_and_region": _counted(f"{e['recipientAccountId']} {e['awsRegion']}" for e in events),
        "by_category": _counted(e["eventCategory"] for e in events),
        "by_error_code": _counted(e["errorCode"] for e in events if "errorCode" in e),
        "by_event_name": _counted(e["eventName"] for e in events),
        "by_identity_type": _counted(e["userIdentity"]["type"] for e in events),
        "by_root": sum(e["userIdentity"]["type"] == "Root" for e in events),
    }


def sign_ins_section(events: list[Record]) -> dict[str, Any]:
    """
    All console sign-ins, and who failed from where.
    """
    sign_ins = [e for e in events if e["eventName"] == "ConsoleLogin"]
    failures = [e for e in sign_ins if e["responseElements"]["ConsoleLogin"] == "Failure"]
    good = [e for e in sign_ins if e["responseElements"]["ConsoleLogin"] == "Success"]
    return {
        "successes": len(good),
        "successes_without_mfa": sum(e["additionalEventData"]["MFAUsed"] == "No" for e in good),
        "failures": len(failures),
        "failures_by_message": _counted(e["errorMessage"] for e in failures),
        "failures_by_user_and_ip": _counted(
            f"{e['userIdentity']['userName']} {e['sourceIPAddress']}" for e in failures
        ),
    }


def steps_section(steps: list[Step]) -> dict[str, Any]:
    """
    Each step: who, from where, when, how often, and which events.
    """
    return {step.name: _step(step) for step in steps}


def attack_section(steps: list[Step]) -> dict[str, Any]:
    """
    The attack's steps, with what each is known by.
    """
    section = steps_section(steps)
    section["foothold"]["new_access_key_id"] = NEW_KEY
    section["foothold"]["new_access_key_owner"] = KEY_OWNER
    section["stop_logging"]["trail"] = TRAIL
    section["snapshot_sharing"]["shared_with"] = FOREIGN_ACCOUNT
    for step in steps:
        if step.name == "termination":
            ended = [_size(record) for record in step.records if "errorCode" not in record]
            kept = [_size(record) for record in step.records if "errorCode" in record]
            section["termination"] |= {
                "calls_that_terminated": len(ended),
                "calls_refused": len(kept),
                "instances_terminated": sum(ended),
                "instances_kept_by_termination_protection": sum(kept),
            }
    return section


def rhythms_section(events: list[Record]) -> dict[str, Any]:
    """
    The ordinary work that must stay quiet.
    """
    backup = [e for e in events if _role(e) == "nightly-backup"]
    nights = Counter(e["eventTime"][:10] for e in backup if e["eventName"] == "CreateSnapshot")
    deployments = [e for e in events if _role(e) == "deploy-pipeline"]
    ended = [e for e in deployments if e["eventName"] == "TerminateInstances"]
    scaling = [e for e in events if _role(e) == "AWSServiceRoleForAutoScaling"]
    office = [e for e in events if e["sourceIPAddress"].startswith("192.0.2.")]
    return {
        "nightly_backup": {
            "account_and_region": f"{PRODUCTION} us-east-1",
            "window_utc": "02:15-02:25, every night",
            "nights": len(nights),
            "create_snapshot_per_night": [min(nights.values()), max(nights.values())],
            "by_event_name": _counted(e["eventName"] for e in backup),
        },
        "deployments": {
            "days": sorted({e["eventTime"][:10] for e in deployments}),
            "window_utc": "13:10-13:16 development, 14:01-14:35 production; Tuesdays and Thursdays",
            "latest_time_of_day": max(e["eventTime"][11:] for e in deployments),
            "deployments": len({(e["eventTime"][:10], e["recipientAccountId"], e["awsRegion"]) for e in deployments}),
            "terminate_calls": len(ended),
            "instances_terminated": sum(_size(e) for e in ended),
            "most_instances_in_one_call": max(_size(e) for e in ended),
        },
        "autoscaling": {
            "by_event_name": _counted(e["eventName"] for e in scaling),
            "most_instances_in_one_call": 1,
        },
        "office": {
            "addresses": "192.0.2.0/24",
            "events": len(office),
            "denied_calls": sum("errorCode" in e for e in office),
            "wrong_passwords": sum(e.get("errorMessage") == "Failed authentication" for e in office),
            "weekend_events": sum(_is_weekend(e) for e in office),
        },
        "snapshot_sharing_with_development": sum(
            e["eventName"] == "ModifySnapshotAttribute" and _role(e) == "ops-lead" for e in events
        ),
    }


def organization_section() -> dict[str, Any]:
    """
    The names to begin with.
    """
    return {
        "id": ORGANIZATION,
        "accounts": {MANAGEMENT: "management", PRODUCTION: "production", DEVELOPMENT: "development"},
        "regions": list(REGIONS),
    }


def _step(step: Step) -> dict[str, Any]:
    records = step.records
    section: dict[str, Any] = {
        "story": step.story,
        "users": sorted({_user(record) for record in records}),
        "source_ips": sorted({record["sourceIPAddress"] for record in records}),
        "regions": sorted({record["awsRegion"] for record in records}),
        "first_event_time": min(record["eventTime"] for record in records),
        "last_event_time": max(record["eventTime"] for record in records),
        "events": len(records),
        "errors": sum("errorCode" in record for record in records),
        "by_event_name": _counted(record["eventName"] for record in records),
        "first_event_id": records[0]["eventID"],
        "last_event_id": records[-1]["eventID"],
    }
    if len(records) <= _LISTED_WHEN_AT_MOST:
        section["event_ids"] = [record["eventID"] for record in records]
    if len(section["by_event_name"]) > _LISTED_WHEN_AT_MOST:
        section["by_event_name"] = len(section["by_event_name"])
    keys = sorted({record["userIdentity"].get("accessKeyId", "") for record in records} - {""})
    if keys:
        section["access_key_ids"] = keys
    return section


def _user(record: Record) -> str:
    identity = record["userIdentity"]
    return str(identity.get("userName") or _role(record) or identity.get("principalId"))


def _role(record: Record) -> str:
    issuer = record["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {})
    return str(issuer.get("userName", ""))


def _size(record: Record) -> int:
    return len(record["requestParameters"]["instancesSet"]["items"])


def _is_weekend(record: Record) -> bool:
    day = int(record["eventTime"][8:10]) + (0 if record["eventTime"][5:7] == "09" else 30)
    return (day - 14) % 7 >= 5  # 14 September 2026 is a Monday


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))

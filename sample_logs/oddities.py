"""
What real buckets also hold: files delivered twice, repeated records, empty, broken and foreign files, and fields
that did not exist when the reader was written. All of it lies in the last two weeks of the sample.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from sample_logs.attack import EVENING_ADDRESS, NIGHT_ADDRESS
from sample_logs.delivery import LogFile, compress, unique_name
from sample_logs.organization import DEVELOPMENT, MANAGEMENT, PRODUCTION
from sample_logs.records import Record

SINCE, UNTIL = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 18, tzinfo=UTC)
FILES_TWICE, RECORDS_TWICE = 12, 40
UNKNOWN_FIELD = {"newFieldOf2027": {"a": 1}}

_ERROR_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><title>503 Service Unavailable</title></head>
<body>
<h1>Service Unavailable</h1>
<p>The proxy could not reach the storage service. Please try again in a few minutes.</p>
<hr><address>proxy.example.com</address>
</body>
</html>
"""


def add_unknown_fields(files: list[LogFile]) -> list[str]:
    """
    Give two sign-ins and three API calls a field of a later event version.

    Returns:
        The eventIDs of the five events.
    """
    late = [record for file in files if file.delivered >= SINCE for record in file.records]
    plain = [record for record in late if record["sourceIPAddress"].startswith(("192.0.2.", "198.51.100."))]
    sign_ins = [record for record in plain if record["eventName"] == "ConsoleLogin"]
    others = [record for record in plain if record["eventName"] == "DescribeInstances"]
    chosen = sign_ins[4:6] + others[10:13]
    for record in chosen:
        record["eventVersion"] = "1.12"
        record.update(UNKNOWN_FIELD)
    return sorted(record["eventID"] for record in chosen)


def repeat_files(files: list[LogFile], rng: Random) -> dict[str, str]:
    """
    Deliver twelve files a second time, some minutes later and under another name.

    Returns:
        The second key of each, by the first.
    """
    late = [file for file in files if SINCE <= file.delivered < UNTIL]
    of_attack = [
        next(file for file in late if _has(file, "ConsoleLogin", NIGHT_ADDRESS)),
        next(file for file in late if file.region == "eu-west-1" and _has(file, "TerminateInstances", EVENING_ADDRESS)),
    ]
    ordinary = [file for file in late if file not in of_attack and len(file.records) > 5]
    step = len(ordinary) // (FILES_TWICE - 2)
    chosen = of_attack + [ordinary[number * step] for number in range(FILES_TWICE - 2)]
    second = {}
    for file in chosen:
        later = file.delivered + timedelta(minutes=1 + rng.randrange(4))
        copy = LogFile(file.account, file.region, later, unique_name(rng), list(file.records))
        files.append(copy)
        second[file.key] = copy.key
    return second


def repeat_records(files: list[LogFile], untouched: set[str], rng: Random) -> dict[str, str]:
    """
    Put forty records a second time into the place's next file.

    Args:
        untouched: Keys of files that take no part, so that every copy is counted once.

    Returns:
        The key of the file that holds the second copy, by eventID.
    """
    late = [file for file in files if SINCE <= file.delivered < UNTIL and file.key not in untouched and file.records]
    pairs = [
        (first, then)
        for first, then in pairwise(late)
        if (first.account, first.region) == (then.account, then.region) and len(first.records) > 3
    ]
    copies: dict[str, str] = {}
    step = len(pairs) // RECORDS_TWICE
    originals = [
        (rng.choice(pairs[number * step][0].records), pairs[number * step][1]) for number in range(RECORDS_TWICE)
    ]
    for record, then in originals:
        then.records.insert(rng.randrange(len(then.records) + 1), record)
        copies[record["eventID"]] = then.key
    return copies


def add_empty_files(files: list[LogFile], rng: Random) -> list[str]:
    """
    Three files that hold no event.
    """
    places = (
        (PRODUCTION, "us-east-1", 15, 5),
        (DEVELOPMENT, "us-west-2", 9, 14),
        (MANAGEMENT, "ap-southeast-2", 12, 8),
    )
    empty = [
        LogFile(account, region, datetime(2026, 10, day, hour, 40, tzinfo=UTC), unique_name(rng), [])
        for account, region, day, hour in places
    ]
    files.extend(empty)
    return sorted(file.key for file in empty)


def truncated_file(files: list[LogFile], rng: Random) -> tuple[str, bytes]:
    """
    A second delivery that broke off: key and stored bytes. Its events are all in the first delivery, too.
    """
    file = next(
        file
        for file in files
        if (file.account, file.region) == (PRODUCTION, "eu-west-1")
        and file.delivered.day == 13
        and len(file.records) > 20
    )
    copy = LogFile(file.account, file.region, file.delivered + timedelta(minutes=2), unique_name(rng), file.records)
    stored = compress(copy.body)
    return copy.key, stored[: len(stored) * 6 // 10]


def error_page(rng: Random) -> tuple[str, bytes]:
    """
    A file that a download tool saved under a log file's name: key and stored bytes.
    """
    delivered = datetime(2026, 10, 8, 11, 25, tzinfo=UTC)
    return LogFile(DEVELOPMENT, "us-east-1", delivered, unique_name(rng), []).key, compress(_ERROR_PAGE.encode())


def _has(file: LogFile, name: str, ip: str) -> bool:
    return any(_is(record, name, ip) for record in file.records)


def _is(record: Record, name: str, ip: str) -> bool:
    return bool(record["eventName"] == name and record["sourceIPAddress"] == ip)

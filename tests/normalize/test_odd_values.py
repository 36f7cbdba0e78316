"""Values no reader expects: each record is in the lake unchanged, or set aside as text, or its file is named."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.compared import is_same_record, parsed
from tests.conftest import Ingest, Rows
from tests.made import Record, record, spelled, text, trail, without, write_file
from trailql.normalize.careful import NotAnEvent, rebuild, separate

PLAIN = record(1)
NUMBERS = (
    "0 -0 -0.0 0.0 1.0 1e5 1E+5 1e-5 1E400 -1e400 1e-400 5e-324 0.1000000000000000055 123456789.123456789123456789 "
    "9007199254740993 18446744073709551615 18446744073709551616 100000000000000000000 1.7976931348623157e309"
).split()
TEXTS = {
    "nul": r'"a\u0000b"',
    "quotes": r'"\"\\\/"',
    "escapes": r'"\b\f\n\r\t"',
    "needless-escape": r'"\u0041"',
    "astral-escaped": r'"\ud83d\ude00"',
    "astral": '"😀"',
    "line-separators": '"\u2028\u2029\u0085\ufeff"',
    "lone-high-surrogate": r'"\ud800"',
    "lone-low-surrogate": r'"\udfff!"',
    "surrogates-turned-round": r'"\ude00\ud83d"',
    "empty": '""',
    "delete": '"\x7f"',
    "noncharacter": '"\uffff"',
    "one-megabyte": '"' + "é" * 524_288 + '"',
}
VALUES = (
    {f"number-{number}": number for number in NUMBERS}
    | {f"text-{name}": written for name, written in TEXTS.items()}
    | {"true": "true", "null": "null", "empty-object": "{}", "empty-array": "[]", "array": '[1,"a",null,{}]'}
    | {"equal-keys": '{"a":1,"a":2}', "nested-nulls": '{"a":null,"b":{"c":null}}', "empty-key": '{"":1}'}
    | {"odd-keys": r'{"a\"b":1,"\u0000":2,"\\":3,"é":4,"a\nb":5}', "surrogate-keys": r'{"\ud800":1,"\ud801":2}'}
    | {"surrogate-and-its-double": r'{"?":1,"\ud800":2}', "nested-400": "[" * 400 + "]" * 400}
)
PLACES = (
    "eventVersion userIdentity eventTime userAgent requestParameters eventID readOnly resources tlsDetails newField"
).split()
IDENTITY = {"type": "IAMUser", "accountId": "111122223333", "newField": 1}

CASES = {f"{place}={name}": spelled(PLAIN, **{place: value}) for place in PLACES for name, value in VALUES.items()}
CASES |= {
    f"userIdentity.{place}={name}": spelled(PLAIN, userIdentity=spelled(IDENTITY, **{place: value}))
    for place in ("type", "sessionContext", "newField")
    for name, value in VALUES.items()
}
TIMES = (
    "2026-10-01T12:30:00.123456Z 2026-10-01T12:30:00.123456789Z 2026-10-01T12:30:00+02:00 2026-10-01T12:30:00 "
    "2026-10-01 20261001T123000Z 2026-12-31T23:59:60Z 2026-12-31T24:00:00Z 0000-01-01T00:00:00Z 0001-01-01T00:00:00Z "
    "0001-01-01T00:00:00+14:00 0999-06-01T00:00:00Z 1677-01-01T00:00:00Z 1969-12-31T23:59:59Z 2300-01-01T00:00:00Z "
    "9999-12-31T23:59:59Z 10000-01-01T00:00:00Z 290000-01-01T00:00:00Z -0005-01-01T00:00:00Z infinity epoch now"
).split()
CASES |= {f"eventTime={time}": spelled(PLAIN, eventTime=f'"{time}"') for time in TIMES}
CASES |= {
    f"eventTime={time}": spelled(PLAIN, eventTime=time) for time in ("1790000000", "1790000000123", "1.79e9", "-1")
}
CASES |= {
    "no-eventTime": text(without(PLAIN, "eventTime")),
    "no-eventTime-but-one-further-in": spelled(PLAIN, eventTime="null", requestParameters='{"eventTime":1}'),
    "number-of-400-digits-as-eventTime": spelled(PLAIN, eventTime="9" * 400),
    "number-of-5000-digits-as-eventTime": spelled(PLAIN, eventTime="9" * 5000),
    "own-key": spelled(PLAIN, **{"$record": '"{}"'}),
    "own-columns": spelled(PLAIN, extra="1", log_file='"x"', event_date='"2020-01-01"', is_whole="true", file_no="7"),
    "keys-turned-round": text(dict(reversed(PLAIN.items()))),
    "white-space": spelled(PLAIN, requestParameters='{ "a" :\t[ 1 , 2 ] }'),
    "equal-keys-at-the-top": spelled(PLAIN)[:-1] + ',"eventName":"Other"}',
    "equal-keys-by-escape": spelled(PLAIN)[:-1] + r',"event\u004eame":"Other"}',
    "key-escaped": spelled(without(PLAIN, "eventName"))[:-1] + r',"event\u004eame":"Other"}',
    "key-in-other-case": spelled(PLAIN)[:-1] + ',"EventName":"Other","eventid":"x"}',
    "surrogate-keys-at-the-top": spelled(PLAIN)[:-1] + r',"\ud800":1,"\ud801":2}',
    **{f"not-an-object-{value[:4]}": value for value in ('"text"', "5", "null", "true", "[]", "[1,2]", "{}")},
}
CASES = {  # each an event of its own
    case: written.replace(PLAIN["eventID"], f"{number:036d}").replace(PLAIN["requestID"], f"request-{number}")
    for number, (case, written) in enumerate(CASES.items())
}


BEYOND_PYTHON = re.compile("eventTime=(0000|-|[0-9]{5,}-)")


def group_of(case: str) -> str:
    """Cases of one place are tried together; years that Python's dates do not reach one by one."""
    if BEYOND_PYTHON.match(case):
        return case
    return case.split("=", maxsplit=1)[0] if "=" in case else "others"


@pytest.mark.parametrize("group", sorted(set(map(group_of, CASES))))
def test_no_odd_value_is_lost(logs: Path, ingest: Ingest, rows: Rows, group: str) -> None:
    """A file for each odd record: every one is rebuilt equal from its row, set aside as text, or its file is named."""
    names = {str(write_odd(logs, case, CASES[case])): case for case in CASES if group == group_of(case)}

    summary = ingest()

    found = {row["log_file"]: row for row in rows() if row["eventName"] != "ListBuckets"}
    aside = {row["log_file"]: row["record"] for row in rows("set_aside")}
    named = dict(summary.problems)
    wrong = {
        case: what_is_wrong(CASES[case], found.get(path), aside.get(path), path in named)
        for path, case in names.items()
    }
    assert {} == {case: wrong[case] for case in wrong if wrong[case]}


def write_odd(logs: Path, name: str, written: str) -> Path:
    """A trail file with the odd record behind a good one."""
    good = record(2, name="s3:ListBuckets")
    return write_file(logs, f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json", trail(good, written))


def what_is_wrong(written: str, row: dict[str, Any] | None, aside: str | None, is_named: bool) -> str:
    """Empty when the record is in exactly one place, and unchanged there."""
    places = (row is not None) + (aside is not None) + is_named
    if places != 1:
        return f"in {places} places"
    if row is not None and not is_same_record(parsed(written), rebuild(row)):
        return "rebuilt otherwise"
    if row is not None and row["eventTime"] is None:
        return "an event without a time"
    return "" if aside in (None, written) else "set aside otherwise"


@pytest.mark.parametrize("case", CASES)
def test_odd_record_is_separated_or_no_event(case: str) -> None:
    """Nothing in a record makes the careful way raise anything but NotAnEvent."""
    try:
        clean, _ = separate(CASES[case].encode())
    except NotAnEvent:
        return
    assert "eventTime" in parsed(clean)


def test_number_too_long_for_python(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Two versions of an event that differ in the last of 5,000 digits are both kept, or their file is named."""
    versions = [spelled(PLAIN, requestParameters=f'{{"n":{"9" * 5000}{last}}}') for last in "12"]
    write_file(logs, "a.json", trail(*versions))

    summary = ingest()

    assert len(rows()) + 2 * summary.rejected == 2


@pytest.mark.parametrize("place", ["userAgent", "key", "eventTime"])
@pytest.mark.parametrize("wrapper", ["Events", "Records"])
def test_surrogates_that_the_container_spells_out(
    logs: Path, ingest: Ingest, rows: Rows, wrapper: str, place: str
) -> None:
    """A lone surrogate escaped once, by the container, is no UTF-8 once unwrapped: still kept, set aside or named."""
    odd: Record = {"x\ud800y": 1} if place == "key" else {place: "x\ud800y"}
    inner = text(dict(PLAIN, **odd))
    body = text({wrapper: [{"CloudTrailEvent": inner}, {"CloudTrailEvent": text(record(2))}]})
    write_file(logs, "a.json", body.encode("ascii", "backslashreplace"))
    write_file(logs, "b.json", trail(record(3)))

    summary = ingest()

    kept = [row for row in rows() if is_same_record(dict(PLAIN, **odd), rebuild(row))]
    assert 1 == len(kept) + len(rows("set_aside")) + summary.rejected
    assert all(is_same_record(dict(PLAIN, **odd), parsed(row["record"])) for row in rows("set_aside"))

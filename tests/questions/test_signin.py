"""Questions about sign-ins to the console."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.made import Record
from tests.questions.asked import Row, ask, columns, grouped, made
from tests.questions.conftest import MadeLake


def _sign_ins(records: list[Record], outcome: str) -> list[Record]:
    return [
        each
        for each in records
        if each["eventName"] == "ConsoleLogin" and each["responseElements"]["ConsoleLogin"] == outcome
    ]


def _user(each: Record) -> str:
    return str(each["userIdentity"]["userName"])


def test_failed_console_logins(sample: Path, records: list[Record]) -> None:
    """
    Failures per user and address.
    """
    failures = Counter((_user(each), each["sourceIPAddress"]) for each in _sign_ins(records, "Failure"))

    rows = ask(sample, "failed_console_logins")

    assert failures == {(row["user_name"], row["sourceIPAddress"]): row["failures"] for row in rows}


def test_console_logins(sample: Path, records: list[Record]) -> None:
    """
    Successes and failures per user, address and second factor.
    """

    def count(outcome: str) -> Counter[tuple[str, str, str]]:
        return Counter(
            (_user(each), each["sourceIPAddress"], each["additionalEventData"]["MFAUsed"])
            for each in _sign_ins(records, outcome)
        )

    def key(row: Row) -> tuple[str, str, str]:
        return row["user_name"], row["sourceIPAddress"], row["mfa"]

    rows = ask(sample, "console_logins")

    assert count("Success") == Counter({key(row): row["successes"] for row in rows if row["successes"]})
    assert count("Failure") == Counter({key(row): row["failures"] for row in rows if row["failures"]})
    assert [("203.0.113.66", "No", 1)] == [
        found
        for found in columns(ask(sample, "console_logins", user="web-dev"), "sourceIPAddress", "mfa", "successes")
        if found[2]
    ]


def test_failed_logins_by_address(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Failures, users and successes of every address that failed; an address that never failed is not there.
    """
    failures = grouped(_sign_ins(records, "Failure"), lambda each: each["sourceIPAddress"])
    successes = Counter(each["sourceIPAddress"] for each in _sign_ins(records, "Success"))

    rows = ask(sample, "failed_logins_by_address")

    assert {
        address: (len(held), successes[address], len(set(map(_user, held)))) for address, held in failures.items()
    } == {row["sourceIPAddress"]: (row["failures"], row["successes"], row["users"]) for row in rows}

    lake = made_lake(made(1, "signin:ConsoleLogin", response={"ConsoleLogin": "Success"}))
    assert [] == ask(lake, "failed_logins_by_address")

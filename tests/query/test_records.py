"""Records as texts: which conditions are let through, in which order they come, and where they are filed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.made import ACCOUNT, OTHER_ACCOUNT, OTHER_REGION, TIME, Record, record, text, trail, without, write_file
from trailql.errors import QueryError, TrailqlError, UsageError
from trailql.ingest import ingest_logs
from trailql.query.engine import OpenLake, open_lake
from trailql.query.records import check_condition, record_texts

FIVE = [record(number, userAgent=f"agent-{number} -- ) ;") for number in range(5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of five events."""
    target = tmp_path_factory.mktemp("records")
    ingest_logs([str(write_file(target, "logs.json", trail(*FIVE)))], target / "lake")
    return target / "lake"


@pytest.fixture
def opened(folder: Path) -> Iterator[OpenLake]:
    with open_lake(folder) as lake:
        yield lake


def chosen(lake: OpenLake, condition: str | None, scratch: Path) -> list[Record]:
    """The records a condition chooses."""
    found = record_texts(lake, condition, by_place=False, scratch=scratch)
    return [json.loads(one) for each in found for one in each.rows["text"].to_pylist()]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", 5),
        ("false", 0),
        ("NULL", 0),
        ("userAgent LIKE '%-- ) ;'", 5),
        ("userAgent = 'agent-3 -- ) ;' OR userAgent LIKE 'agent-4%'", 2),
        ("(userAgent = $$agent-3 -- ) ;$$)", 1),
        ("eventID IN (SELECT eventID FROM events WHERE userAgent LIKE 'agent-2%')", 1),
        ("log_file IN (SELECT uri FROM files WHERE status = 'ingested')", 5),
        ("EXISTS (WITH a AS (SELECT 1) FROM a)", 5),
        ("\n  true\n", 5),
    ],
)
def test_condition_chooses(opened: OpenLake, tmp_path: Path, condition: str, expected: int) -> None:
    """A condition is whatever may stand behind WHERE in a query, subqueries over the lake's tables included."""
    check_condition(opened, condition)

    assert expected == len(chosen(opened, condition, tmp_path))


@pytest.mark.parametrize(
    "condition",
    [
        "1=1) UNION SELECT * FROM events WHERE (1=1",
        "1=1) UNION ALL SELECT * FROM events --",
        "true) OR (true",
        "true) ORDER BY (eventTime",
        "true); DROP VIEW events; SELECT * FROM events WHERE (true",
        "true; DROP VIEW events",
        "true;",
        ";",
        "true) --",
        "true --",
        "true -- )",
        "true /* */",
        "true /*",
        "/* */ true",
        "true)",
        "(true",
        "",
        "  ",
        "true ORDER BY eventTime",
        "true LIMIT 1",
        "true OFFSET 1",
        "true GROUP BY ALL",
        "true HAVING true",
        "true QUALIFY true",
        "true WINDOW w AS ()",
        "true USING SAMPLE 1",
        "true UNION SELECT * FROM events",
        "true, true",
        "true AS x",
        "SELECT true",
        "'unfinished",
        "$$unfinished",
        "eventName =",
        "COPY events TO '/tmp/x'",
    ],
)
def test_more_or_less_than_a_condition_is_refused(opened: OpenLake, condition: str) -> None:
    """What closes our bracket, goes on behind the condition, hides the rest or is cut off: a usage error."""
    with pytest.raises(UsageError, match="--where") as caught:
        check_condition(opened, condition)

    assert 2 == caught.value.exit_code


@pytest.mark.parametrize(
    "condition",
    [
        "nope = 1",
        "text = 1",
        "place IS NOT NULL",
        "chosen.eventID IS NOT NULL",
        "$name = 1",
        "? = 1",
        "count(*) > 1",
        "row_number() OVER () = 1",
        "eventID IN (SELECT uri FROM read_text('/etc/passwd'))",
        "EXISTS (FROM read_csv('/etc/passwd'))",
        "EXISTS (FROM duckdb_secrets_nope())",
        "EXISTS (WITH x AS (COPY events TO '/tmp/trailql-escaped.csv') SELECT 1)",
        "EXISTS (WITH x AS (DELETE FROM events RETURNING *) FROM x)",
        "getenv('HOME') = '/root'",
    ],
)
def test_condition_sees_the_lake_alone(opened: OpenLake, condition: str) -> None:
    """Names that are none of `events`, files, writing and settings are out of reach, as for `trailql query`."""
    with pytest.raises(TrailqlError):
        check_condition(opened, condition)

    assert not Path("/tmp/trailql-escaped.csv").exists()


def test_condition_that_fails_on_a_value(opened: OpenLake, tmp_path: Path) -> None:
    """What goes wrong while reading is an error of the query, in DuckDB's words."""
    check_condition(opened, "userAgent::INTEGER = 1")

    with pytest.raises(QueryError, match="Could not convert string 'agent-"):
        chosen(opened, "userAgent::INTEGER = 1", tmp_path)


@pytest.mark.parametrize("by_place", [True, False])
def test_order_does_not_depend_on_how_the_lake_was_filled(tmp_path: Path, by_place: bool) -> None:
    """The same records, brought in at once or one by one the other way round, come in the same order."""
    made = [
        record(number, awsRegion=region, recipientAccountId=account)
        for number in range(2)
        for region, account in ((OTHER_REGION, ACCOUNT), ("us-east-1", OTHER_ACCOUNT))
    ]
    made += [without(record(number), "eventID") for number in range(2)]
    made += [made[0] | {"eventName": "Other"}, made[0] | {"newField": 1}]
    write_file(tmp_path, "at-once.json", trail(*made))
    ingest_logs([str(tmp_path / "at-once.json")], tmp_path / "one")
    for number, each in enumerate(reversed(made)):
        ingest_logs([str(write_file(tmp_path, f"{number}.json", trail(each)))], tmp_path / "other")

    found = []
    for name in ("one", "other"):
        with open_lake(tmp_path / name) as lake:
            texts = record_texts(lake, by_place=by_place, scratch=tmp_path)
            found.append([row for each in texts for row in each.rows.select(["place", "text"]).to_pylist()])

    assert found[0] == found[1]
    assert len(made) == len(found[0])
    if by_place:
        places = [row["place"] for row in found[0]]
        assert sorted(places) == places


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, f"{ACCOUNT}/us-east-1"),
        ({"recipientAccountId": OTHER_ACCOUNT}, f"{OTHER_ACCOUNT}/us-east-1"),
        ({"recipientAccountId": None}, f"{ACCOUNT}/us-east-1"),
        ({"recipientAccountId": None, "userIdentity": None}, "unknown/us-east-1"),
        ({"recipientAccountId": 111122223333}, f"{ACCOUNT}/us-east-1"),
        ({"awsRegion": None}, f"{ACCOUNT}/unknown"),
        ({"awsRegion": "us-gov-west-1"}, f"{ACCOUNT}/us-gov-west-1"),
        ({"awsRegion": "eusc-de-east-1"}, f"{ACCOUNT}/eusc-de-east-1"),
        *(
            ({"recipientAccountId": account}, "unknown/us-east-1")
            for account in ("../../etc", "", "..", "1111222233334", "11112222333", "11112222333\n", "111122223333\n")
        ),
        ({"recipientAccountId": "١١١١٢٢٢٢٣٣٣٣"}, "unknown/us-east-1"),
        *(
            ({"awsRegion": region}, f"{ACCOUNT}/unknown")
            for region in (
                "../../../../root", "us-east-1/..", "us-east-1\0", "us-east-1\n", "US-EAST-1", "us-east-1a", "-", ".",
                "us_east_1", "us-east-1 ", "c:us-east-1", "con", "ü-east-1", "a" * 300 + "-east-1",
            )
        ),
    ],
)  # fmt: skip
def test_places_are_safe_in_a_path(tmp_path: Path, fields: Record, place: str) -> None:
    """Account and Region are twelve digits and a Region's name, or `unknown`: no record names another folder."""
    ingest_logs([str(write_file(tmp_path, "a.json", trail(text(record(1, **fields)))))], tmp_path / "lake")

    with open_lake(tmp_path / "lake") as lake:
        rows = [row for each in record_texts(lake, by_place=True, scratch=tmp_path) for row in each.rows.to_pylist()]

    assert [f"{place}/{TIME:%Y-%m-%d}"] == [row["place"] for row in rows]

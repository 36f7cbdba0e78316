"""Queries as they are pasted run; what cannot be meant is refused in the words of the query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.made import TIME, record, write_log
from trailql.errors import QueryError
from trailql.ingest import ingest_logs
from trailql.query.engine import OpenLake, open_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLake]:
    """Three events."""
    folder: Path = tmp_path_factory.mktemp("pasted")
    write_log(folder / "logs", *(record(each, at=TIME) for each in range(3)))
    ingest_logs([str(folder / "logs")], folder / "lake")
    with open_lake(folder / "lake") as opened:
        yield opened


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("lake", "SELECT count(*) FROM ${eds};"),
        ("lake", "```sql\nSELECT count(*) FROM [EDS-ID] WHERE eventTime &gt; '2000-01-01 00:00:00'\n```"),
        ("lake", "/* don't */ SELECT count(*) FROM <EDS ID>"),
        ("lake", "SELECT count(*) FROM {{ eds_id }}"),
        (
            "lake",
            "SELECT count(*) FROM arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/1234abcd-12ab-34cd-56ef-0",
        ),
        (
            "lake",
            "SELECT count(DISTINCT a.eventID) FROM 1234abcd-12ab-34cd-56ef-1234567890ab a, 1234abcd-12ab-34cd-56ef-0 b",
        ),
        ("athena", "SELECT count(*) FROM 'my-cloudtrail-logs'"),
        ("athena", "SELECT count(*) FROM `default`.`cloudtrail_logs`"),
        ("athena", "SELECT count(*) FROM awsdatacatalog.default.cloudtrail_logs_pp WHERE eventname <> ‘x’"),
        ("athena", "SELECT count(*) FROM cloudtrail_logs WHERE length(trim('x' FROM 'xax')) < 1_000"),
        (
            "athena",
            "SELECT count(*) FROM cloudtrail_logs WHERE dt >= '2000-01-01' AND day < '29990101' AND year > 1999",
        ),
        ("athena", "SELECT count(*) FROM cloudtrail_logs WHERE date >= date '2000-01-01' AND dt LIKE '2%-%'"),
    ],
)
def test_runs(lake: OpenLake, dialect: str, text: str) -> None:
    """Whatever stands for the table, the query is found to be of its dialect and counts the three events."""
    assert dialect == lake.checked(text).dialect
    assert [[3]] == [list(row) for row in lake.sql(text)]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("SELECT eventNam FROM $EDS_ID", "eventNam", "eventName"),
        ("SELECT userIdentity.ar FROM $EDS_ID", "userIdentity", "arn"),
        ("SELECT json_extract_scaler(requestparameters, '$.x') FROM cloudtrail_logs", "scaler", "json_extract_scalar"),
        ("SELECT count(*) FROM $EDS_ID WHERE eventTime > '${date_filter}'", "date_filter", "2026-10-01"),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventtime > 'yesterday'", "yesterday", "2026-10-01"),
        ("SELECT count(*) FROM cloudtrail_logs WHERE day = 'Monday'", "Monday", "2026/10/01"),
        ("SELECT eventData.resourceType FROM $EDS_ID", "AWS Config", "CloudTrail"),
        ("SELECT eventName FROM $EDS_ID WHERE eventID = $EVENT_ID", "EVENT_ID", "--param EVENT_ID"),
        ('SELECT eventName FROM $EDS_ID WHERE eventName = "StopLogging"', "StopLogging", "single quotes"),
        ("SELECT eventName FROM $EDS_ID WHERE eventName ILIKE '%x%'", "ILIKE", "lower"),
        ("SELECT resources.arn FROM $EDS_ID", "resources", "element_at(resources, 1).arn"),
        ("SELECT nvl(errorCode, 'x') FROM $EDS_ID", "nvl", "coalesce"),
        ("SELECT sum(eventname) FROM cloudtrail_logs", "number", "CAST(eventname AS bigint)"),
        ("SELECT row_number() FROM cloudtrail_logs", "window", "OVER"),
        ("SELECT regexp_like(eventname, '^(?!Get)') FROM cloudtrail_logs", "lookahead", "NOT regexp_like"),
        ("SELECT eventname FROM cloudtrail_logs UNION SELECT count(*) FROM cloudtrail_logs", "column 1", "CAST"),
        (
            "SELECT json_extract(requestparameters, '$.x') = 'y' FROM cloudtrail_logs",
            "json_extract(req",
            "json_extract_scalar",
        ),
        ("CREATE EXTERNAL TABLE cloudtrail_logs (eventversion string)", "CREATE", "trailql ingest"),
        ("SELECT count(*) FROM evnts", "evnts", "events"),
    ],
)
def test_says_what_is_wrong(lake: OpenLake, text: str, message: str, hint: str) -> None:
    """The error names the construct, and what works in its place; nothing of DuckDB's SQL is in it."""
    with pytest.raises(QueryError) as caught:
        lake.sql(text)

    assert message in caught.value.message
    assert hint in str(caught.value.hint)
    assert not any(word in f"{caught.value.message} {caught.value.hint}" for word in ("trino.", '"event', "main."))

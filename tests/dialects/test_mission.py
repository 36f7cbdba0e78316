"""Queries as they are pasted: the two that everybody has, placeholders for tables, comments, quotes from web pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SAMPLE_LOGS
from trailql.errors import QueryError
from trailql.ingest import ingest_logs
from trailql.query.engine import OpenLake, open_lake

_FAILED = (
    "SELECT user_identity.arn, event_time, event_name FROM cloudtrail_logs WHERE event_name = ‘ConsoleLogin’ "
    "AND response_elements.ConsoleLogin = ‘Failure’;"
)
_COUNTED = (
    "SELECT eventSource, eventName, COUNT(*) AS apiCount FROM event_data_store_ID "
    "WHERE eventTime > ‘2023-01-01 00:00:00’ GROUP BY eventSource, eventName ORDER BY apiCount DESC"
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLake]:
    """The sample logs."""
    target: Path = tmp_path_factory.mktemp("mission") / "lake"
    ingest_logs([str(SAMPLE_LOGS / "AWSLogs")], target)
    with open_lake(target) as opened:
        yield opened


def test_failed_console_sign_ins(lake: OpenLake) -> None:
    """
    The first query, curly quotes and all, finds what our own finds.
    """
    found = lake.sql(_FAILED)
    own = lake.sql(
        "SELECT 1 FROM events WHERE eventName = 'ConsoleLogin' AND responseElements.ConsoleLogin = 'Failure'"
    )

    assert ["arn", "event_time", "event_name"] == found.columns
    assert len(own) == len(found) > 10
    assert {"ConsoleLogin"} == {row[2] for row in found}
    assert "athena" == found.dialect


def test_api_calls_counted(lake: OpenLake) -> None:
    """
    The second query counts every event of the lake.
    """
    found = lake.sql(_COUNTED)

    assert ["eventSource", "eventName", "apiCount"] == found.columns
    assert lake.sql("SELECT count(*) FROM events").rows()[0][0] == sum(row[2] for row in found)
    assert "lake" == found.dialect


@pytest.mark.parametrize(
    "table",
    [
        "$EDS_ID", "${EDS_ID}", "<event_data_store_id>", "<eds-id>", "{event_data_store}", "{{ eds_id }}", "[EDS_ID]",
        "1234abcd-12ab-34cd-56ef-1234567890ab", '"1234abcd-12ab-34cd-56ef-1234567890ab"', "eds-id", '"my store"',
        "cloudtrail_logs", "default.cloudtrail_logs", '"AwsDataCatalog"."default"."cloudtrail_logs_my-bucket"',
        "`cloudtrail_logs`", "“cloudtrail_logs”", "my_table", "$EDS_ID AS e", "cloudtrail_logs t",
    ],
)  # fmt: skip
def test_any_table_is_the_lake(lake: OpenLake, table: str) -> None:
    """
    Whatever stands behind FROM.
    """
    assert [(155,)] == lake.sql(f"SELECT count(*) FROM {table} WHERE eventName = 'ConsoleLogin'").rows()


@pytest.mark.parametrize(
    "query",
    [
        "-- how many?\nSELECT count(*) FROM $EDS_ID WHERE eventName = 'ConsoleLogin'",
        "/* how\nmany */ SELECT count(*) FROM $EDS_ID WHERE eventName = 'ConsoleLogin' -- end",
        "```sql\nSELECT count(*) FROM $EDS_ID WHERE eventName = 'ConsoleLogin'\n```",
        "SELECT\u00a0count(*)\u00a0FROM $EDS_ID\u200b WHERE eventName = 'ConsoleLogin' ;  ",
        "SELECT count(*) FROM $EDS_ID WHERE eventName = &#39;ConsoleLogin&#39; AND 2 &gt; 1",
        "SELECT count(*) FROM $EDS_ID WHERE eventName = ‘ConsoleLogin’ AND '‘x’' = '‘x’'",
        "(SELECT count(*) FROM $EDS_ID WHERE eventName = 'ConsoleLogin')",
    ],
)
def test_pasted_text_is_mended(lake: OpenLake, query: str) -> None:
    """
    Comments, fences, odd spaces and quotes from web pages; what stands in a string stays.
    """
    assert [(155,)] == lake.sql(query).rows()


@pytest.mark.parametrize("name", ["event", "eventz", "file", "set_asides"])
def test_a_slip_of_the_pen_is_no_foreign_table(lake: OpenLake, name: str) -> None:
    """
    A name that is nearly one of ours is taken for it.
    """
    with pytest.raises(QueryError) as caught:
        lake.sql(f"SELECT count(*) FROM {name}")
    assert "did you mean" in (caught.value.hint or "")

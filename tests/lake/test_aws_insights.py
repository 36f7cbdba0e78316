"""CloudTrail's own Insights come into a table of their own, each record once, and are accounted for."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ingest, Rows
from tests.made import ACCOUNT, TIME, insight_record, log_key, record, without, write_log
from trailql.errors import LakeError
from trailql.ingest import Selection
from trailql.insights.compare import compared, kept_aws_insights, read_aws_insights
from trailql.lake.check import check
from trailql.lake.lake import Snapshot, open_lake_folder
from trailql.lake.writer import writing

END = TIME + timedelta(minutes=9)


def write_insights(logs: Path, *records: Any, unique: str = "aB3dE6gH9jK2mN5p") -> Path:
    """
    A file in the `CloudTrail-Insight` folder.
    """
    return write_log(logs, *records, key=log_key(folder="CloudTrail-Insight", unique=unique))


def test_a_start_and_an_end(logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows) -> None:
    """
    Both are rows, none is an event; the record stands there whole, and the two are one insight.
    """
    start, end = insight_record(), insight_record(state="End", at=END)
    write_log(logs, record(1))
    path = write_insights(logs, start, end)

    summary = ingest()

    assert (2, 1, 2, 3) == (summary.ingested, summary.events_added, summary.insights_added, summary.records)
    assert [record(1)["eventID"]] == [row["eventID"] for row in rows("events")]
    found = sorted(rows("aws_insights"), key=lambda row: row["event_time"])
    assert [start, end] == [json.loads(row["record"]) for row in found]
    assert [("Start", 14.0, 1.0), ("End", 11.25, 9.0)] == [
        (row["state"], row["insight_average"], row["insight_minutes"]) for row in found
    ]
    assert {(ACCOUNT, "ModifySnapshotAttribute", 9.92063e-05, str(path))} == {
        (row["account"], row["event_name"], row["baseline_average"], row["log_file"]) for row in found
    }
    lake = open_lake_folder(lake_dir)
    [kept] = kept_aws_insights(lake)
    assert (TIME, END, 11.25) == (kept.start, kept.end, kept.average)
    assert ([kept], []) == read_aws_insights([str(logs)])
    assert ["only AWS"] == [pair.verdict for pair in compared([kept], [])]
    assert [] == check(lake).problems


def test_each_once(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """
    Copies in the file, in another one and of an earlier reading are dropped and told apart; another content is kept.
    """
    start = insight_record()
    write_insights(logs, start, start)
    ingest()
    changed = {**start, "insightDetails": {**start["insightDetails"], "eventName": "CopySnapshot"}}
    write_insights(logs, start, start, insight_record(2))
    write_insights(logs, start, changed, unique="another0another0")

    ingest()

    told = {
        (row["insights_added"], row["duplicates_in_file"], row["duplicates_read_before"], row["duplicates_in_others"])
        for row in rows("files")
    }
    assert {(1, 1, 0, 0), (1, 0, 2, 0), (1, 0, 0, 1)} == told
    assert 3 == len(rows("aws_insights"))


@pytest.mark.parametrize(
    "written",
    [
        without(insight_record(), "sharedEventID", "eventID"),
        insight_record(insightContext=None),
        insight_record(insightContext={"statistics": {"insight": {"average": "many"}}, "attributions": "none"}),
        insight_record(insightContext=[1, 2]),
        insight_record(eventName=7, insightType=None),
        insight_record() | {"addendum": {"reason": "DELIVERY_DELAY"}, "ünknown": [{"a": 1.5}]},
    ],
    ids=["no-ids", "no-context", "odd-context", "a-list", "odd-names", "more-fields"],
)
def test_odd_ones_are_kept(written: dict[str, Any], logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows) -> None:
    """
    What is missing or of another type is null in its column; the record stands there as it was.
    """
    write_insights(logs, written)

    ingest()

    [row] = rows("aws_insights")
    assert written == json.loads(row["record"])
    assert len(kept_aws_insights(open_lake_folder(lake_dir))) == ("sharedEventID" in written)


def test_what_is_none_goes_where_it_belongs(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """
    An event in that folder is an event, and what is neither is set aside.
    """
    write_insights(logs, record(5), '{"eventName":"NoTime"}', insight_record())

    summary = ingest()

    assert (1, 1, 1) == (summary.events_added, summary.insights_added, summary.records_set_aside)
    assert [1] == [row["insights_added"] for row in rows("files")]


def test_only_those_selected(logs: Path, ingest: Ingest) -> None:
    """
    Accounts and times choose Insights as they choose events.
    """
    write_insights(logs, insight_record(1), insight_record(2, at=TIME + timedelta(days=2)))

    summary = ingest(selection=Selection(until=TIME + timedelta(days=1)))

    assert (1, 1) == (summary.insights_added, summary.records_filtered)


def test_a_lake_that_skipped_them_reads_them(
    logs: Path, ingest: Ingest, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A ledger of before says skipped; the next ingest reads the file.
    """
    write_insights(logs, insight_record())
    with monkeypatch.context() as before:
        before.setattr("trailql.sources.keys.READ_FOLDERS", frozenset({"CloudTrail"}))
        assert 0 == ingest().insights_added
    assert ["skipped"] == [row["status"] for row in rows("files")]

    assert 1 == ingest().insights_added
    assert 0 == ingest().files_to_read


def test_a_writer_that_dies_before_the_ledger(
    logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Insights that were committed alone get their ledger row from whoever writes next.
    """
    ingest(write_log(logs.parent / "other", record(9)))
    write_insights(logs, insight_record())
    commit = Snapshot.commit

    def fatal(self: Snapshot, *arguments: Any, **options: Any) -> None:
        if self.table == "files":
            raise KeyboardInterrupt
        commit(self, *arguments, **options)

    def unable(*_: Any) -> None:
        raise LakeError("the machine is gone", at=str(lake_dir))

    with monkeypatch.context() as dying:
        dying.setattr(Snapshot, "commit", fatal)
        dying.setattr("trailql.lake.writer._settle", unable)
        with pytest.raises(KeyboardInterrupt):
            ingest()
    with writing(open_lake_folder(lake_dir)):
        pass

    assert [0, 1] == sorted(row["insights_added"] for row in rows("files"))
    assert 0 == ingest().files_to_read
    assert [] == check(open_lake_folder(lake_dir)).problems


def test_lost_ones_are_missed_and_read_again(logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows) -> None:
    """
    A damaged file of the table is seen and named; repair and the next ingest bring its rows back.
    """
    write_log(logs, record(1))
    write_insights(logs, insight_record())
    ingest()
    [path] = (lake_dir / "aws_insights").glob("*.parquet")
    path.unlink()
    lake = open_lake_folder(lake_dir)

    problems = check(lake).problems

    assert {"missing", "records lost"} == {each.kind for each in problems}
    check(lake, repair=True)
    assert 1 == ingest().insights_added
    assert ([], 1, 1) == (check(lake).problems, len(rows("aws_insights")), len(rows("events")))

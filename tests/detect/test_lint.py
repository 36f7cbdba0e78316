"""What lint says, and where; trying samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.rules import HEADER, SAMPLES, SQL, write_rule
from trailql.detect.lint import files_to_lint, lint
from trailql.detect.own import own_detections
from trailql.detect.template import write_template
from trailql.detect.trial import try_samples
from trailql.errors import UsageError

_AGGREGATING = (
    "SELECT min(eventTime) AS first_event_time, max(eventTime) AS last_event_time, list(eventID) AS event_ids"
)
_ASOF = "ASOF JOIN (SELECT eventTime AS t FROM events) AS b ON a.eventTime >= b.t"


def test_bundled_detections_have_nothing_to_mend() -> None:
    """
    Notes apart.
    """
    assert [] == [remark for remark in lint(files_to_lint([])) if not remark.is_note]


def test_a_good_rule(tmp_path: Path) -> None:
    """
    Nothing is said.
    """
    write_rule(tmp_path)
    assert [] == list(lint(files_to_lint([tmp_path])))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (HEADER.replace("misses", "mises") + SQL, 6, "did you mean 'misses'?"),
        (HEADER.replace("-- misses", "-- Misses") + SQL, 6, "not read"),
        (HEADER.replace("-- misses: its access keys\n", "") + SQL, 1, "no 'misses'"),
        (HEADER + "-- title: again\n" + SQL, 8, "stands twice"),
        (HEADER + "\n-- lookback: 1d\n" + SQL, 9, "below the header"),
        (HEADER.replace("T1078.004", "T1078.4") + SQL, 3, "T1078.4 is none"),
        (HEADER + "-- cis: 3.1\n" + SQL, 8, "3.1 is none"),
        (HEADER + "-- lookback: a day\n" + SQL, 8, "is no span"),
        (HEADER.replace("high", "awful") + SQL, 2, "awful"),
        (HEADER.replace("The break-glass user signed in", "An IAM user was made") + SQL, 1, "the same title"),
        (HEADER + "-- parameter: n INTEGER = 1  x\n" + SQL, 8, "n is used nowhere"),
        (HEADER + SQL + "  AND eventName = $name\n", 12, "$name is no parameter"),
        (HEADER + SQL.replace("errorCode", "errorCod"), 11, "errorCod"),
        (HEADER + SQL.replace("AND errorCode", "AND AND errorCode"), 11, "syntax error"),
        (HEADER + "SELECT * FROM read_csv('/etc/passwd')", 8, "read_csv is not allowed"),
        (HEADER + SQL.replace("events", "events AS e"), 8, "take the alias away"),
        (HEADER + SQL + "ORDER BY eventTime\n", 8, "it has ORDER BY"),
        (HEADER + "SELECT actor(userIdentity) AS actor FROM events GROUP BY 1", 8, "event_ids is not among them"),
        (HEADER + f"{_AGGREGATING} FROM events\nGROUP BY ALL", 8, "GROUP BY ALL"),
        (HEADER + f"{_AGGREGATING} FROM events GROUP BY eventName\nORDER BY ALL", 8, "ORDER BY ALL"),
        (HEADER + f"{_AGGREGATING}, count(*) AS n FROM events\nHAVING n > 5", 9, "the alias n"),
        (HEADER + f"{_AGGREGATING},\n  median(length(eventName)) AS m FROM events", 9, "median"),
        (HEADER + f"{_AGGREGATING},\n  quantile_cont(length(eventName), 0.5) AS m FROM events", 9, "quantile_cont"),
        (HEADER + f"{_AGGREGATING} FROM events\nGROUP BY dayofweek(eventTime)", 9, "dayofweek"),
        (HEADER + f"{_AGGREGATING} FROM events\nGROUP BY time_bucket(INTERVAL 1 HOUR, eventTime)", 9, "time_bucket"),
        (HEADER + f"{_AGGREGATING} FROM (SELECT * EXCLUDE (extra) FROM events)", 8, "EXCLUDE"),
        (HEADER + f"{_AGGREGATING} FROM events AS a\n{_ASOF}", 9, "ASOF"),
        (HEADER + SQL + "  AND json_extract_string(requestParameters, '$.a[*].b') = ['x']\n", 8, "for Trino"),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(tmp_path: Path, text: str, line: int, message: str) -> None:
    """
    One remark with its line among whatever else follows from it.
    """
    path = write_rule(tmp_path, text)

    remarks = list(lint(files_to_lint([path])))

    assert [(path, line)] == [(each.path, each.line) for each in remarks if message in each.message][:1], remarks


def test_notes_are_nothing_to_mend(tmp_path: Path) -> None:
    """
    A subquery, any_value, a place in a list, an unknown technique.
    """
    write_rule(
        tmp_path, HEADER.replace("T1078.004", "T1999") + SQL + "  AND eventName IN (SELECT eventName FROM events)\n"
    )
    write_rule(
        tmp_path, HEADER.replace("The", "That") + f"{_AGGREGATING}, any_value(eventName) AS e FROM events", name="b"
    )

    remarks = list(lint(files_to_lint([tmp_path])))

    assert 3 == len(remarks)
    assert all(each.is_note for each in remarks)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (None, "no samples"),
        ({**SAMPLES, "quiet": []}, "no case in 'quiet'"),
        ({**SAMPLES, "fires": []}, "no case in 'fires'"),
        ({**SAMPLES, "fires": [{"case": "x", "sett": {}}]}, "sett"),
    ],
)
def test_samples_are_needed(tmp_path: Path, samples: object, message: str) -> None:
    """
    Both kinds.
    """
    path = write_rule(tmp_path, samples=samples)
    assert [True] == [message in each.message for each in lint([(path, "iam.break_glass")])]


def test_trial(tmp_path: Path) -> None:
    """
    Cases that fail are told with the events that are missing, or too many.
    """
    wrong = {**SAMPLES, "fires": [{"case": "f", "set": {"eventName": "CheckMfa"}}], "quiet": [{"case": "q"}]}
    write_rule(tmp_path)
    write_rule(tmp_path, name="iam/other", samples=wrong)

    trials = {(each.case.detection, each.case.name): each.failure for each in try_samples(own_detections([tmp_path]))}

    assert {None} == {failure for (id, _), failure in trials.items() if id == "iam.break_glass"}
    assert "1 of 1 events are not found: CheckMfa at 2026-10-14T10:00:00Z" == trials["iam.other", "f"]
    assert "is found, and should be quiet: ConsoleLogin at 2026-10-14T10:00:00Z" == trials["iam.other", "q"]


def test_template(tmp_path: Path) -> None:
    """
    Filled in, it passes lint and its own samples; what is there is never written over.
    """
    for id, place in (("iam.break_glass", "iam/break_glass.sql"), ("own.odd", "odd.sql")):
        sql, samples = write_template(id, tmp_path)
        assert tmp_path / place == sql
        assert any("to be filled in" in each.message for each in lint(files_to_lint([sql])))
        for path in (sql, samples):
            path.write_text(path.read_text().replace("TODO", f"Done{id[:3]}"))
        with pytest.raises(UsageError, match="left as it is"):
            write_template(id, tmp_path)

    assert [] == list(lint(files_to_lint([tmp_path])))
    assert {None} == {each.failure for each in try_samples(own_detections([tmp_path]))}
    for id in ("iam.user_created", "noservice", "iam.Upper"):
        with pytest.raises(UsageError):
            write_template(id, tmp_path)

"""
The records of a lake as JSON texts, in order, however many they are.

A condition from outside is read by the locked connection that questions go through (`engine.py`). What it lets
through is sorted outside of it, a run of days at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from trailql.errors import QueryError, UsageError
from trailql.normalize.careful import together
from trailql.normalize.written import record_sql
from trailql.query.engine import OpenLake
from trailql.query.sorting import sorted_rows

UNKNOWN = "unknown"
"""Stands for an account or Region that is none by its spelling: whoever makes an event writes what it likes there."""

_BATCH_ROWS = 2048
_RUN_ROWS = 75_000
_ACCOUNT = "coalesce(recipientAccountId, userIdentity.accountId)"
_ACCOUNT_PART = f"CASE WHEN regexp_full_match({_ACCOUNT}, '[0-9]{{12}}') THEN {_ACCOUNT} ELSE '{UNKNOWN}' END"
_REGION = "[a-z]{2,8}(-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_REGION_PART = f"CASE WHEN regexp_full_match(awsRegion, '{_REGION}') THEN awsRegion ELSE '{UNKNOWN}' END"


@dataclass(frozen=True, slots=True)
class RecordTexts:
    """
    Some records.

    Args:
        rows: Columns `place` (`ACCOUNT/REGION/YYYY-MM-DD`, each part safe in a path), `eventTime` and `text`.
        share: How much of the lake has been read by now, from 0 to 1.
    """

    rows: pa.RecordBatch
    share: float


def check_condition(lake: OpenLake, condition: str) -> None:
    """
    Make sure that a text is one SQL condition on `events`, and nothing that only looks like it inside brackets.

    Raises:
        UsageError: It is no condition, or more than one: it closes a bracket it did not open, goes on behind its end,
            or holds a comment.
        QueryError: It names what is not there, or reads what it must not.
    """
    # Without brackets it must stand alone behind WHERE, so it cannot close any; within them nothing may follow it.
    for text in (f"SELECT * FROM events WHERE\n{condition}\n", f"SELECT * FROM events WHERE (\n{condition}\n)"):
        try:
            statements = duckdb.extract_statements(text)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].partition(": ")[2]
            raise _no_condition(condition, reason) from error
        if len(statements) != 1:
            raise _no_condition(condition, "more than one statement")
    if any(kind == duckdb.token_type.comment for _, kind in duckdb.tokenize(condition)):
        raise _no_condition(condition, "it holds a comment")
    lake.sql(f"SELECT * FROM {_chosen(condition)} LIMIT 0")


def _no_condition(condition: str, reason: str) -> UsageError:
    return UsageError(
        f"--where {condition!r} is no SQL condition on its own: {reason}",
        hint="--where \"eventSource = 'iam.amazonaws.com' AND errorCode IS NULL\"",
    )


def record_texts(
    lake: OpenLake, condition: str | None = None, *, by_place: bool, scratch: str | Path
) -> Iterator[RecordTexts]:
    """
    Read records in an order that only their content decides.

    Args:
        lake: The lake, with its window of time.
        condition: SQL over `events`, after `check_condition`; None for all of them.
        by_place: Those of one account, Region and UTC day one behind the other, by time; otherwise by time alone.
        scratch: Where to make a folder for what does not fit into memory.

    Raises:
        QueryError: The condition fails on a value of some row, or a file of the lake cannot be read.
    """
    done = 0
    try:
        runs = _runs(lake)
        total = sum(rows for _, _, rows in runs)
        for first, last, rows in runs:
            unsorted = lake.connection.sql(_texts_sql(condition, first, last, by_place=by_place))
            seen = 0
            for batch in sorted_rows(unsorted.to_arrow_reader(_BATCH_ROWS), "key", scratch):
                seen += batch.num_rows
                yield RecordTexts(_whole(batch), (done + seen) / total)
            done += rows
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise QueryError(_in_words(error)) from error


def _runs(lake: OpenLake) -> list[tuple[date, date, int]]:
    """First day, last day and rows of runs of days that are sorted at once: few, and small enough for memory."""
    counted = "SELECT event_date, count(*) FROM events GROUP BY event_date ORDER BY event_date"
    runs: list[tuple[date, date, int]] = []
    for day, rows in lake.connection.execute(counted).fetchall():
        if runs and runs[-1][2] + rows <= _RUN_ROWS:
            runs[-1] = (runs[-1][0], day, runs[-1][2] + rows)
        else:
            runs.append((day, day, rows))
    return runs


def _chosen(condition: str | None) -> str:
    """In a query of its own, where the condition meets no names but those of `events`."""
    return f"(SELECT * FROM events WHERE (\n{condition}\n))" if condition else "events"


def _texts_sql(condition: str | None, first: date, last: date, *, by_place: bool) -> str:
    """Rows that are alike in all of the key have equal texts, so that their order makes no difference."""
    order = ["place"] if by_place else []
    order += ["eventTime", "eventID", "hash(text, extra)"]
    return f"""
        SELECT place, eventTime, text, extra,
            create_sort_key({", ".join(f"{each}, 'ASC NULLS LAST'" for each in order)}) AS key
        FROM (
            SELECT concat_ws('/', {_ACCOUNT_PART}, {_REGION_PART}, event_date) AS place, eventTime, eventID, extra,
                {record_sql("chosen")} AS text
            FROM {_chosen(condition)} AS chosen
            WHERE event_date BETWEEN DATE '{first}' AND DATE '{last}'
        )
    """


def _whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same with the whole text of those records, few as a rule, that the columns alone do not hold."""
    extras = batch.column("extra")
    texts = batch.column("text")
    if extras.null_count < len(extras):
        pairs = zip(texts.to_pylist(), extras.to_pylist(), strict=True)
        whole = [text if extra is None else together(text.encode(), extra.encode()).decode() for text, extra in pairs]
        texts = pa.array(whole, pa.string())
    return pa.record_batch([batch.column("place"), batch.column("eventTime"), texts], ["place", "eventTime", "text"])


def _in_words(error: Exception) -> str:
    """What went wrong, without the class names that the layers on the way have put before it."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return first.rpartition("Error: ")[2]

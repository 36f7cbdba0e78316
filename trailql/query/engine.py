"""
SQL over a lake: a DuckDB connection that sees the lake's tables and nothing else.

The text of a query is not trusted. It runs without access to files outside the lake, network, extensions and
settings, and only a single statement that reads is let through.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from trailql.errors import LakeError, QueryError
from trailql.lake.lake import Lake, open_lake_folder
from trailql.lake.parquet import rows_sql, sql_text
from trailql.schema import EVENT_COLUMNS, TABLES

_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})


class OpenLake:
    """
    A lake opened for questions. Use it as a context manager, or close it.

    Args:
        lake: The lake.
        since, until: Only events of `since <= eventTime < until` are seen.
    """

    def __init__(self, lake: Lake, since: datetime | None = None, until: datetime | None = None) -> None:
        self.lake = lake
        self._con = duckdb.connect(config={"python_enable_replacements": False})
        self._con.execute("SET TimeZone = 'UTC'")
        lake.storage.prepare(self._con)
        for table in TABLES:
            try:
                self._con.execute(f'CREATE VIEW "{table}" AS {_view_sql(lake, table, since, until)}')
            except duckdb.Error as error:
                self._con.close()
                hint = f"trailql lake check --lake {lake.root}"
                raise LakeError(f"a file of {table} is missing or damaged", at=lake.root, hint=hint) from error
        for macro in _MACROS:
            self._con.execute(macro)
        # The order matters: the allow-list can no longer be set once outside access is off.
        self._con.execute(f"SET allowed_directories = [{sql_text(lake.root)}]")
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
            self._con.execute(f"SET {setting} = false")
        self._con.execute("SET lock_configuration = true")

    def __enter__(self) -> OpenLake:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._con.close()

    def sql(self, text: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """
        Run one reading statement.

        Args:
            text: SQL over `events`, `files` and `set_aside`.
            parameters: Values for its `$names`; bound, never pasted in.

        Returns:
            The rows. Times are UTC.

        Raises:
            QueryError: It does not parse or bind, is not allowed, or fails while running.
        """
        self._refuse_all_but_reading(text)
        try:
            used = {name: value for name, value in (parameters or {}).items() if f"${name}" in text}
            return self._con.sql(text, params=used or None).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(_in_words(error), hint=_hint(error)) from error

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The locked connection, for trailql's own SQL."""
        return self._con

    def _refuse_all_but_reading(self, text: str) -> None:
        """A statement's type does not tell: a COPY inside a CTE counts as SELECT. Its parsed tree does."""
        try:
            rows = self._con.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()
        except duckdb.Error as error:
            raise QueryError(_in_words(error)) from error
        parsed = json.loads(rows[0][0])
        if parsed.get("error"):
            message = parsed.get("error_message", "")
            if parsed.get("error_type") == "not implemented":
                raise QueryError("only SELECT is allowed here", hint="the lake is written by trailql ingest alone")
            raise QueryError(_first_line(message))
        statements = parsed.get("statements", [])
        if len(statements) != 1:
            raise QueryError("one statement at a time, please")
        for node in _nodes(statements[0]):
            if node not in _READING_NODES:
                raise QueryError("only SELECT is allowed here, also inside WITH")


def open_lake(path: str | Path, *, since: datetime | None = None, until: datetime | None = None) -> OpenLake:
    """
    Open a lake for questions.

    Args:
        path: The lake's folder.
        since, until: Only events of `since <= eventTime < until` are seen; aware datetimes.

    Raises:
        LakeError: No lake there.

    Example:
        with open_lake("lake") as lake:
            print(lake.sql("SELECT count(*) FROM events").to_pylist())
    """
    return OpenLake(open_lake_folder(path), since, until)


_LATER = [f"WHEN '{column.name}' THEN \"{column.name}\"::VARCHAR" for column in EVENT_COLUMNS if column.is_later]
_MACROS = (
    # The best name for who acted: the role behind a session, else the principal, else the service.
    """CREATE MACRO actor(identity) AS coalesce(
        nullif(identity.sessionContext.sessionIssuer.arn, ''), nullif(identity.arn, ''),
        'user:' || coalesce(identity.accountId, '') || ':' || identity.userName,
        identity.invokedBy, identity.principalId, identity.accountId, 'unknown')""",
    # What AWS has added to the record and trailql has no column for yet, as text; the same when it has got one.
    f"""CREATE MACRO record_field(name) AS coalesce(
        {" ".join(["CASE name", *_LATER, "END"]) if _LATER else "NULL"}, extra ->> ('$.' || name))""",
)


def _view_sql(lake: Lake, table: str, since: datetime | None, until: datetime | None) -> str:
    snapshot = lake.snapshot(table)
    if table != "events":
        return rows_sql(snapshot)
    first, last = _day(since) if since else date.min, _day(until) if until else date.max
    rows = rows_sql(snapshot, [part for part in snapshot.parts if part.day is None or first <= part.day <= last])
    times = [f"eventTime >= '{since.isoformat()}'"] if since else []
    times += [f"eventTime < '{until.isoformat()}'"] if until else []
    return f"SELECT * FROM ({rows}) WHERE {' AND '.join(times)}" if times else rows


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()


def _nodes(tree: Any) -> list[str]:
    """The types of all query nodes in a serialized statement, however deep."""
    found = []
    if isinstance(tree, dict):
        kind = tree.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE"):
            found.append(kind)
        for value in tree.values():
            found += _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            found += _nodes(value)
    return found


def _in_words(error: duckdb.Error) -> str:
    """DuckDB's message without its class name, position drawing and stack."""
    text = str(error).split("\n\nLINE ", 1)[0].split("\nLINE ", 1)[0].strip()
    return _first_line(text.split(": ", 1)[1] if ": " in text.split("\n", 1)[0] else text)


def _first_line(text: str) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines()[:3])


def _hint(error: duckdb.Error) -> str | None:
    text = str(error)
    if "Permission" in text or "disabled" in text:
        return "a query sees the tables events, files and set_aside, and no other files"
    if "does not exist" in text and "Table" in text:
        return "the tables are events, files and set_aside"
    if "not found in FROM clause" in text:
        return "docs/lake-format.md lists the columns"
    return None


def window(since: datetime | None, lookback: timedelta) -> datetime | None:
    """Where a question that compares with the past has to begin reading."""
    return since - lookback if since else None

"""
SQL over a lake: a DuckDB connection that sees the lake's tables and nothing else.

The text of a query is not trusted. It runs without access to files outside the lake, network, extensions and
settings, within bounds of memory and time, and only a single statement that reads is let through: see
`trailql.query.wall`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from trailql.errors import LakeError, QueryError
from trailql.lake.lake import Lake, open_lake_folder
from trailql.lake.parquet import rows_sql, sql_text
from trailql.query import wall
from trailql.query.derived import VIEW_SQL
from trailql.query.dots import with_dots
from trailql.query.result import Result
from trailql.query.words import hint_for, in_words
from trailql.schema import EVENT_COLUMNS, TABLES, VIEWS

_LOOK_EVERY = 0.1
"""Seconds between two looks at a running query."""

_MAKES_NO_SENSE = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
DIALECTS = (None, "duckdb", "lake", "athena")

Progress = Callable[[float], None]


class OpenLake:
    """
    A lake opened for questions. Use it as a context manager, or close it.

    Args:
        lake: The lake.
        since, until: Only events of `since <= eventTime < until` are seen.
        memory: Most memory a query may take, such as `8GB`; beyond it sorts, groups and joins spill to disk. Half of
            the machine's without.
    """

    def __init__(
        self, lake: Lake, since: datetime | None = None, until: datetime | None = None, memory: str | None = None
    ) -> None:
        self.lake = lake
        self._scratch = tempfile.mkdtemp(prefix="trailql-")
        self._con = duckdb.connect(config={"python_enable_replacements": False})
        try:
            self._set_up(lake, since, until, memory)
        except BaseException:
            self.close()
            raise

    def _set_up(self, lake: Lake, since: datetime | None, until: datetime | None, memory: str | None) -> None:
        con = self._con
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET enable_progress_bar = false")
        try:
            con.execute(f"SET memory_limit = {sql_text(memory or _half_of_memory())}")
        except duckdb.Error as error:
            raise QueryError(in_words(error), hint="an amount of memory reads 8GB or 500MB") from error
        con.execute(f"SET temp_directory = {sql_text(self._scratch)}")
        con.execute(f"SET max_temp_directory_size = '{max(shutil.disk_usage(self._scratch).free // 2, 1 << 20)}B'")
        lake.storage.prepare(con)
        for table in TABLES:
            try:
                con.execute(f'CREATE VIEW "{table}" AS {_view_sql(lake, table, since, until)}')
            except duckdb.Error as error:
                hint = f"trailql lake check --lake {lake.root}"
                raise LakeError(f"a file of {table} is missing or damaged", at=lake.root, hint=hint) from error
        for name, sql in VIEW_SQL.items():
            con.execute(f'CREATE VIEW "{name}" AS {sql}')
        for macro in _MACROS:
            con.execute(macro)
        # The order matters: the allow-list can no longer be set once outside access is off.
        con.execute(f"SET allowed_directories = [{sql_text(lake.root)}, {sql_text(self._scratch)}]")
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
            con.execute(f"SET {setting} = false")
        con.execute("SET lock_configuration = true")

    def __enter__(self) -> OpenLake:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._con.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def sql(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        dialect: str | None = None,
        timeout: float | None = None,
        on_progress: Progress | None = None,
    ) -> Result:
        """
        Run one reading statement.

        Args:
            text: SQL over the lake's tables, or as it is written for CloudTrail Lake or Athena.
            parameters: Values for its `$names`; bound, never pasted in.
            dialect: `duckdb`, `lake` or `athena`; found out without.
            timeout: Seconds after which it is cancelled.
            on_progress: Called now and then while it runs, with how much is done, 0 to 1.

        Returns:
            The rows: `.arrow()`, `.pl()`, `.df()`, `.dicts()`, `.rows()`. Times are UTC.

        Raises:
            QueryError: It does not parse or bind, is not allowed, fails while running, or takes too long.
            KeyboardInterrupt: The user cancelled it; the lake can be asked again.
        """
        statement = self.checked(text, dialect)
        try:
            return Result(self._run(statement, parameters, timeout, on_progress), statement.dialect)
        except QueryError as error:
            may_be_foreign = dialect is None and statement.dialect == "duckdb"
            makes_no_sense = may_be_foreign and isinstance(error.__cause__, _MAKES_NO_SENSE)
            if makes_no_sense and (other := self._otherwise(text, error)):
                return Result(self._run(other, parameters, timeout, on_progress), other.dialect)
            raise

    def checked(self, text: str, dialect: str | None = None) -> wall.Statement:
        """
        A statement that may run, in DuckDB's SQL.

        Raises:
            QueryError: It does not parse, is not allowed, or cannot be understood.
        """
        if dialect not in DIALECTS:
            raise QueryError(f"there is no dialect {dialect}", hint=", ".join(filter(None, DIALECTS)))
        if dialect in {"lake", "athena"}:
            return self._translated(text, dialect)
        try:
            statement = wall.checked(self._con, text, TABLES | VIEWS)
            return replace(statement, text=with_dots(self._con, statement.text, statement.tree))
        except wall.NotOfTheLake as error:
            if dialect is None and (found := self._otherwise(text, error)):
                return found
            raise

    def understood(
        self, text: str, parameters: Mapping[str, Any] | None = None, dialect: str | None = None
    ) -> wall.Statement:
        """
        The statement that `sql` would run, without running it.

        Raises:
            QueryError: As `sql`, but for what only shows while running.
        """
        statement = self.checked(text, dialect)
        try:
            self._con.execute(f"EXPLAIN {statement.text}", _used(statement, parameters))
        except duckdb.Error as error:
            other = dialect is None and statement.dialect == "duckdb" and self._otherwise(text, error)
            if other:
                return other
            raise QueryError(in_words(error), hint=hint_for(error)) from error
        return statement

    def _otherwise(self, text: str, error: Exception) -> wall.Statement | None:
        """The statement in one of AWS's dialects, where it makes no sense in ours."""
        from trailql.query.dialects.choose import has_foreign_table, is_foreign

        names_foreign_table = isinstance(error, wall.NotOfTheLake) and error.is_foreign_table
        if isinstance(error, wall.NotOfTheLake) and error.is_slip and not is_foreign(text):
            return None
        try:
            return self._translated(text, None)
        except QueryError as other:
            if names_foreign_table or has_foreign_table(text):
                raise other from None
            return None

    def _translated(self, text: str, dialect: str | None) -> wall.Statement:
        from trailql.query.dialects import understood
        from trailql.query.dialects.macros import macro_statements

        found, sql = understood(text, dialect)
        for statement in macro_statements(sql):
            self._con.execute(statement)
        return replace(wall.checked(self._con, sql, TABLES | VIEWS), dialect=found)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The locked connection, for trailql's own SQL."""
        return self._con

    def _run(
        self,
        statement: wall.Statement,
        parameters: Mapping[str, Any] | None,
        timeout: float | None,
        on_progress: Progress | None,
    ) -> pa.Table:
        """In a thread of its own, so that Ctrl-C and the time limit reach it."""
        used = _used(statement, parameters)
        outcome: list[pa.Table | BaseException] = []
        # The thread itself is not asked: one whose join Ctrl-C has broken off says it has ended (Python before 3.13).
        ended = threading.Event()

        def work() -> None:
            try:
                outcome.append(self._con.sql(statement.text, params=used).to_arrow_table())
            except BaseException as error:  # raised again by whoever waits
                outcome.append(error)
            finally:
                ended.set()

        thread = threading.Thread(target=work, name="trailql-query", daemon=True)
        end = time.monotonic() + timeout if timeout is not None else None
        thread.start()
        try:
            while not ended.wait(_LOOK_EVERY):
                if end is not None and time.monotonic() > end:
                    self._cancel(ended)
                    break
                if on_progress:
                    on_progress(max(self._con.query_progress(), 0.0) / 100)
        except BaseException:
            self._cancel(ended)
            raise
        found = outcome[0]
        if isinstance(found, duckdb.InterruptException):
            raise QueryError(
                f"not done after {timeout:g} seconds, and cancelled",
                hint="ask for fewer days (--since, --until), or allow it longer: --timeout 2h",
            )
        if isinstance(found, duckdb.Error):
            raise QueryError(in_words(found), hint=hint_for(found)) from found
        if isinstance(found, BaseException):
            raise found
        return found

    def _cancel(self, ended: threading.Event) -> None:
        while not ended.is_set():  # an interrupt is lost when it comes before the query has begun
            self._con.interrupt()
            with suppress(KeyboardInterrupt):  # a second Ctrl-C asks for what is being done
                ended.wait(_LOOK_EVERY)


def _used(statement: wall.Statement, parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The parameters that the statement has; DuckDB refuses others."""
    return {name: value for name, value in (parameters or {}).items() if name in statement.parameters} or None


def _half_of_memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2}B"


def open_lake(
    path: str | Path, *, since: datetime | None = None, until: datetime | None = None, memory: str | None = None
) -> OpenLake:
    """
    Open a lake for questions.

    Args:
        path: The lake's folder.
        since, until: Only events of `since <= eventTime < until` are seen; aware datetimes.
        memory: Most memory a query may take before it spills to disk, such as `8GB`; half of the machine's without.

    Raises:
        LakeError: No lake there.

    Example:
        with open_lake("lake") as lake:
            print(lake.sql("SELECT count(*) AS n FROM events").dicts())
    """
    return OpenLake(open_lake_folder(path), since, until, memory)


_LATER = [f"WHEN '{column.name}' THEN \"{column.name}\"::VARCHAR" for column in EVENT_COLUMNS if column.is_later]
ACTOR_MACRO = """CREATE MACRO actor(identity) AS coalesce(
        nullif(identity.sessionContext.sessionIssuer.arn, ''), nullif(identity.arn, ''),
        'user:' || coalesce(identity.accountId, '') || ':' || identity.userName,
        identity.invokedBy, identity.principalId, identity.accountId, 'unknown')"""
"""The best name for who acted: the role behind a session, else the principal, else the service."""
_MACROS = (
    ACTOR_MACRO,
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


def window(since: datetime | None, lookback: timedelta) -> datetime | None:
    """Where a question that compares with the past has to begin reading."""
    return since - lookback if since else None

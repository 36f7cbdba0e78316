"""What a query must not do: every way out of the lake that we could think of, through every dialect."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trailql.detect.samples import cases_of
from trailql.errors import QueryError
from trailql.ingest import ingest_logs
from trailql.query.engine import OpenLake, open_lake
from trailql.query.library import queries_folder

_SAMPLE = queries_folder() / "signin" / "console_login_without_mfa.sql"
_SECRET = "the secret beside the lake"

READING = [
    "SELECT * FROM read_csv('{outside}/secret.csv')",
    "SELECT * FROM read_csv_auto('{outside}/secret.csv')",
    "SELECT * FROM read_text('{outside}/secret.csv')",
    "SELECT * FROM read_blob('{outside}/secret.csv')",
    "SELECT * FROM read_json('{outside}/logs.json')",
    "SELECT * FROM read_json_auto('{outside}/logs.json')",
    "SELECT * FROM read_ndjson_objects('{outside}/logs.json')",
    "SELECT * FROM read_parquet('{lake}/../other.parquet')",
    "SELECT * FROM read_parquet('{lake}/events/**/*.parquet')",
    "SELECT * FROM parquet_scan('{lake}/events/**/*.parquet')",
    "SELECT * FROM parquet_metadata('{lake}/events/**/*.parquet')",
    "SELECT * FROM parquet_kv_metadata('{lake}/events/**/*.parquet')",
    "SELECT * FROM sniff_csv('{outside}/secret.csv')",
    "SELECT * FROM '{outside}/secret.csv'",
    'SELECT * FROM "{outside}/secret.csv"',
    "SELECT * FROM '{lake}/../secret.csv'",
    "SELECT * FROM 's3://bucket/key.parquet'",
    "SELECT * FROM 'http://127.0.0.1:9/x.csv'",
    'SELECT * FROM "file:///etc/passwd"',
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM glob('{lake}/*')",
    "SELECT content FROM read_text((SELECT '{outside}/secret.csv'))",
    "SELECT (SELECT content FROM read_text('{outside}/secret.csv'))",
    "WITH x AS (SELECT * FROM read_text('{outside}/secret.csv')) SELECT * FROM x",
    "SELECT * FROM events WHERE eventName IN (SELECT content FROM read_text('{outside}/secret.csv'))",
    "SELECT 1 UNION ALL SELECT count(*) FROM read_text('{outside}/secret.csv')",
    "SELECT 1 ORDER BY (SELECT content FROM read_text('{outside}/secret.csv'))",
    "SELECT 1 LIMIT (SELECT length(content) FROM read_text('{outside}/secret.csv'))",
    "SELECT * FROM events, LATERAL (SELECT * FROM read_text('{outside}/secret.csv'))",
    "FROM (FROM read_text('{outside}/secret.csv'))",
    "SELECT * FROM query('SELECT * FROM read_text(''{outside}/secret.csv'')')",
    "SELECT * FROM query_table('{outside}/secret.csv')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT list_transform([1], lambda x: (SELECT content FROM read_text('{outside}/secret.csv')))",
    "PIVOT read_csv('{outside}/secret.csv') ON a USING count(*)",
    "DESCRIBE SELECT * FROM read_csv('{outside}/secret.csv')",
    "SUMMARIZE '{outside}/secret.csv'",
    "SUMMARIZE SELECT * FROM read_text('{outside}/secret.csv')",
]
"""Files, inside and outside the lake: only its tables are there."""

WRITING = [
    "COPY (SELECT 1) TO '{outside}/out.csv'",
    "COPY (SELECT 1) TO '{lake}/out.parquet'",
    "COPY events TO '{outside}/out'",
    "COPY events FROM '{outside}/secret.csv'",
    "WITH x AS (COPY (SELECT 1) TO '{outside}/out.csv') SELECT * FROM x",
    "EXPORT DATABASE '{outside}/out'",
    "IMPORT DATABASE '{outside}'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE OR REPLACE VIEW events AS SELECT 1",
    "CREATE MACRO actor(x) AS 'nobody'",
    "CREATE SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "INSERT INTO files SELECT * FROM files",
    "UPDATE events SET eventName = 'x'",
    "DELETE FROM events",
    "DROP VIEW events",
    "ALTER VIEW events RENAME TO gone",
    "TRUNCATE events",
    "SELECT 1; DROP VIEW events",
    "SELECT 1;;;DELETE FROM events",
    "SELECT 1 -- \n; DROP VIEW events",
    "/* a */ DROP /* b */ VIEW events",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{outside}/out.csv'",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "BEGIN",
    "VACUUM",
    "CHECKPOINT",
]
"""Anything that is no reading."""

REACHING = [
    "ATTACH '{outside}/x.db' AS other",
    "ATTACH ':memory:' AS other",
    "USE other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{outside}/x.duckdb_extension'",
    "SET threads = 1",
    "SET enable_external_access = true",
    "SET GLOBAL lock_configuration = false",
    "SET allowed_directories = ['/']",
    "RESET ALL",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "PRAGMA version; SELECT 1",
    "CALL pragma_version()",
    "SELECT getenv('HOME')",
    "SELECT current_setting('secret_directory')",
    "SELECT getvariable('x')",
    "SET VARIABLE x = 1",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT * FROM pragma_version()",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM duckdb_logs",
    "SELECT * FROM enable_logging('QueryLog')",
    "SELECT write_log('x')",
    "SELECT pg_get_viewdef(1)",
    "SELECT sleep_ms(100000)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM python_map_function(1)",
]
"""Settings, the network, extensions, other databases, and Python's own variables."""

IN_DIALECTS = [
    'SELECT * FROM "{outside}/secret.csv"',
    'SELECT * FROM "s3://bucket/key.parquet"',
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM read_text('{outside}/secret.csv')",
    "SELECT * FROM TABLE(read_text('{outside}/secret.csv'))",
    "SELECT read_text('{outside}/secret.csv') FROM $EDS_ID",
    "SELECT main.read_text('{outside}/secret.csv') FROM $EDS_ID",
    "SELECT getenv('HOME') FROM $EDS_ID",
    "SELECT * FROM $EDS_ID CROSS JOIN UNNEST(read_text('{outside}/secret.csv')) AS t(x)",
    "SELECT transform(ARRAY[1], x -> getenv('HOME')) FROM $EDS_ID",
    "SELECT 1 FROM $EDS_ID; DROP VIEW events",
    "SELECT 1 FROM ‘/etc/passwd’",
    "SELECT * FROM <{outside}/secret.csv>",
    'SELECT eventName AS "a"" FROM read_text(\'{outside}/secret.csv\') --" FROM $EDS_ID WHERE nope = 1',
    "SHOW CREATE TABLE cloudtrail_logs",
    "DESCRIBE cloudtrail_logs; SELECT 1",
    "CREATE TABLE t AS SELECT * FROM $EDS_ID",
    "INSERT INTO $EDS_ID SELECT 1",
    "DELETE FROM $EDS_ID",
    "UNLOAD (SELECT 1) TO 's3://bucket/x' WITH (format = 'PARQUET')",
    "CALL system.runtime.kill_query('x')",
    "SET SESSION query_max_run_time = '1h'",
    "PREPARE p FROM SELECT 1",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A lake of four events, with a secret beside it.
    """
    target = tmp_path_factory.mktemp("wall")
    records = [r for case in cases_of("console_login_without_mfa", _SAMPLE) if not case.fires for r in case.records]
    (target / "logs.json").write_text(json.dumps({"Records": records}))
    (target / "secret.csv").write_text(f"a\n{_SECRET}\n")
    ingest_logs([str(target / "logs.json")], target / "lake")
    return target


@pytest.fixture
def opened(folder: Path) -> Iterator[OpenLake]:
    with open_lake(folder / "lake") as lake:
        yield lake


def _refused(opened: OpenLake, folder: Path, text: str, dialect: str | None) -> None:
    before = sorted(str(path) for path in folder.rglob("*"))
    text = text.replace("{outside}", str(folder)).replace("{lake}", str(folder / "lake"))

    with pytest.raises(QueryError) as caught:
        opened.sql(text, dialect=dialect, timeout=20)

    assert caught.value.message
    assert _SECRET not in f"{caught.value} {caught.value.hint}"
    assert before == sorted(str(path) for path in folder.rglob("*"))
    assert [(4,)] == opened.sql("SELECT count(*) FROM events").rows()
    assert [(4,)] == opened.sql("SELECT count(*) FROM $EDS_ID").rows()


@pytest.mark.parametrize("text", [*READING, *WRITING, *REACHING])
def test_ways_out(opened: OpenLake, folder: Path, text: str) -> None:
    """
    Each is refused with a message, nothing is read or written, and the lake answers as before.
    """
    _refused(opened, folder, text, None)


@pytest.mark.parametrize("dialect", ["duckdb", "lake", "athena"])
@pytest.mark.parametrize("text", [*READING[:12], *WRITING[:6], *WRITING[16:20], *REACHING[:6], *REACHING[15:30]])
def test_ways_out_by_a_named_dialect(opened: OpenLake, folder: Path, text: str, dialect: str) -> None:
    """
    A dialect opens no door.
    """
    _refused(opened, folder, text, dialect)


@pytest.mark.parametrize("text", IN_DIALECTS)
def test_ways_out_in_the_words_of_a_dialect(opened: OpenLake, folder: Path, text: str) -> None:
    """
    Quoted names, placeholders and functions of Lake and Athena queries reach nothing either.
    """
    _refused(opened, folder, text, None)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM folder",
        "SELECT count(*) FROM opened",
        'SELECT count(*) FROM "x" AS "y"", (SELECT content FROM read_text(\'secret.csv\')) AS ""z"',
        'SELECT count(*) FROM "a;DROP VIEW events"',
        "SELECT count(*) FROM $EDS_ID -- ; DROP VIEW events",
    ],
)
def test_any_other_name_means_the_lake(opened: OpenLake, text: str) -> None:
    """
    Python's variables are no tables, and whatever stands in quotes stays a name.
    """
    assert [(4,)] == opened.sql(text).rows()


@pytest.mark.parametrize(
    "value",
    [
        "' OR 1 = 1 --",
        "'; DROP VIEW events; --",
        "x' UNION SELECT content FROM read_text('/etc/passwd') --",
        "$other",
        "\x00",
        "%",
        "{outside}/secret.csv",
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM events WHERE eventName = $name",
        "SELECT count(*) FROM $EDS_ID WHERE eventName = $name",
        "SELECT count(*) FROM cloudtrail_logs WHERE eventname = $name",
    ],
)
def test_parameters_stay_values(opened: OpenLake, text: str, value: str) -> None:
    """
    A parameter is compared, never read as SQL.
    """
    assert [(0,)] == opened.sql(text, {"name": value}).rows()


def test_a_parameter_is_no_path(opened: OpenLake, folder: Path) -> None:
    """
    Where SQL would take a file's name, a parameter does not bring one in.
    """
    with pytest.raises(QueryError):
        opened.sql("SELECT * FROM read_text($file)", {"file": str(folder / "secret.csv")})


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM range(1000000000) a, range(1000000000) b",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ],
)
def test_a_query_ends_in_time(opened: OpenLake, text: str) -> None:
    """
    What runs forever is cancelled, and the lake can be asked again.
    """
    started = time.monotonic()

    with pytest.raises(QueryError, match="cancelled"):
        opened.sql(text, timeout=1)

    assert 20 > time.monotonic() - started
    assert [(4,)] == opened.sql("SELECT count(*) FROM events").rows()


def test_a_query_that_needs_memory_spills_or_is_refused(folder: Path) -> None:
    """
    A sort beyond the memory it may take goes to disk; what cannot go there says how to give it more.
    """
    with open_lake(folder / "lake", memory="60MB") as lake:
        text = (
            "SELECT sum(n) FROM (SELECT n FROM (SELECT range AS n FROM range(6000000)) ORDER BY hash(n) LIMIT 5000000)"
        )
        assert [(1,)] == lake.sql(f"SELECT count(*) FROM ({text})").rows()
        with pytest.raises(QueryError) as caught:
            lake.sql("SELECT len(list(repeat('x', 1000) || range::VARCHAR)) FROM range(1000000)")
    assert "--memory" in (caught.value.hint or "")
    with pytest.raises(QueryError, match="emory"):
        open_lake(folder / "lake", memory="a lot")

"""A conversation with the lake, without a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.made import record, write_log
from trailql.ingest import ingest_logs
from trailql.query.engine import open_lake
from trailql.shell.script import run_lines
from trailql.shell.session import Leave, Session

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def session(sample_lake: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session over the sample organization's lake; answers are as wide as they are."""
    monkeypatch.delenv("COLUMNS", raising=False)
    with Session(lambda: open_lake(sample_lake)) as opened:
        yield opened


def test_formats(session: Session, capsys: Capture) -> None:
    """
    .format holds until it is changed; the count of rows goes to stderr, so that answers can be piped.
    """
    session.run(".format jsonl")
    session.run("SELECT 1 AS a, NULL AS b")
    assert {"a": 1, "b": None} == json.loads(capsys.readouterr().out)
    session.run(".format csv")
    session.run("SELECT 1 AS a")
    assert "a\n1\n" == capsys.readouterr().out
    session.run(".format table")
    session.run("SELECT 1 AS a, NULL AS b")
    told = capsys.readouterr()
    assert ("a  b\n─  ────\n1  NULL\n", "1 row\n") == (told.out, told.err)


def test_limit_and_wide(session: Session, capsys: Capture) -> None:
    """
    .limit shows the first rows and says that there are more; .wide puts records below each other.
    """
    session.run(".limit 2")
    session.run(".wide on")
    session.run('SELECT eventName, \'{"a": {"b": 1}}\' AS j, NULL AS n FROM events ORDER BY eventTime, eventID')
    told = capsys.readouterr()
    assert 2 == told.out.count("─ ") == told.out.count("eventName")
    assert "NULL" in told.out
    assert "the first 2 of 21,442 rows (.limit 0 shows all)\n" == told.err


def test_bundled_queries(session: Session, capsys: Capture) -> None:
    """
    By name, by id, with parameters, with .run.
    """
    session.run(".format jsonl")
    answers = []
    for text in (
        "api_calls_by_name from_date=2026-10-01",
        "events.api_calls_by_name from_date='2026-10-01'",
        ".run api_calls_by_name from_date=2026-10-01",
    ):
        assert 0 == session.run(text)
        answers.append(capsys.readouterr().out)
    assert answers[0]
    assert [answers[0]] * 3 == answers
    assert 0 == session.run("trail_logging_stopped")
    assert "StopLogging" in capsys.readouterr().out


def test_output_takes_one_answer(session: Session, capsys: Capture, tmp_path: Path) -> None:
    """
    .output writes the next answer to a file, in the format its ending says; the one after goes to the screen.
    """
    session.run(f".output {tmp_path / 'n.parquet'}")
    session.run("SELECT count(*) AS n FROM events")
    assert "1 row as parquet in" in capsys.readouterr().err
    session.run("SELECT 2 AS n")

    assert [{"n": 21_442}] == pq.read_table(tmp_path / "n.parquet").to_pylist()
    assert "2" in capsys.readouterr().out

    session.run(f".output {tmp_path / 'no' / 'folder.csv'}")
    assert 2 == session.run("SELECT 1")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("SELECT nope FROM events", 6, ".schema TABLE"),
        ("DROP TABLE events", 6, "only SELECT"),
        ("failed_consol_logins", 2, "did you mean failed_console_logins?"),
        (".run failed_consol_logins", 2, "did you mean failed_console_logins?"),
        ("api_calls_by_name nope=1", 2, "from_date"),
        ("api_calls_by_name from_date=yesterday", 2, "not a date"),
        (".run api_calls_by_name 2026", 2, "no param=value"),
        (".format parquet", 2, ".output FILE.parquet"),
        (".limit many", 2, ".limit 0"),
        (".timer perhaps", 2, ".timer on"),
        (".schema evens", 2, "did you mean events?"),
        (".queries nothing", 2, "the topics are"),
        (".formt csv", 2, "did you mean .format?"),
        (".output", 2, ".output calls.csv"),
        ("SELECT 1 FROM read_csv('/etc/passwd')", 6, "not allowed"),
    ],
)
def test_what_goes_wrong_is_said_and_the_talk_goes_on(
    session: Session, capsys: Capture, text: str, code: int, message: str
) -> None:
    """
    The error's code, its message and what to try, in the shell's own words; the next question is answered.
    """
    assert code == session.run(text)
    assert message in capsys.readouterr().err
    assert 0 == session.run("SELECT 1")


def test_tables_schema_queries(session: Session, capsys: Capture) -> None:
    """
    What is there is told without SQL, and DESCRIBE and SUMMARIZE work as in DuckDB.
    """
    for text, expected in (
        (".tables", "21,442"),
        (".schema", "sessionIssuer"),
        (".schema files", "sha256_stored"),
        (".queries", "failed_console_logins"),
        (".queries signin", "failed_console_logins"),
        ("DESCRIBE events", "TIMESTAMP WITH TIME ZONE"),
        ("SUMMARIZE files", "approx_unique"),
    ):
        assert 0 == session.run(text)
        assert expected in capsys.readouterr().out


def test_quit_leaves(session: Session) -> None:
    """
    .quit, and what people type elsewhere.
    """
    for text in (".quit", "quit", "EXIT", ".exit"):
        with pytest.raises(Leave):
            session.run(text)


def test_a_script_runs_to_its_end(session: Session, capsys: Capture) -> None:
    """
    One statement after another, the last without its `;`; the code is that of the first failure.
    """
    lines = [".format csv\n", "SELECT 1 AS a;\r\n", "SELECT nope;\n", ".nope\n", "SELECT\n", "2 AS b"]
    assert 6 == run_lines(session, lines)
    assert "a\n1\nb\n2\n" == capsys.readouterr().out
    assert 0 == run_lines(session, ["SELECT 1;", "quit", "SELECT nope;"])


def test_a_lake_that_grows(tmp_path: Path, capsys: Capture) -> None:
    """
    The session goes on seeing what it opened, says once that there is more, and shows it after .refresh.
    """
    (tmp_path / "logs").mkdir()
    write_log(tmp_path / "logs", record(1))
    ingest_logs([str(tmp_path / "logs")], tmp_path / "lake")
    with Session(lambda: open_lake(tmp_path / "lake")) as session:
        session.run(".format csv")
        assert session.growth() is None
        write_log(tmp_path / "logs", record(2), unique="another0another0")
        ingest_logs([str(tmp_path / "logs")], tmp_path / "lake")

        assert ".refresh" in (session.growth() or "")
        assert session.growth() is None
        session.run("SELECT count(*) AS n FROM events")
        session.run(".refresh")
        session.run("SELECT count(*) AS n FROM events")

        assert "n\n1\nn\n2\n" == capsys.readouterr().out
        assert "2 events" in session.greeting()
        assert session.growth() is None


def test_a_lake_that_was_rewritten(tmp_path: Path, capsys: Capture) -> None:
    """
    Files that compaction and vacuum have taken away are no riddle: the hint is .refresh.
    """
    (tmp_path / "logs").mkdir()
    write_log(tmp_path / "logs", record(1))
    ingest_logs([str(tmp_path / "logs")], tmp_path / "lake")
    with Session(lambda: open_lake(tmp_path / "lake")) as session:
        for path in (tmp_path / "lake" / "events").rglob("*.parquet"):
            path.unlink()
        assert 6 == session.run("SELECT userAgent FROM events")
    assert ".refresh opens the lake anew" in capsys.readouterr().err


def test_nothing_a_terminal_obeys(tmp_path: Path, capsys: Capture) -> None:
    """
    What a log and what a query name comes out as text, in every way of writing it.
    """
    evil = "\x1b[2J\u202egone\x9b31m"
    (tmp_path / "logs").mkdir()
    write_log(tmp_path / "logs", record(1) | {"userAgent": evil, "requestParameters": {evil: [evil]}})
    ingest_logs([str(tmp_path / "logs")], tmp_path / "lake")
    with Session(lambda: open_lake(tmp_path / "lake")) as session:
        for format in ("table", "json", "jsonl", "md"):
            session.run(f".format {format}")
            for wide in ("on", "off"):
                session.run(f".wide {wide}")
                session.run(f'SELECT userAgent, requestParameters, userIdentity AS "{evil}" FROM events')
        session.run(f"SELECT {evil}")
        session.run(f".schema {evil}")
        session.run(f".run {evil}")
        session.run(f".output {evil}/x")
        session.run("SELECT 1")
    told = capsys.readouterr()
    assert not set("\x1b\u202e\x9b") & set(told.out + told.err)
    assert "gone" in told.out

"""`trailql trace`: a tree for eyes, the graph for machines, nothing a log could do to either."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tests.forensics.stories import USER_KEY, assume, at, chain, event, session, user
from tests.made import Record, write_log
from trailql.cli.trace import trace
from trailql.ingest import ingest_logs

_APP = typer.Typer()
_APP.command()(trace)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(_APP, [str(word) for word in words], env={"COLUMNS": "100", "TERM": "dumb"})


def lake_with(folder: Path, records: list[Record]) -> Path:
    """A lake of these records."""
    write_log(folder / "logs", *records)
    ingest_logs([str(folder / "logs")], folder / "lake")
    return folder / "lake"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The chain of alice, two roles and bob.
    """
    return lake_with(tmp_path_factory.mktemp("trace"), chain())


def test_the_tree_tells_the_story(lake: Path) -> None:
    """
    Origin first, each step below the one before with its event, what was changed and what failed; 100 columns at most.
    """
    done = run("AKIABOBBOB000EXAMPLE", "--lake", lake)

    told = [
        "user alice (111122223333)",
        f"└─ access key {USER_KEY} of user alice",
        "! no CreateAccessKey for it is in the lake",
        "└─ AssumeRole 2026-10-01 12:31:00 from 203.0.113.7",
        "session ASIAFIRST0000EXAMPLE of role deploy/s1",
        "recorded in 111122223333 and",
        "session ASIASECOND000EXAMPLE of role admin/s2",
        "CreateAccessKey 2026-10-01 12:33:00 from 203.0.113.7",
        "access key AKIABOBBOB000EXAMPLE of user bob  ◀ asked for",
        "changed: DeleteBucket (failed)",
    ]
    assert 0 == done.exit_code, done.output
    places = [done.stdout.find(words) for words in told]
    assert -1 not in places, told[places.index(-1)]
    assert places == sorted(places)
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_circle_is_drawn_once(lake: Path) -> None:
    """
    What has been drawn is named, and not drawn again.
    """
    shown = run(USER_KEY, "--lake", lake).stdout
    assert 1 == shown.count("(drawn above)")


def test_sessions_alike_share_a_place(tmp_path: Path) -> None:
    """
    More than three sessions of a role that lead nowhere are added up; --all takes them apart.
    """
    made = [session("web", "job", f"ASIAWEB{n:02}0000EXAMPLE", at(n)) for n in range(5)]
    records = [assume(n, user(), who, at(n)) for n, who in enumerate(made)]
    records += [event(10 + n, who, "s3.amazonaws.com:PutObject", at(n)) for n, who in enumerate(made)]
    lake = lake_with(tmp_path, records)

    together = run(USER_KEY, "--lake", lake).stdout
    apart = run(USER_KEY, "--lake", lake, "--all").stdout

    assert "AssumeRole ×5, 2026-10-01 12:30:00 to 12:34:00" in together
    assert "5 sessions of role web (job)" in together
    assert "5 calls" in together
    assert 5 == apart.count("of role web/job")


def test_json_and_rows(lake: Path, tmp_path: Path) -> None:
    """
    json is the graph; jsonl and csv have a line for each node, with how it was minted.
    """
    graph = json.loads(run(USER_KEY, "--lake", lake, "--format", "json").stdout)
    lines = [json.loads(line) for line in run(USER_KEY, "--lake", lake, "--format", "jsonl").stdout.splitlines()]
    done = run(USER_KEY, "--lake", lake, "--format", "csv", "--output", tmp_path / "graph.csv")
    cells = list(csv.DictReader((tmp_path / "graph.csv").read_text().splitlines()))

    assert ["asked", "kind", "since", "until", "nodes", "edges", "notes"] == list(graph)
    assert ("access key", 5, 5) == (graph["kind"], len(graph["nodes"]), len(graph["edges"]))
    assert graph["nodes"] == lines
    assert "" == done.stdout
    assert [node["id"] for node in lines] == [cell["id"] for cell in cells]
    made = next(node for node in lines if node["id"] == "key:AKIABOBBOB000EXAMPLE")["minted_by"]
    assert [("CreateAccessKey", "2026-10-01T12:33:00Z")] == [(edge["name"], edge["event_time"]) for edge in made]


def test_table_and_drawings(lake: Path) -> None:
    """
    A line for each node; Graphviz and Mermaid have a box for each node and an arrow for each edge.
    """
    assert "AssumeRole 2026-10-01 12:31:00" in run(USER_KEY, "--lake", lake, "--format", "md").stdout
    dot = run(USER_KEY, "--lake", lake, "--format", "dot").stdout
    mermaid = run(USER_KEY, "--lake", lake, "--format", "mermaid").stdout
    assert ("digraph trace {", 5, 5) == (dot.splitlines()[0], dot.count(" -> "), dot.count("shape=box") + 1)
    assert ("flowchart LR", 5) == (mermaid.splitlines()[0], mermaid.count(" -->|"))


@pytest.mark.parametrize("form", ["tree", "table", "json", "jsonl", "md", "dot", "mermaid"])
def test_names_cannot_break_out(tmp_path: Path, form: str) -> None:
    """
    Names with quotes, markup and control characters neither colour the terminal nor end a label.
    """
    evil = 'x"];\x1b[31m<img src=1>\n|#`'
    who = user(evil, "AKIAEVIL00000EXAMPLE")
    calls = event(1, who, "iam.amazonaws.com:ListUsers", at(0), sourceIPAddress=evil, eventName=evil)
    lake = lake_with(tmp_path, [calls])

    shown = run("AKIAEVIL00000EXAMPLE", "--lake", lake, "--format", form)

    assert 0 == shown.exit_code, shown.output
    assert "\x1b" not in shown.stdout
    if form in ("dot", "mermaid"):
        assert 'x"]' not in shown.stdout
        assert "<img" not in shown.stdout or form == "dot"


def test_nothing_found(lake: Path) -> None:
    """
    Nothing on stdout, what to try on stderr, exit code 0: it ran.
    """
    done = run("AKIANOBODY000EXAMPLE", "--lake", lake)
    assert (0, "") == (done.exit_code, done.stdout)
    assert "no credentials of AKIANOBODY000EXAMPLE (access key) were used over all events" in done.stderr
    assert "trailql timeline" in done.stderr

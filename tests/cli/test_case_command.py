"""`trailql case`: one file, three forms, and nothing else touched."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tests.cli.test_trace_command import lake_with
from tests.forensics.stories import IAM, IP, SIGNIN, STS, USER_KEY, at, chain, event, user
from tests.made import Record
from tests.report.case_pages import Page, browsed
from trailql.cli.app import app as every_command
from trailql.cli.case import case
from trailql.errors import UsageError

_NAUGHTY = "a\x00b\u202e\x1b[31m</script>=1+1"
"""A null byte, a turn of direction, a colour, the end of a script, a formula."""
_APP = typer.Typer()
_APP.command()(case)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(_APP, [str(word) for word in words], env={"COLUMNS": "100", "TERM": "dumb"})


def _contents(folder: Path) -> dict[str, tuple[int, str]]:
    files = [each for each in folder.rglob("*") if each.is_file()]
    return {
        str(each): (each.stat().st_mtime_ns, hashlib.sha256(each.read_bytes()).hexdigest()) for each in sorted(files)
    }


@pytest.fixture(scope="module")
def page(sample_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The sample organization's case.
    """
    target = tmp_path_factory.mktemp("case") / "case.html"
    before = _contents(sample_lake)
    done = run("--lake", sample_lake, "--title", "Stolen key", "--output", target)
    assert 0 == done.exit_code, done.output
    assert "" == done.stdout
    assert before == _contents(sample_lake)
    return target


def test_the_sample_case(page: Path) -> None:
    """
    Title, figures, findings with their fingerprints, the attack in the timeline, its session graph, sources, curves.
    """
    text = page.read_text()

    for told in (
        "<h1>Stolen key</h1>",
        "21,442, 167 of them failed",
        "Console sign-in succeeded after repeated failures",
        "T1110 Brute Force",
        "access key AKIANEWKEY123EXAMPLE of user build-bot",
        "203.0.113.66 ▲",
        "ResourceRate: ec2:TerminateInstances",
        "truncated: the gzip stream breaks off",
        "have not been verified",
    ):
        assert told in text, told
    lines = Page(text).lines
    assert "finding" in {row[1] for row in lines}
    assert "insight" in {row[1] for row in lines}
    assert [row[0] for row in lines] == sorted(row[0] for row in lines)


def test_a_browser_shows_it(page: Path, tmp_path: Path) -> None:
    """
    By double click: a page of rows, and not a word from the console.
    """
    tree, said = browsed(page, tmp_path)

    assert [] == said
    rows = tree.partition('id="lines-body"')[2].partition("</tbody>")[0]
    assert 200 == rows.count("<tr")
    assert "1 to 200 of" in tree


def test_the_manifest_is_that_of_the_lake(sample_lake: Path, tmp_path: Path) -> None:
    """
    The case's hash is the hash of what `trailql lake manifest` writes; a window narrows events, not the evidence.
    """
    words = ["--lake", str(sample_lake)]
    manifest = subprocess.run(
        [sys.executable, "-m", "trailql", "lake", "manifest", *words],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    ).stdout
    run(*words, "--since", "2026-10-15", "--until", "2026-10-16", "--output", tmp_path / "case.json")
    document = json.loads((tmp_path / "case.json").read_text())

    assert hashlib.sha256(manifest).hexdigest() == document["manifest_sha256"]
    assert len(json.loads(manifest)["sources"]) == document["files_total"] == len(document["files"])
    assert "2026-10-15" == document["figures"]["first"][:10] == document["figures"]["last"][:10]
    assert document["timeline_events"] == document["figures"]["events"]


def test_one_account(sample_lake: Path) -> None:
    """
    --account narrows everything but the evidence; without a file the case is Markdown on stdout.
    """
    done = run("--lake", sample_lake, "--account", "111122223333", "--quiet")

    assert 0 == done.exit_code, done.output
    assert "" == done.stderr
    assert done.stdout.startswith("# CloudTrail case: lake\n")
    assert "- Accounts: 1: 111122223333" in done.stdout
    assert "- Accounts asked for: 111122223333" in done.stdout


def test_markdown_tells_the_attack(sample_lake: Path, tmp_path: Path) -> None:
    """
    Of five weeks a thousand lines: the attack is among them, what is left out is said.
    """
    run("--lake", sample_lake, "--output", tmp_path / "case.md")
    text = (tmp_path / "case.md").read_text()
    lines = text.partition("## Timeline")[2].partition("## Sessions")[0]

    assert "AttachUserPolicy" in lines
    assert "▲ HIGH CloudTrail logging was stopped" in lines
    assert "lines more are left out here, reads first" in lines
    assert 1000 == lines.count("\n| 2026-")


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """
    A trailql.toml with names of networks and accounts, and an exception for a network.
    """
    (tmp_path / "nets.csv").write_text("network,name\n203.0.113.66/32,rented <b>server</b>\n192.0.2.0/24,office\n")
    (tmp_path / "names.csv").write_text("account,name\n444455556666,production\n")
    (tmp_path / "ranges.json").write_text(
        json.dumps({"prefixes": [{"ip_prefix": "198.51.100.0/24", "service": "EC2", "region": "eu-west-1"}]})
    )
    config = tmp_path / "trailql.toml"
    config.write_text('[enrich]\nnetworks = "nets.csv"\naccounts = "names.csv"\naws_ranges = "ranges.json"\n')
    return config


def test_what_is_known_beside_the_logs(sample_lake: Path, tmp_path: Path, known: Path) -> None:
    """
    Networks, AWS's ranges and names of accounts stand with sources, findings, figures, Regions and lines; in all forms.
    """
    for form in ("html", "md", "json"):
        done = run("--lake", sample_lake, "--config", known, "--output", tmp_path / f"case.{form}")
        assert 0 == done.exit_code, done.output
    text, page = (tmp_path / "case.md").read_text(), (tmp_path / "case.html").read_text()
    sources = text.partition("## Sources")[2].partition("## Insights")[0]

    assert "| address | known | events |" in sources
    assert "| 203.0.113.66 ▲ | rented &lt;b>server&lt;/b> | 241 |".replace(">", "\\>") in sources
    assert "| AWS EC2 eu-west-1 |" in sources
    assert "- Accounts: 3: 111122223333, production (444455556666), 777788889999" in text
    assert "| production (444455556666) | us-east-1 |" in text
    assert "<td>rented &lt;b&gt;server&lt;/b&gt;</td>" in page
    assert "user web-developer, production us-east-1, 203.0.113.66" in page
    assert "production (444455556666)" in {row[5] for row in Page(page).lines}
    document = json.loads((tmp_path / "case.json").read_text())
    assert {"444455556666": "production"} == document["account_names"]
    assert {"network": "rented <b>server</b>"} in [each["known"] for each in document["addresses"]]
    assert "rented <b>server</b>" in [each["enrichment"].get("network") for each in document["findings"]]


def test_without_files_nothing_is_known(sample_lake: Path) -> None:
    """
    Without [enrich] there is no such column.
    """
    done = run("--lake", sample_lake, "--quiet")
    assert "| address | events | failed |" in done.stdout


def test_a_missing_file_of_names(sample_lake: Path, tmp_path: Path) -> None:
    """
    A file that is not there is an error that names it.
    """
    done = run("--lake", sample_lake, "--networks", tmp_path / "none.csv")
    assert isinstance(done.exception, UsageError)
    assert "none.csv" in str(done.exception)


@pytest.mark.parametrize("name", ["case.pdf", "case"])
def test_other_endings_are_refused(sample_lake: Path, tmp_path: Path, name: str) -> None:
    """
    The ending says the form; one that says none is an error before anything is read.
    """
    done = run("--lake", sample_lake, "--output", tmp_path / name)

    assert isinstance(done.exception, UsageError)
    assert ".html, .md or .json" in str(done.exception)


def test_the_lake_is_no_place_to_write(sample_lake: Path) -> None:
    """
    A lake is evidence.
    """
    done = run("--lake", sample_lake, "--output", sample_lake / "case.html")

    assert isinstance(done.exception, UsageError)
    assert not (sample_lake / "case.html").exists()


def _odd_records() -> list[Record]:
    """
    Calls of alice's among which nothing is where it belongs.
    """
    alice = user()
    fields: list[tuple[Record, str, Record]] = [
        (alice, f"{IAM}:ListUsers", dict.fromkeys(("sourceIPAddress", "userAgent", "awsRegion", "recipientAccountId"))),
        (dict.fromkeys(alice, _NAUGHTY), f"{IAM}:CreateUser", {"awsRegion": _NAUGHTY, "errorCode": _NAUGHTY}),
        ({}, f"{IAM}:CreateUser", {"requestParameters": "text", "responseElements": "text"}),
        (alice, f"{IAM}:CreateUser", {"requestParameters": [1], "responseElements": [None], "eventID": None}),
        (alice, f"{STS}:AssumeRole", {"requestParameters": 7, "responseElements": {"credentials": [USER_KEY]}}),
        (alice, f"{STS}:AssumeRole", {"responseElements": '{"credentials":{"accessKeyId":"ASIAXXXXXXXXXXXXXXXX"'}),
        (alice, f"{SIGNIN}:ConsoleLogin", {"additionalEventData": "x", "responseElements": 5}),
        (alice, f"{IAM}:CreateLoginProfile", {"requestParameters": {"userName": _NAUGHTY}}),
        (alice, "ec2.amazonaws.com:RunInstances", {"requestParameters": {"iamInstanceProfile": 5}}),
        (alice, "cloudtrail.amazonaws.com:StopLogging", {"requestParameters": {"name": _NAUGHTY}, "eventID": None}),
        (alice, f"{IAM}:PutUserPolicy", {"requestParameters": {"userName": "bob", "policyDocument": "[" * 90_000}}),
        (alice, f"{IAM}:PutUserPolicy", {"requestParameters": {"userName": "y" * 200_000}}),
        ({**alice, "sessionContext": {"attributes": {"creationDate": "never"}}}, f"{IAM}:ListUsers", {}),
    ]
    return [event(90 + number, who, what, at(number), **more) for number, (who, what, more) in enumerate(fields)]


def test_records_without_what_belongs_there(tmp_path: Path) -> None:
    """
    Missing fields, odd types, huge and hidden text: every form of a case, and every question, is answered.
    """
    lake = lake_with(tmp_path, [*chain(), *_odd_records()])
    questions = [
        *(["case", "--quiet", "--format", form] for form in ("html", "md", "json")),
        *(["timeline", "--format", form] for form in ("table", "csv", "json")),
        *(["trace", asked, "--format", form] for asked in ("alice", IP) for form in ("tree", "dot", "mermaid", "json")),
        *(["profile", "alice"], ["resource", "bob"], ["resource", _NAUGHTY], ["coverage"]),
    ]
    for question in questions:
        done = CliRunner().invoke(every_command, [*question, "--lake", str(lake)])

        assert done.exception is None or isinstance(done.exception, SystemExit), (question, repr(done.exception))
        is_for_machines = question[-1] == "csv"  # values as they are
        assert is_for_machines or not {"\x00", "\x1b", "\u202e"} & set(done.stdout), question

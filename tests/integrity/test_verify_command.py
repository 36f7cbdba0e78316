"""`trailql verify` and `trailql keys save`: what is printed where, the exit codes, and what the ledger says then."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tests.conftest import SAMPLE_LOGS, read_table
from tests.integrity.made_chain import HOUR, Made
from tests.integrity.service import endpoints, serving
from tests.made import ACCOUNT, REGION
from tests.servers import REPOSITORY, aws_server
from trailql.cli.verify import verify
from trailql.ingest import ingest_logs
from trailql.lake import integrity as ledger_integrity
from trailql.lake.lake import open_lake_folder
from trailql.schema import FILE_COLUMNS

_APP = typer.Typer()
_APP.command()(verify)
_KEYS = SAMPLE_LOGS / "public-keys.json"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(_APP, [str(word) for word in words], env={"COLUMNS": "200", "TERM": "dumb"})


@pytest.fixture
def tampered(tmp_path: Path) -> Path:
    """The sample with a changed, a missing and a planted log file."""
    root = tmp_path / "tampered"
    shutil.copytree(SAMPLE_LOGS, root)
    (day,) = root.glob("AWSLogs/*/444455556666/CloudTrail/us-east-1/2026/10/15")
    first, second, *_ = sorted(day.iterdir())
    first.write_bytes(gzip.compress(gzip.decompress(first.read_bytes()).replace(b"us-east-1", b"us-west-2", 1)))
    second.unlink()
    (day / "444455556666_CloudTrail_us-east-1_20261015T0410Z_planted.json.gz").write_bytes(first.read_bytes())
    return root


def test_the_sample_is_valid() -> None:
    """All 24 digests and the log files they list; the rest is counted by account and Region."""
    done = run(SAMPLE_LOGS, "--public-keys", _KEYS)
    assert 0 == done.exit_code, done.output
    assert "24 digest files and 24 log files are valid\n" in done.stdout
    assert "of 1,031 log files nothing is known:" in done.stdout


def test_the_documentation_shows_what_is_printed() -> None:
    """The first example of docs/integrity.md, word for word."""
    page = (REPOSITORY / "docs" / "integrity.md").read_text()
    example = page.partition("```console\n")[2].partition("```")[0]
    command, _, printed = example.partition("\n")
    words = command.removeprefix("$ trailql verify ").split()
    done = run(*(SAMPLE_LOGS.parent / word if word.startswith("sample_logs") else word for word in words))
    assert printed == done.stdout


def test_exit_codes(tampered: Path) -> None:
    """0 valid, 1 invalid, 3 unverifiable, 4 no digests, 2 nothing named."""
    assert 3 == run(SAMPLE_LOGS / "AWSLogs", "--public-keys", _KEYS).exit_code
    assert 3 == run(SAMPLE_LOGS).exit_code
    assert 1 == run(tampered, "--public-keys", _KEYS).exit_code
    assert 1 == run(tampered).exit_code
    assert 0 == run(tampered, "--public-keys", _KEYS, "--since", "2026-10-15T12:00:00Z").exit_code
    for words, code in (([SAMPLE_LOGS, "--account", "111122223333"], 4), ([], 2), (["nothing-there"], 4)):
        assert code == getattr(run(*words).exception, "exit_code", None)


def test_forms_for_machines(tampered: Path, tmp_path: Path) -> None:
    """json, jsonl and csv hold the same files; --verbose adds the valid ones."""
    words = (tampered, "--public-keys", _KEYS, "--region", "us-east-1", "--account", "444455556666")
    whole = json.loads(run(*words, "--format", "json").stdout)
    lines = [json.loads(line) for line in run(*words, "--format", "jsonl").stdout.splitlines()]
    table = list(csv.DictReader(run(*words, "--format", "csv").stdout.splitlines()))

    assert whole["files"] == lines
    assert [line["uri"] or "" for line in lines] == [row["uri"] for row in table]
    assert {"valid": 22, "modified": 1, "missing": 1, "unlisted": 1, "uncovered": 359} == whole["log_files"]
    assert 3 == whole["invalid"]
    every = run(*words, "--format", "jsonl", "--verbose", "--output", tmp_path / "out.jsonl")
    assert "" == every.stdout
    assert len(lines) + 24 + 22 == len((tmp_path / "out.jsonl").read_text().splitlines())


def test_hostile_names_stay_out_of_the_terminal(tmp_path: Path) -> None:
    """A key in a digest that would clear the screen is printed as text, in every form."""
    made = Made("evil")
    entry = made.add_log(1, 1) | {"s3Object": "\x1b[2J\u202egone"}
    made.add_digest(1, [entry], None)
    root, keys = made.write(tmp_path / "logs"), made.write_keys(tmp_path / "keys.json")
    for format in ("table", "json", "jsonl", "aws"):
        done = run(root, "--public-keys", keys, "--format", format)
        assert 1 == done.exit_code
        assert "\x1b" not in done.output
        assert "\u202e" not in done.output


def test_verdicts_land_in_the_ledger(tampered: Path, tmp_path: Path) -> None:
    """`WHERE integrity = 'valid'` holds for the files that digests vouch for; a second run writes nothing anew."""
    lake = tmp_path / "lake"
    ingest_logs([str(tampered / "AWSLogs")], lake)
    before = read_table(lake, "files")
    assert {None} == {row["integrity"] for row in before}

    done = run(tampered, "--lake", lake, "--public-keys", _KEYS)

    assert 1 == done.exit_code, done.output
    after = read_table(lake, "files")
    counts: dict[str, int] = {}
    for row in after:
        counts[str(row["integrity"])] = counts.get(str(row["integrity"]), 0) + 1
    assert {"valid": 24 + 22, "modified": 1, "unlisted": 1, "uncovered": 1031, "None": 2} == counts
    assert {"hash value doesn't match"} == {r["integrity_reason"] for r in after if r["integrity"] == "modified"}
    for row in (*before, *after):
        row["integrity"] = row["integrity_reason"] = None
    assert sorted(before, key=str) == sorted(after, key=str)

    assert "0 verdicts written" in run(tampered, "--lake", lake, "--public-keys", _KEYS).stderr
    # Without the sources: the digests that were ingested with the log files, of which the newest has no signature.
    alone = run("--lake", lake, "--public-keys", _KEYS, "--read-only")
    assert 1 == alone.exit_code
    assert "unverifiable digest" in alone.stdout
    shutil.rmtree(tampered)
    assert 4 == getattr(run("--lake", lake, "--public-keys", _KEYS).exception, "exit_code", None)


def test_an_older_lake_gets_the_columns(tampered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger from before the columns is read as it is, and has them after the first verdicts."""
    older = tuple(column for column in FILE_COLUMNS if not column.name.startswith("integrity"))
    lake = tmp_path / "lake"
    with monkeypatch.context() as patch:
        patch.setitem(ledger_integrity.TABLES, "files", older)
        patch.setattr("trailql.lake.ledger.fields", lambda kind: [Named(column.name) for column in older])
        ingest_logs([str(tampered / "AWSLogs")], lake)
    assert "integrity" not in read_table(lake, "files")[0]

    assert 1 == run(tampered, "--lake", lake, "--public-keys", _KEYS).exit_code

    assert {"valid", "modified", "unlisted", "uncovered", None} == {
        row["integrity"] for row in read_table(lake, "files")
    }
    assert open_lake_folder(lake).snapshot("files").delta is not None


class Named:
    """A field of a dataclass, as far as its name goes."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_a_larger_file_read_once_more(tampered: Path, tmp_path: Path) -> None:
    """Of a file that changed in place the newest version is judged, and only its row says so."""
    lake = tmp_path / "lake"
    root = tampered / "AWSLogs"
    ingest_logs([str(root)], lake)
    (good,) = root.glob("*/444455556666/CloudTrail/us-east-1/2026/10/15/*T0309Z*")
    good.write_bytes(gzip.compress(gzip.decompress(good.read_bytes()) + b"\n"))
    ingest_logs([str(root)], lake)

    run(tampered, "--lake", lake, "--public-keys", _KEYS)

    rows = [row for row in read_table(lake, "files") if row["uri"] == str(good)]
    assert [None, "modified"] == [row["integrity"] for row in sorted(rows, key=lambda row: row["ingested_at"])]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Made, dict[str, str]]]:
    """A bucket with a changed log file and a planted one, and the environment in which it is found."""
    made = Made("served").chain()
    made.change("log 2.1", lambda body: body + b" ")
    made.add_log(3, 5)
    seed = tmp_path_factory.mktemp("seed") / "buckets"
    made.write(seed / made.bucket, signatures="none")
    metadata = {f"{made.bucket}/{key}": told for key, told in made.metadata.items()}
    seed.with_name("buckets.metadata.json").write_text(json.dumps(metadata))
    with aws_server(tmp_path_factory.mktemp("aws"), seed) as s3, serving([made]) as (service, _):
        yield made, endpoints(service, s3.url)


def trailql(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trailql", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
        cwd=REPOSITORY,
    )


def test_a_bucket_as_a_user_would(served: tuple[Made, dict[str, str]], tmp_path: Path) -> None:
    """Keys are fetched; the table names both files; the AWS form one, and says that there is more."""
    made, environment = served
    until = f"{made.keys[0].since + 200 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    words = ("verify", f"s3://{made.bucket}", "--since", "2026-10-01", "--until", until)

    table = trailql(environment, *words)
    assert 1 == table.returncode, table.stderr
    assert f"modified log file: s3://{made.bucket}/{made.key('log 2.1')}" in table.stdout
    assert f"unlisted log file: s3://{made.bucket}/{made.key('log 3.5')}" in table.stdout
    assert "no digest files from" in table.stdout

    as_aws = trailql(environment, *words, "--format", "aws", "--trail", made.arn)
    assert 1 == as_aws.returncode
    assert "11/12 log files valid, 1/12 log files INVALID\n" in as_aws.stdout
    assert "1 more file invalid, of which the AWS CLI does not say so" in as_aws.stderr

    saved = trailql(environment, "keys", "save", tmp_path / "keys.json", "--region", REGION, "--since", "2026-09-01")
    assert 0 == saved.returncode, saved.stderr
    assert "1 key in" in saved.stderr
    assert [REGION] == [key["Region"] for key in json.loads((tmp_path / "keys.json").read_text())["PublicKeyList"]]
    again = trailql(
        environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, *words, "--public-keys", tmp_path / "keys.json"
    )
    assert table.stdout == again.stdout

    lake = tmp_path / "lake"
    assert 0 == trailql(environment, "ingest", f"s3://{made.bucket}", "--lake", lake, "--quiet").returncode
    by_ledger = trailql(environment, *words, "--lake", lake)
    assert 1 == by_ledger.returncode, by_ledger.stderr
    assert "13 verdicts written" in by_ledger.stderr
    assert {"valid": 11, "modified": 1, "unlisted": 1} == _counted(lake)


def _counted(lake: Path) -> dict[str, int]:
    found = [row["integrity"] for row in read_table(lake, "files") if row["account"] == ACCOUNT]
    return {verdict: found.count(verdict) for verdict in set(found)}


def test_help_has_an_example() -> None:
    """Both commands' help carries one."""
    for words in (["verify"], ["keys", "save"]):
        done = trailql({}, *words, "--help")
        assert f"Example: trailql {' '.join(words)}" in " ".join(done.stdout.split())

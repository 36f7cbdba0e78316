"""What holds for every bundled question."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.made import record, spelled, write_log
from tests.questions.asked import ask, made
from trailql.ingest import ingest_logs
from trailql.query.engine import open_lake
from trailql.query.library import SqlFile, bundled_files, find_bundled
from trailql.report.rows import Format, render

_QUESTIONS = [file for file in bundled_files() if not file.is_detection]
_NAMES = [file.id.split(".")[1] for file in _QUESTIONS]
_FOLDER = Path(__file__).resolve().parent
_PAGE = _FOLDER.parents[1] / "docs" / "queries.md"
_ODD = (
    '"text"', "null", "[1,2]", "5", "{}", '{"names":5,"secretId":{"a":1},"key":[1],"bucketName":7,"tags":"x"}',
    r'{"bucketName":"\ud800","policyName":"x\u0000y"}', '{"bytesTransferredOut":1e999,"instancesSet":{"items":"x"}}',
    '[{"ARN":5},{"ARN":null,"type":[1]},"x",null]', '{"a":1,"a":2}', '{"credentials":"x","accessKey":[null]}',
)  # fmt: skip
_CALLS = (
    "s3:PutObject", "s3:PutBucketPolicy", "kms:Decrypt", "secretsmanager:GetSecretValue", "ssm:GetParameters",
    "iam:CreateAccessKey", "sts:AssumeRole", "signin:ConsoleLogin", "ec2:RunInstances", "ec2:CreateTags",
    "ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySnapshotAttribute", "ec2:CopySnapshot", "lambda:AddPermission",
)  # fmt: skip


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of one log file without records."""
    folder = tmp_path_factory.mktemp("empty")
    write_log(folder / "logs")
    ingest_logs([str(folder / "logs")], folder / "lake")
    return folder / "lake"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of calls whose free-form fields hold what nobody expects there."""
    folder = tmp_path_factory.mktemp("odd")
    odd_records = [
        spelled(
            made(10 * i + data, name, managementEvent=not data, sourceIPAddress=address, userIdentity=identity),
            requestParameters=value,
            responseElements=value,
            resources=value,
            additionalEventData=value,
        )
        for i, (name, value) in enumerate((name, value) for name in _CALLS for value in _ODD)
        for data, address, identity in ((0, "::ffff:1.2.3.4%", {"accountId": "1"}), (1, "", {"type": "x", "arn": ""}))
    ]
    write_log(folder / "logs", *odd_records, json.dumps(record(9999, userIdentity=None, awsRegion=None)))
    ingest_logs([str(folder / "logs")], folder / "lake")
    return folder / "lake"


@pytest.mark.parametrize("question", _QUESTIONS, ids=lambda file: file.id)
def test_runs_on_an_empty_lake(question: SqlFile, empty: Path) -> None:
    """
    Without events there is no error, and nothing but the ledger has rows.
    """
    expected = 1 if question.id == "log_files.log_files_by_account" else 0

    assert expected == len(ask(empty, question.id))


@pytest.mark.parametrize("question", _QUESTIONS, ids=lambda file: file.id)
def test_odd_values_are_no_errors(question: SqlFile, odd: Path) -> None:
    """
    Whatever JSON stands where an object is usual, a question answers, and the same twice.
    """
    assert ask(odd, question.id) == ask(odd, question.id)


def test_names_are_unique() -> None:
    """
    People type the name without the folder.
    """
    every = [file.id.split(".")[1] for file in bundled_files()]

    assert len(set(every)) == len(every)


@pytest.mark.parametrize("question", _QUESTIONS, ids=lambda file: file.id)
def test_is_described(question: SqlFile) -> None:
    """
    A question says what it answers and what its parameters mean, in lines that fit, and ends in an order.
    """
    text = question.path.read_text()

    assert question.header.get("description")
    assert [] == [parameter.name for parameter in question.parameters if not parameter.meaning]
    assert {"title", "description", "source"} >= set(question.header)
    assert "ORDER BY" in question.sql.rsplit("FROM", 1)[1]
    assert text.endswith("\n")
    assert [] == [line for line in text.splitlines() if len(line) > 120 and "https://" not in line]


def test_every_question_has_a_test() -> None:
    """
    A question added later cannot be forgotten here.
    """
    asked = {
        name
        for path in _FOLDER.glob("test_*.py")
        for name in re.findall(r'\bask\(\s*\w+(?:\([^"]*\))?,\s*"(\w+)"', path.read_text())
    }

    assert set() == set(_NAMES) - asked
    assert set() == asked - set(_NAMES)


def test_every_question_is_on_the_page() -> None:
    """
    docs/queries.md names every question with its parameters, and nothing else.
    """
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.*) \|$", _PAGE.read_text(), re.MULTILINE)
    parameters = {name: re.findall(r"`(\w+)=(\S+)`", cell) for name, _, cell in rows}

    assert sorted(_NAMES) == sorted(name for name, _, _ in rows)
    assert parameters == {
        file.id.split(".")[1]: [(each.name, str(each.default)) for each in file.parameters] for file in _QUESTIONS
    }


def test_the_example_on_the_page(sample: Path) -> None:
    """
    The page shows what the sample logs really answer.
    """
    question = find_bundled("new_source_addresses")
    assert question is not None

    with open_lake(sample) as lake:
        table = render(lake.sql(question.sql, question.values({})).arrow(), Format.TABLE, width=None)

    assert f"$ trailql query new_source_addresses --lake lake\n{table}```" in _PAGE.read_text()

"""`trailql iam-policy`: what is printed where."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from trailql.cli.iam_policy import iam_policy
from trailql.errors import UsageError

_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/trailql"
_ROLE = "arn:aws:iam::111122223333:role/trailql-audit"


def run(*words: str) -> Result:
    """
    The command alone, as the command line runs it.
    """
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(iam_policy)
    return CliRunner().invoke(app, list(words))


def sids(result: Result) -> list[str]:
    """The names of the printed statements."""
    return [statement["Sid"] for statement in json.loads(result.stdout)["Statement"]]


def test_everything_at_once() -> None:
    """
    One document on stdout with a statement for each need, the same every time; nothing on stderr.
    """
    words = ["--bucket", "s3://central-trail-bucket/trail", "--organization", "o-exampleorg1", "--kms-key", _KEY]
    words += ["--queue", _QUEUE, "--queue-kms-key", _KEY, "--lake", "s3://acme-lake/trailql", "--lake-kms-key", _KEY]
    words += ["--lookup-events", "--validate-digests", "--region", "eu-west-1"]

    first, second = run(*words), run(*words)

    assert (0, "") == (first.exit_code, first.stderr)
    assert first.stdout == second.stdout
    assert first.stdout.startswith('{\n  "Version": "2012-10-17",\n  "Statement": [\n    {\n      "Sid": "FindTrail"')
    assert [
        "FindTrail",
        "ListTrail",
        "ReadTrail",
        "ListLake",
        "WriteLake",
        "TakeMessages",
        "EncryptLake",
        "DecryptMessages",
        "AskCloudTrail",
    ] == sids(first)


def test_options_repeat() -> None:
    """
    Buckets, accounts and queues may be several.
    """
    words = "--bucket b-1 --bucket b-2 --account 111122223333 --account 444455556666".split()
    policy = json.loads(run(*words, "--queue", _QUEUE, "--queue", f"{_QUEUE}-2").stdout)

    found = {statement["Sid"]: statement["Resource"] for statement in policy["Statement"]}
    assert [
        "arn:aws:s3:::b-1/AWSLogs/111122223333/CloudTrail*",
        "arn:aws:s3:::b-1/AWSLogs/444455556666/CloudTrail*",
        "arn:aws:s3:::b-2/AWSLogs/111122223333/CloudTrail*",
        "arn:aws:s3:::b-2/AWSLogs/444455556666/CloudTrail*",
    ] == found["ReadTrail"]
    assert 2 == len(found["TakeMessages"])


def test_a_lake_in_a_folder() -> None:
    """
    It needs no permission, and stderr says so; alone there is nothing to print.
    """
    both, alone = run("--bucket", "b-1", "--lake", "./lake"), run("--lake", "./lake")

    assert ["FindTrail", "ListTrail", "ReadTrail"] == sids(both)
    assert "./lake is a folder" in both.stderr
    assert isinstance(alone.exception, UsageError)
    assert ["ListLake", "ReadLake"] == sids(run("--lake", "s3://acme-lake/trailql", "--lake-access", "read"))


def test_caller_and_trust() -> None:
    """
    The caller's policy and the role's trust policy are documents of their own.
    """
    caller = json.loads(run("--role-arn", _ROLE).stdout)["Statement"]
    trust = json.loads(run("--trust", "444455556666", "--external-id", "kestrel-4711").stdout)["Statement"]
    china = json.loads(run("--trust", "444455556666", "--partition", "aws-cn").stdout)["Statement"]

    assert [("sts:AssumeRole", _ROLE)] == [(each["Action"], each["Resource"]) for each in caller]
    assert [{"StringEquals": {"sts:ExternalId": "kestrel-4711"}}] == [each["Condition"] for each in trust]
    assert {"AWS": "arn:aws-cn:iam::444455556666:root"} == china[0]["Principal"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing here needs a permission"),
        (["--role-arn", _ROLE, "--bucket", "b-1"], "each print a policy of their own"),
        (["--role-arn", _ROLE, "--trust", "444455556666"], "each print a policy of their own"),
        (["--bucket", "b-1", "--external-id", "kestrel"], "--external-id belongs to a trust policy"),
        (["--bucket", "central-*"], "wildcard"),
    ],
)
def test_refusals(words: list[str], message: str) -> None:
    """
    Nothing is printed that could be mistaken for a policy.
    """
    result = run(*words)

    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert "" == result.stdout


def test_a_policy_that_is_too_large_for_iam() -> None:
    """
    It is printed all the same, with a word on stderr.
    """
    words = [word for number in range(100) for word in ("--account", f"{number:012d}")]

    result = run("--bucket", "central-trail-bucket", *words)

    assert 100 == len(json.loads(result.stdout)["Statement"][2]["Resource"])
    assert "a managed policy holds 6,144" in result.stderr


def test_help_has_an_example() -> None:
    """
    As every command's help.
    """
    assert "Example: trailql iam-policy --bucket" in " ".join(run("--help").stdout.split())


def test_commands_in_the_documentation_run() -> None:
    """
    Those of docs/aws, as they are written there.
    """
    text = (Path(__file__).resolve().parents[2] / "docs" / "aws" / "README.md").read_text()
    commands = [line.split(">")[0] for line in text.splitlines() if line.startswith("    trailql iam-policy")]

    results = [run(*shlex.split(command)[2:]) for command in commands]

    assert [0, 0, 0] == [result.exit_code for result in results]

"""The files under docs/hunt: what they start is a command that exists, and every engine that reads them is content."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import trailql
from tests.conftest import REPOSITORY
from trailql.hunt.config import _DEAD_MAN, _KEEP, _TOP, KINDS, read_hunt

_FOLDER = REPOSITORY / "docs" / "hunt"
_PAGE = (REPOSITORY / "docs" / "hunt.md").read_text()
_TEMPLATES = sorted(_FOLDER.glob("*.yaml"))


def _options(words: list[str]) -> set[str]:
    return {word for word in words if word.startswith("--")}


@pytest.fixture(scope="module")
def known() -> str:
    """
    The help of `trailql hunt`.
    """
    return trailql("hunt", "--help", env={"COLUMNS": "200", "PATH": "/usr/bin"}).stdout


def _service() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(_FOLDER / "trailql-hunt.service")
    return parser


def test_service_starts_a_round(known: str) -> None:
    """
    Its options exist, and the exit codes that are no failure are named.
    """
    words = shlex.split(_service()["Service"]["ExecStart"])
    assert "hunt" == words[1]
    assert all(option in known for option in _options(words))
    assert "3 9" == _service()["Service"]["SuccessExitStatus"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_units_verify(tmp_path: Path) -> None:
    """
    systemd has nothing to say about service and timer, the program's place apart.
    """
    for name in ("trailql-hunt.service", "trailql-hunt.timer"):
        text = (
            (_FOLDER / name).read_text().replace("/opt/trailql/bin/trailql", "/bin/true").replace("User=trailql\n", "")
        )
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "trailql-hunt.timer"), str(tmp_path / "trailql-hunt.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    about_ours = [line for line in done.stderr.splitlines() if "trailql" in line and "Failed to" not in line]
    assert [] == about_ours


def test_crontab(known: str) -> None:
    """
    Five fields, a user, a command that exists.
    """
    lines = [line for line in (_FOLDER / "crontab").read_text().splitlines() if line and line[0] in "*0123456789"]
    for line in lines:
        *fields, user, command = line.split(maxsplit=6)
        assert (5, "trailql", "$TRAILQL") == (len(fields), user, command.split()[0])
        assert all(re.fullmatch(r"[\d*/,-]+", each) for each in fields)
    assert all(option in known for option in _options(lines[0].split()))


def _yaml(path: Path) -> Any:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the CronJob")
    return yaml.safe_load(path.read_text())


def test_cronjob(known: str) -> None:
    """
    No two at once, nothing run as root, secrets from a Secret, and arguments that exist.
    """
    job = _yaml(_FOLDER / "cronjob.yaml")
    assert ("batch/v1", "CronJob", "Forbid") == (job["apiVersion"], job["kind"], job["spec"]["concurrencyPolicy"])
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert ("Never", True) == (pod["restartPolicy"], pod["securityContext"]["runAsNonRoot"])
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert "hunt" == container["args"][0]
    assert all(option in known for option in _options(container["args"]))
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


def test_cloudformation_is_sound() -> None:
    """
    cfn-lint has nothing to say, neither errors nor warnings.
    """
    pytest.importorskip("cfnlint", reason="cfn-lint is not installed")
    paths = [str(path) for path in _TEMPLATES if path.name != "cronjob.yaml"]
    assert 2 == len(paths)
    words = [sys.executable, "-c", "from cfnlint.runner import main; main()", *paths]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("name", ["lambda.yaml", "fargate.yaml"])
def test_cloudformation_grants_no_more(name: str) -> None:
    """
    Assume one role, keep one lake, publish to some topics, import findings: nothing with a star for everything.
    """
    text = (_FOLDER / name).read_text()
    assert "Resource: '*'" not in text
    assert 'Resource: "*"' not in text
    assert "arn:aws:" not in text.partition("\nResources:")[2]


def test_lambda_calls_what_is_there() -> None:
    """
    The handler that the template names can be imported.
    """
    from importlib import import_module

    found = re.search(r"Command: \[(?P<module>[\w.]+)\.(?P<name>\w+)\]", (_FOLDER / "lambda.yaml").read_text())
    assert found
    assert callable(getattr(import_module(found["module"]), found["name"]))


def test_the_image_has_a_sound_file() -> None:
    """
    docs/hunt/trailql.toml reads.
    """
    assert ["sns", "security_hub"] == [sink.kind for sink in read_hunt(_FOLDER / "trailql.toml").sinks]


def test_the_page_names_every_key() -> None:
    """
    Of the table [hunt], of its tables, and of each sink.
    """
    keys = {*_TOP, *_DEAD_MAN, *_KEEP, *(key for kind in KINDS.values() for key in kind.keys), *KINDS}
    assert [] == sorted(key for key in keys if not re.search(rf"\b{key}\b", _PAGE))


def test_the_file_on_the_page_reads(tmp_path: Path) -> None:
    """
    As it stands there.
    """
    text = re.search(r"```toml\n(\[hunt\].*?)```", _PAGE, re.DOTALL)
    assert text
    path = tmp_path / "trailql.toml"
    path.write_text(text[1])
    assert "on-call" == read_hunt(path).sinks[0].name


def test_the_verifier_on_the_page_works() -> None:
    """
    It takes what the webhook signs, and nothing else.
    """
    from trailql.sinks.webhook import signature

    code = re.search(r"```python\n(.*?)```", _PAGE, re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    signed = signature("key", b"{}", 1000)
    assert names["is_ours"](b"key", signed, b"{}", 1010.0)
    assert not names["is_ours"](b"key", signed, b"{ }", 1010.0)
    assert not names["is_ours"](b"other", signed, b"{}", 1010.0)
    assert not names["is_ours"](b"key", signed, b"{}", 2000.0)

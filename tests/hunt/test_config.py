"""`[hunt]` in trailql.toml: what it means, what is wrong with it, and that its secrets stay secret."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.test_commands import trailql
from trailql.detect.finding import Severity
from trailql.errors import UsageError
from trailql.hunt.config import read_hunt
from trailql.hunt.settings_shown import TEMPLATE, missing_secrets, shown

_SLACK = '[[hunt.sinks]]\ntype = "slack"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "trailql.toml"
    path.write_text(text)
    return path


def test_defaults_and_paths(tmp_path: Path) -> None:
    """
    What is left out has a default; paths are relative to the file, S3 URIs stay.
    """
    found = read_hunt(write(tmp_path, '[hunt]\nlake = "lake"\nsources = ["logs", "s3://central-trail-bucket"]\n'))
    assert (str(tmp_path / "lake"), (str(tmp_path / "logs"), "s3://central-trail-bucket")) == (
        found.lake,
        found.sources,
    )
    assert (timedelta(hours=24), Severity.LOW, ()) == (found.first, found.min_severity, found.sinks)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[hunt]\nsorces = []", "hunt.sorces: unknown key", "sources"),
        ('[hunt]\nfirst = "soon"', "hunt.first: 'soon' is no length of time", 'first = "24h"'),
        ("[hunt]\nflood = 0", "hunt.flood: must be 1 or more, or false", "20"),
        ("[hunt]\nflood = true", "hunt.flood: must be 1 or more, or false", "20"),
        ('[hunt]\nrelist = "3h"', "hunt.relist: must be a day or more", "3d"),
        ('[hunt.dead_man]\nmax_lagg = "1h"', "hunt.dead_man.max_lagg: unknown key", "max_lag"),
        ('[hunt.keep]\nfindings = "36d"', "hunt.keep.findings: must be 37d or more", 'findings = "37d"'),
        ('[hunt]\noldest = "500d"', "hunt.keep.findings: must be 502d or more", 'findings = "502d"'),
        ('[hunt.keep]\nvacuum = "5m"', "hunt.keep.vacuum: must be an hour", ""),
        ('[hunt.metrics]\nfile = "metrics.txt"', "must end in .prom", ""),
        ('[[hunt.sinks]]\ntype = "slak"', "unknown key", "slack"),
        ("[[hunt.sinks]]\nname = 'a'", "hunt.sinks[1].type: is missing", "slack"),
        (_SLACK, "hunt.sinks[1].url: is missing", "incoming webhook"),
        (
            _SLACK + 'url = "https://hooks.example.com/T0/B0/SECRET"',
            "is secret, and does not stand in this file",
            "env",
        ),
        (_SLACK + 'url = { env = "A" }\nmin_severity = "hihg"', "no severity is called", "high"),
        (_SLACK + 'url = { env = "A" }\nurll = "x"', "hunt.sinks[1].urll: unknown key", "url"),
        (f'{_SLACK}url = {{ env = "A" }}\n{_SLACK}url = {{ env = "B" }}', "another sink is called", ""),
        ('[[hunt.sinks]]\ntype = "syslog"\naddress = "nowhere"', "is no host:port", ""),
        ('[[hunt.sinks]]\ntype = "sns"\ncritical = "a"\nerror = "b"\ninfo = "c"', "is no topic's ARN", ""),
        ('[[hunt.sinks]]\ntype = "syslog"\naddress = "h:1"\nprotocol = "tpc"', "unknown key", "tcp"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, message: str, hint: str) -> None:
    """
    With the word that may have been meant; a secret that stands there is not repeated.
    """
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as raised:
        read_hunt(path)
    assert (str(path), True) == (raised.value.at, message in raised.value.message), raised.value.message
    assert hint in (raised.value.hint or "")
    assert "SECRET" not in f"{raised.value} {raised.value.hint}"


def test_template_is_sound(tmp_path: Path) -> None:
    """
    What `trailql config init` writes reads, also with everything uncommented.
    """
    assert 1 == len(read_hunt(write(tmp_path, TEMPLATE)).sinks)
    whole = "\n".join(
        line.removeprefix("# ") if "=" in line or "[" in line[:4] else line for line in TEMPLATE.split("\n")
    )
    found = read_hunt(write(tmp_path, whole))
    assert ["log", "on-call", "soc"] == [sink.name for sink in found.sinks]


def test_secrets_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `config show` and `config check` say where a secret comes from, and whether it is there.
    """
    monkeypatch.setenv("HOOK_URL", "https://hooks.example.com/T0/B0/VERYSECRET")
    (tmp_path / "password").write_text("VERYSECRET\n")
    path = write(
        tmp_path,
        f"""
[hunt]
[hunt.dead_man]
ping = "https://ping.example.com/VERYSECRET"
{_SLACK}
url = {{ env = "HOOK_URL" }}
[[hunt.sinks]]
type = "email"
host = "mail.example.com"
from = "trailql@example.com"
to = "soc@example.com"
user = "trailql"
password = {{ file = "password" }}
""",
    )
    settings = read_hunt(path)
    show = trailql("config", "show", "--config", path)
    check = trailql("config", "check", "--config", path)
    assert "VERYSECRET" not in f"{settings} {json.dumps(shown(settings))} {show.stdout} {show.stderr} {check.stderr}"
    assert '{ env = \\"HOOK_URL\\" }' in show.stdout
    assert (0, []) == (check.returncode, missing_secrets(settings))
    (tmp_path / "password").unlink()
    again = trailql("config", "check", "--config", path)
    assert (3, True) == (again.returncode, "password: the file" in again.stderr)


def test_check_covers_the_whole_file(tmp_path: Path) -> None:
    """
    Also a file without [hunt], and what stands beside it.
    """
    path = write(tmp_path, '[detections."iam.user_created"]\nseverity = "medium"\n')
    done = trailql("config", "check", "--config", path)
    assert (0, True) == (done.returncode, "hunt.sinks is missing" in done.stderr)
    write(tmp_path, '[detections."iam.user_creatd"]\nseverity = "medium"\n')
    assert (2, True) == ((bad := trailql("config", "check", "--config", path)).returncode, "user_created" in bad.stderr)
    write(tmp_path, "[hnt]\n")
    assert "did you mean hunt?" in trailql("config", "check", "--config", path).stderr


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """
    A file that is there is left alone.
    """
    path = tmp_path / "trailql.toml"
    assert 0 == trailql("config", "init", "--output", path).returncode
    assert (2, True) == (
        (done := trailql("config", "init", "--output", path)).returncode,
        "there already" in done.stderr,
    )
    assert 0 == trailql("config", "check", "--config", path).returncode

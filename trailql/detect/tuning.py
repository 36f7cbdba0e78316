"""
What a user changes about detections, from `trailql.toml`: severities, parameters, what is off, what is excepted; and
where detections and enrichment of one's own lie. Its `[hunt]` is read by `trailql.hunt.config`.

    rules = ["rules"]

    [enrich]
    accounts = "accounts.csv"

    [detections."iam.user_created"]
    severity = "medium"

    [[detections."ec2.security_group_open_to_all".exceptions]]
    reason = "the bastion's group"
    expires = 2026-12-31
    resource = "sg-0123*"

Every mistake in it is an error that names file and key: a filter that is misread hides findings.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from trailql.detect.catalog import Detection
from trailql.detect.enrich import FILES
from trailql.detect.excepting import CONDITIONS, ExceptRule
from trailql.detect.finding import Severity
from trailql.errors import UsageError
from trailql.query.library import did_you_mean

FILE_NAME = "trailql.toml"
_KEYS = ("rules", "enrich", "detections", "hunt")
_OF_A_DETECTION = ("severity", "parameters", "disabled", "reason", "exceptions")
_OF_AN_EXCEPTION = ("reason", "expires", *CONDITIONS)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tuning:
    """
    What `trailql.toml` changes.

    Args:
        severities: By detection.
        parameters: By detection and parameter name, as text.
        disabled: Why, by detection.
        exceptions: In the order of the file, also those that have expired.
    """

    severities: Mapping[str, Severity]
    parameters: Mapping[str, Mapping[str, str]]
    disabled: Mapping[str, str]
    exceptions: tuple[ExceptRule, ...]

    def applied(self, detections: Iterable[Detection]) -> list[Detection]:
        """The detections that are not disabled, with the severities of the file."""
        return [
            replace(each, severity=self.severities.get(each.id, each.severity))
            for each in detections
            if each.id not in self.disabled
        ]

    def parameters_of(self, detections: Iterable[Detection]) -> dict[str, str]:
        """Parameters as `run_detections` takes them, of the detections that run."""
        return {
            f"{each.id}.{name}": text for each in detections for name, text in self.parameters.get(each.id, {}).items()
        }


UNTUNED = Tuning({}, {}, {}, ())


def tuning_file(given: Path | None) -> Path | None:
    """
    The file to read: the one given, else ./trailql.toml, else the user's; None where there is none.

    Raises:
        UsageError: The one given does not exist.
    """
    if given:
        if not given.exists():
            raise UsageError("there is no such file", at=str(given), hint=f"--config {FILE_NAME}")
        return given
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return next((path for path in (Path(FILE_NAME), Path(home) / "trailql" / FILE_NAME) if path.is_file()), None)


def files_named(path: Path | None) -> tuple[list[Path], dict[str, list[Path]]]:
    """
    The folders of own detections (`rules`) and the files of `[enrich]` by kind, relative to the `trailql.toml`.

    Raises:
        UsageError: It cannot be read, or a value there is no path.
    """
    if path is None:
        return [], {}
    reading = Reading(path)
    document = reading.document()
    enrich = reading.table(document.get("enrich", {}), "enrich")
    reading.keys(enrich, tuple(FILES), "enrich")
    return reading.paths(document.get("rules", []), "rules"), {
        kind: reading.paths(value, f"enrich.{kind}") for kind, value in enrich.items()
    }


def read_tuning(path: Path | None, detections: Sequence[Detection]) -> Tuning:
    """
    Read a `trailql.toml`.

    Args:
        path: The file; None changes nothing.
        detections: All there are, for their ids and parameters.

    Raises:
        UsageError: It is no TOML, or has an unknown key, id or parameter, a bad value, or an exception that lacks its
            reason, its end, or any condition.
    """
    if path is None:
        return UNTUNED
    reading = Reading(path)
    document = reading.document()
    known = {each.id: each for each in detections}
    severities, parameters, disabled = {}, {}, {}
    exceptions: list[ExceptRule] = []
    for id, table in reading.table(document.get("detections", {}), "detections").items():
        key = f'detections."{id}"'
        if id not in known:
            near = did_you_mean(id, [each.file for each in detections])
            raise reading.wrong(key, "no detection has this id", f"{near}an own one needs its --rules DIR")
        reading.keys(reading.table(table, key), _OF_A_DETECTION, key)
        if "severity" in table:
            severities[id] = reading.severity(table["severity"], f"{key}.severity")
        parameters[id] = reading.parameters(table.get("parameters", {}), known[id], f"{key}.parameters")
        if reading.is_disabled(table, key):
            disabled[id] = reading.text(table.get("reason"), f"{key}.reason")
        listed = table.get("exceptions", [])
        if not isinstance(listed, list):
            raise reading.wrong(f"{key}.exceptions", "a list of tables", f"[[{key}.exceptions]]")
        for number, each in enumerate(listed, 1):
            exceptions.append(reading.exception(each, id, f"{key}.exceptions[{number}]"))
    return Tuning(severities, parameters, disabled, tuple(exceptions))


class Reading:
    """
    One `trailql.toml`, so that every error names it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def document(self) -> dict[str, Any]:
        """The whole of it, its keys checked."""
        try:
            found = tomllib.loads(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            message = f"cannot be read: {(error.strerror or str(error)).lower()}"
            raise UsageError(message, at=str(self._path)) from error
        except ValueError as error:
            raise UsageError(f"not TOML: {error}", at=str(self._path)) from error
        self.keys(found, _KEYS, "")
        return found

    def paths(self, value: Any, key: str) -> list[Path]:
        """One or several paths, relative to the file."""
        listed = value if isinstance(value, list) else [value]
        return [self._path.parent / Path(self.text(each, key)).expanduser() for each in listed]

    def wrong(self, key: str, message: str, hint: str | None = None) -> UsageError:
        """An error at a key."""
        return UsageError(f"{key}: {message}" if key else message, at=str(self._path), hint=hint)

    def table(self, value: Any, key: str) -> dict[str, Any]:
        """A table."""
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a table", f"[{key}]")
        return value

    def keys(self, table: Mapping[str, Any], known: Sequence[str], key: str) -> None:
        """Refuse keys that are none, with the one that may be meant."""
        for name in table:
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
                raise self.wrong(f"{key}.{name}".lstrip("."), "unknown key", hint)

    def text(self, value: Any, key: str) -> str:
        """A text that is not empty."""
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "must say why, in words" if key.endswith("reason") else "must be text")
        return value.strip()

    def severity(self, value: Any, key: str) -> Severity:
        """A severity."""
        try:
            return Severity.read(self.text(value, key))
        except UsageError as error:
            raise error if error.at else self.wrong(key, error.message, error.hint) from error

    def is_disabled(self, table: Mapping[str, Any], key: str) -> bool:
        """Whether a detection is turned off."""
        found = table.get("disabled", False)
        if not isinstance(found, bool):
            raise self.wrong(f"{key}.disabled", "must be true or false")
        return found

    def parameters(self, value: Any, detection: Detection, key: str) -> dict[str, str]:
        """Parameters of a detection, as text."""
        found = {}
        for name, given in self.table(value, key).items():
            if isinstance(given, bool | list | dict):
                raise self.wrong(f"{key}.{name}", "must be a number, a text, or a time")
            found[name] = given.isoformat() if isinstance(given, date) else str(given)
            try:
                detection.file.values({name: found[name]})
            except UsageError as error:
                what = error.message.removeprefix(f"--param {name}=")
                raise self.wrong(f"{key}.{name}", what, error.hint and error.hint.removeprefix("--param ")) from error
        return found

    def exception(self, value: Any, id: str, key: str) -> ExceptRule:
        """One exception."""
        table = self.table(value, key)
        self.keys(table, _OF_AN_EXCEPTION, key)
        reason = self.text(table.get("reason"), f"{key}.reason")
        conditions = {name: self.text(table[name], f"{key}.{name}") for name in CONDITIONS if name in table}
        if not conditions:
            hint = f"one of {', '.join(CONDITIONS)}; to turn the detection off: disabled = true"
            raise self.wrong(key, "there is no condition", hint)
        if "account" in conditions and not _ACCOUNT.fullmatch(conditions["account"]):
            raise self.wrong(f"{key}.account", f"{conditions['account']!r} is no account of 12 digits")
        network = None
        if "network" in conditions:
            try:
                network = ipaddress.ip_network(conditions.pop("network"))
            except ValueError as error:
                raise self.wrong(f"{key}.network", str(error), 'network = "198.51.100.0/24"') from error
        return ExceptRule(id, reason, self.end(table.get("expires"), f"{key}.expires"), network=network, **conditions)

    def end(self, value: Any, key: str) -> date | None:
        """The last day of an exception; None for ever."""
        if value == "never":
            return None
        hint = 'expires = 2026-12-31, or "never"'
        if value is None:
            raise self.wrong(key, "an exception must say when it ends", hint)
        try:
            found = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError as error:
            raise self.wrong(key, f"{value!r} is no date", hint) from error
        if not isinstance(found, date) or isinstance(found, datetime):
            raise self.wrong(key, f"{value} is no date", hint)
        return found


def today() -> date:
    """The day in UTC; an exception holds to the end of the day it names."""
    return datetime.now(UTC).date()

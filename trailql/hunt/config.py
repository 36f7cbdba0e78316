"""
What a hunt does, from `[hunt]` in trailql.toml.

    [hunt]
    lake = "/var/lib/trailql"
    sources = ["s3://central-trail-bucket"]

    [[hunt.sinks]]
    name = "on-call"
    type = "slack"
    min_severity = "high"
    url = { env = "SLACK_WEBHOOK" }

As in the rest of the file every mistake is an error that names file and key; secrets stand in the environment or in
files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from trailql.detect.finding import Severity
from trailql.detect.tuning import Reading
from trailql.errors import UsageError
from trailql.sinks.kinds import KINDS
from trailql.sinks.secret import Secret
from trailql.sinks.sink import Key
from trailql.sources.aws import AwsAccess
from trailql.sources.s3 import is_s3_uri

_SPAN = re.compile(r"(\d{1,6})(s|m|h|d|w)", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_TOP = (
    "name", "lake", "sources", "queue", "queue_for", "relist", "profile", "role_arn", "external_id", "endpoint_url",
    "packs", "only", "skip", "min_severity", "insights", "first", "oldest", "alert_again_after", "flood",
    "dead_man", "keep", "metrics", "sinks",
)  # fmt: skip
_DEAD_MAN = ("silence", "max_lag", "rejected", "failed", "ping")
_KEEP = ("events", "findings", "compact", "vacuum")
_METRICS = ("file",)
_OF_A_SINK = ("name", "type", "min_severity")


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """
    A sink as the file describes it.

    Args:
        name: Part of its alerts' idempotency keys: a sink that is renamed is another one.
        kind: See `trailql.sinks.kinds`.
        min_severity: It is told of findings of this severity or a higher one.
        values: Of its own keys.
    """

    name: str
    kind: str
    min_severity: Severity
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeadMan:
    """
    What is wrong with the hunt itself and alerted like a finding.

    Args:
        silence: An account or Region that always delivers has fallen silent.
        max_lag: The newest delivery is older than this; None turns it off.
        rejected: Log files were rejected.
        failed: A round failed.
        ping: A URL asked after every round that ended well, for a service that notices when it is not.
    """

    silence: bool = True
    max_lag: timedelta | None = timedelta(hours=2)
    rejected: bool = True
    failed: bool = True
    ping: Secret | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """
    How the lake is kept tidy, at most once a day.

    Args:
        events_days: Events older than so many days go; None keeps all.
        findings_days: Findings that have not changed for so many days go; None keeps all.
        compact: Each day's small files are joined.
        vacuum_hours: Files out of use for longer are deleted; None keeps them.
    """

    events_days: int | None = None
    findings_days: int | None = 400
    compact: bool = True
    vacuum_hours: int | None = 168


@dataclass(frozen=True, slots=True)
class HuntSettings:
    """
    The whole of `[hunt]`; spans are what their names say.

    Args:
        file: Where it stands.
        name: Of the hunt: its watermark. One lake may have several.
        lake: The lake.
        sources, queue: What is ingested.
        queue_for: How long a round waits at the queue.
        relist_days: See `trailql.ingest.ingest_logs`.
        access: How AWS is reached for the logs.
        packs, only, skip, min_severity: Which detections.
        insights: Whether unusual rates are looked for.
        first: How far back the first round looks.
        oldest: Newly ingested events older than this are not hunted.
        alert_again_after: A finding that grows after such a quiet time is alerted again.
        flood: More alerts than this in a round are summed up for people; None tells all one by one.
        dead_man, keep: See there.
        metrics: File for Prometheus.
        sinks: Where alerts go.
    """

    file: Path
    lake: str = "lake"
    name: str = "main"
    sources: tuple[str, ...] = ()
    queue: str | None = None
    queue_for: timedelta = timedelta(seconds=30)
    relist_days: int = 3
    access: AwsAccess = field(default_factory=AwsAccess)
    packs: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    min_severity: Severity = Severity.LOW
    insights: bool = True
    first: timedelta = timedelta(hours=24)
    oldest: timedelta = timedelta(days=35)
    alert_again_after: timedelta = timedelta(hours=24)
    flood: int | None = 20
    dead_man: DeadMan = field(default_factory=DeadMan)
    keep: Keep = field(default_factory=Keep)
    metrics: Path | None = None
    sinks: tuple[SinkSettings, ...] = ()


def read_hunt(path: Path, *, is_needed: bool = True) -> HuntSettings:
    """
    Read `[hunt]`.

    Args:
        path: The trailql.toml.
        is_needed: Without such a table it is an error; else all is as it is by default.

    Raises:
        UsageError: There is none, or something in it cannot be meant; the message names file and key.
    """
    reading = Reading(path)
    document = reading.document()
    if "hunt" not in document and not is_needed:
        return HuntSettings(path)
    if "hunt" not in document:
        raise reading.wrong("hunt", "there is no such table", "trailql config init --help")
    return _Hunt(reading, path).read(reading.table(document["hunt"], "hunt"))


class _Hunt:
    """One `[hunt]`."""

    def __init__(self, reading: Reading, path: Path) -> None:
        self._reading = reading
        self._path = path

    def read(self, table: Mapping[str, Any]) -> HuntSettings:
        self._reading.keys(table, _TOP, "hunt")
        for key in ("dead_man", "keep", "metrics"):
            self._reading.table(table.get(key, {}), f"hunt.{key}")
        given: dict[str, Any] = {"file": self._path}
        for key in ("packs", "only", "skip"):
            given[key] = self._texts(table, key)
        for key in ("queue_for", "first", "oldest", "alert_again_after"):
            if key in table:
                given[key] = self._span(table[key], f"hunt.{key}")
        for key in ("queue",):
            if key in table:
                given[key] = self._reading.text(table[key], f"hunt.{key}")
        if "lake" in table:
            given["lake"] = self._place(self._reading.text(table["lake"], "hunt.lake"))
        if "name" in table:
            given["name"] = self._name(table["name"], "hunt.name")
        if "relist" in table:
            given["relist_days"] = self._days(table["relist"], "hunt.relist")
        if "min_severity" in table:
            given["min_severity"] = self._reading.severity(table["min_severity"], "hunt.min_severity")
        if "insights" in table:
            given["insights"] = self._flag(table["insights"], "hunt.insights")
        if "flood" in table:
            given["flood"] = self._flood(table["flood"])
        given["sources"] = tuple(map(self._place, self._texts(table, "sources")))
        given["access"] = self._access(table)
        given["dead_man"] = self._dead_man(table.get("dead_man", {}))
        given["keep"] = self._keep(table.get("keep", {}))
        given["metrics"] = self._metrics(table.get("metrics", {}))
        given["sinks"] = self._sinks(table.get("sinks", []))
        settings = HuntSettings(**given)
        self._check_keep(settings)
        return settings

    def _wrong(self, key: str, message: str, hint: str | None = None) -> UsageError:
        return self._reading.wrong(key, message, hint)

    def _place(self, text: str) -> str:
        if is_s3_uri(text):
            return text
        path = Path(text).expanduser()
        return str(path if path.is_absolute() else self._path.absolute().parent / path)

    def _texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        listed = value if isinstance(value, list) else [value]
        return tuple(self._reading.text(each, f"hunt.{key}") for each in listed)

    def _span(self, value: Any, key: str) -> timedelta:
        found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
        if not found:
            raise self._wrong(key, f"{value!r} is no length of time", f'{key.rpartition(".")[2]} = "24h"')
        return timedelta(**{_UNITS[found[2]]: int(found[1])})

    def _days(self, value: Any, key: str) -> int:
        span = self._span(value, key)
        if span < timedelta(days=1):
            raise self._wrong(key, "must be a day or more", f'{key.rpartition(".")[2]} = "3d"')
        return span.days

    def _flood(self, value: Any) -> int | None:
        if value is False:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong("hunt.flood", "must be 1 or more, or false", "flood = 20")
        return value

    def _flag(self, value: Any, key: str) -> bool:
        if not isinstance(value, bool):
            raise self._wrong(key, "must be true or false")
        return value

    def _name(self, value: Any, key: str) -> str:
        text = self._reading.text(value, key)
        if not _NAME.fullmatch(text):
            raise self._wrong(key, f"{text!r}: letters, digits, dot, hyphen and underscore only")
        return text

    def _access(self, table: Mapping[str, Any]) -> AwsAccess:
        profile, role, external_id, endpoint = (
            self._reading.text(table[key], f"hunt.{key}") if key in table else None
            for key in ("profile", "role_arn", "external_id", "endpoint_url")
        )
        return AwsAccess(profile, role, external_id, None, endpoint)

    def _dead_man(self, table: Mapping[str, Any]) -> DeadMan:
        self._reading.keys(table, _DEAD_MAN, "hunt.dead_man")
        given: dict[str, Any] = {
            key: self._flag(table[key], f"hunt.dead_man.{key}")
            for key in ("silence", "rejected", "failed")
            if key in table
        }
        if "max_lag" in table:
            off = table["max_lag"] is False
            given["max_lag"] = None if off else self._span(table["max_lag"], "hunt.dead_man.max_lag")
        if "ping" in table:
            given["ping"] = self._secret(table["ping"], "hunt.dead_man.ping", is_address=True)
        return DeadMan(**given)

    def _keep(self, table: Mapping[str, Any]) -> Keep:
        self._reading.keys(table, _KEEP, "hunt.keep")
        given: dict[str, Any] = {}
        if "events" in table:
            given["events_days"] = self._days(table["events"], "hunt.keep.events")
        if "findings" in table:
            off = table["findings"] is False
            given["findings_days"] = None if off else self._days(table["findings"], "hunt.keep.findings")
        if "compact" in table:
            given["compact"] = self._flag(table["compact"], "hunt.keep.compact")
        if "vacuum" in table:
            off = table["vacuum"] is False
            span = timedelta(0) if off else self._span(table["vacuum"], "hunt.keep.vacuum")
            if not off and span < timedelta(hours=1):
                raise self._wrong("hunt.keep.vacuum", "must be an hour or more: younger files may be in use")
            given["vacuum_hours"] = None if off else int(span.total_seconds() // 3600)
        return Keep(**given)

    def _check_keep(self, settings: HuntSettings) -> None:
        """What is hunted once more must not have been forgotten."""
        kept, least = settings.keep.findings_days, settings.oldest.days + 2
        if kept is not None and kept < least:
            message = (
                f"must be {least}d or more, two days more than hunt.oldest: what is hunted again would else be new"
            )
            raise self._wrong("hunt.keep.findings", message, f'findings = "{least}d"')

    def _metrics(self, table: Mapping[str, Any]) -> Path | None:
        self._reading.keys(table, _METRICS, "hunt.metrics")
        if not table:
            return None
        text = self._reading.text(table.get("file"), "hunt.metrics.file")
        if not text.endswith(".prom"):
            raise self._wrong("hunt.metrics.file", "must end in .prom, else nobody collects it")
        return Path(self._place(text))

    def _sinks(self, value: Any) -> tuple[SinkSettings, ...]:
        if not isinstance(value, list):
            raise self._wrong("hunt.sinks", "a list of tables", "[[hunt.sinks]]")
        found: dict[str, SinkSettings] = {}
        for number, each in enumerate(value, 1):
            key = f"hunt.sinks[{number}]"
            sink = self._sink(self._reading.table(each, key), key)
            if sink.name in found:
                raise self._wrong(f"{key}.name", f"another sink is called {sink.name!r}")
            found[sink.name] = sink
        return tuple(found.values())

    def _sink(self, table: Mapping[str, Any], key: str) -> SinkSettings:
        if "type" not in table:
            raise self._wrong(f"{key}.type", "is missing", f"one of {', '.join(KINDS)}")
        kind = self._reading.text(table["type"], f"{key}.type")
        self._reading.keys({kind: None}, tuple(KINDS), f"{key}.type")
        keys = KINDS[kind].keys
        self._reading.keys(table, (*_OF_A_SINK, *keys), key)
        values = {name: self._value(table[name], each, f"{key}.{name}") for name, each in keys.items() if name in table}
        missing = [name for name, each in keys.items() if each.is_needed and name not in values]
        if missing:
            raise self._wrong(f"{key}.{missing[0]}", "is missing", f"{missing[0]}: {keys[missing[0]].meaning}")
        if ("user" in values) != ("password" in values):
            raise self._wrong(key, "user and password belong together")
        self._check_addresses(kind, values, key)
        severity = self._reading.severity(table.get("min_severity", "low"), f"{key}.min_severity")
        return SinkSettings(self._name(table.get("name", kind), f"{key}.name"), kind, severity, values)

    def _check_addresses(self, kind: str, values: Mapping[str, Any], key: str) -> None:
        if kind == "sns":
            for level in ("critical", "error", "info"):
                if not re.fullmatch(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]+", values[level], re.ASCII):
                    raise self._wrong(f"{key}.{level}", f"{values[level]!r} is no topic's ARN")
        if kind == "syslog" and values.get("protocol", "udp") != "unix":
            if not re.fullmatch(r"\S+:\d{1,5}", values["address"], re.ASCII):
                raise self._wrong(f"{key}.address", f"{values['address']!r} is no host:port")
        if kind == "security_hub" and not re.fullmatch(r"\d{12}", values["account"], re.ASCII):
            raise self._wrong(f"{key}.account", f"{values['account']!r} is no account of 12 digits")

    def _value(self, value: Any, key: Key, at: str) -> Any:
        match key.kind:
            case "secret" | "address":
                return self._secret(value, at, is_address=key.kind == "address")
            case "number":
                if isinstance(value, bool) or not isinstance(value, int):
                    raise self._wrong(at, "must be a whole number")
                return value
            case "path":
                return Path(self._place(self._reading.text(value, at)))
            case "texts":
                listed = value if isinstance(value, list) else [value]
                return tuple(self._reading.text(each, at) for each in listed)
        text = self._reading.text(value, at)
        if key.choices:
            self._reading.keys({text: None}, key.choices, at)
        return text

    def _secret(self, value: Any, at: str, *, is_address: bool) -> Secret:
        hint = f'{at.rpartition(".")[2]} = {{ env = "NAME" }}, or {{ file = "/run/secrets/name" }}'
        if isinstance(value, str) and is_address:
            return Secret("text", self._reading.text(value, at))
        if not isinstance(value, dict) or len(value) != 1 or not {"env", "file"} & set(value):
            raise self._wrong(at, "is secret, and does not stand in this file", hint)
        [(where, name)] = value.items()
        text = self._reading.text(name, f"{at}.{where}")
        return Secret(where, self._place(text) if where == "file" else text)

"""One alert: a finding, why it is told now, and what to do next, as the outbox keeps it and every sink gets it."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from trailql.detect.finding import Severity
from trailql.report.text import as_text, count_of, json_text, plain, visible

_LONGEST = 400
_SHORT_FINGERPRINT = 12
_AT_ONCE = timedelta(minutes=1)
_NO_FIGURES = frozenset({"calls", "eventName", "errorCode", "requestParameters", "error_messages", "in_window"})
_REASONS = {
    "new": "",
    "raised": "Told before with a lower severity.",
    "again": "Told before; it has come back after a quiet time, or after it was closed.",
    "over": "Told before; the trouble is over, and the finding closed.",
    "summary": "The most severe of this round are told one by one; these are the others.",
}
_ARN_PARTS = 6
_MOST_GROUPS = 20


@dataclass(frozen=True, slots=True)
class Alert:
    """
    What a sink delivers.

    Args:
        key: Idempotency key: the same alert to the same sink has the same one, however often it is tried.
        told: The JSON object of docs/hunt.md: the finding's fields, and `key`, `reason`, `hunt`, `events`,
            `times_seen`, `description`, `false_positives`, `found_at`, `lake`, `next_step`.
    """

    key: str
    told: Mapping[str, Any]

    @property
    def severity(self) -> Severity:
        """Of the finding, as it is told now."""
        return Severity.read(str(self.told["severity"]))

    @property
    def is_over(self) -> bool:
        """Whether it says that a trouble has ended."""
        return str(self.told["reason"]).startswith("over:")

    @property
    def first(self) -> datetime:
        """Of the first event."""
        return datetime.fromisoformat(self.told["first_event_time"])

    @property
    def last(self) -> datetime:
        """Of the last event."""
        return datetime.fromisoformat(self.told["last_event_time"])

    @property
    def found(self) -> datetime:
        """When it was found, which can be days after the last event."""
        text = self.told.get("found_at")
        return datetime.fromisoformat(text) if text else self.last

    @property
    def account(self) -> str:
        """Name and number of the account, as far as they are known."""
        number, name = self.told.get("account"), (self.told.get("enrichment") or {}).get("account_name")
        return f"{name} ({number})" if name and number else str(number or "")

    @property
    def fingerprint(self) -> str:
        """Of the finding."""
        return str(self.told["fingerprint"])


def alert_key(fingerprint: str, sink: str, reason: str) -> str:
    """The idempotency key of an alert."""
    return hashlib.sha256("\x1f".join((fingerprint, sink, reason)).encode()).hexdigest()[:32]


def list_step(round: str, lake: str) -> str:
    """The command that lists what a round has found or seen grow."""
    return f"trailql findings list --round {shlex.quote(round)} --lake {shlex.quote(lake)}"


def next_step(fingerprint: str, lake: str) -> str:
    """The command that shows the events. It holds nothing that stands in a log: it is made to be pasted."""
    return f"trailql findings show {fingerprint[:_SHORT_FINGERPRINT]} --lake {shlex.quote(lake)}"


@dataclass(frozen=True, slots=True)
class Words:
    """
    An alert as a person reads it; plain text that each sink still has to escape for its own language.

    Args:
        headline: Severity and what happened.
        summary: Who, where and when in one line.
        facts: Label and text, in the order of reading.
        why: What the detection looks for.
        harmless: When it may be nothing.
        again: Why it is told although it was told before; empty where it was not.
        next_step: The command that shows the events.
        take_it: The command that says somebody looks after it; empty where nobody needs to.
    """

    headline: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    why: str
    harmless: str
    again: str
    next_step: str
    take_it: str


def in_words(alert: Alert) -> Words:
    """What there is to say of an alert."""
    told = alert.told
    numbers = told.get("numbers") or {}
    who = _short_actor(told.get("actor"))
    facts = [
        ("Who", _who(told.get("actor"))),
        ("What", _what(numbers)),
        ("Where", ", ".join(filter(None, (alert.account, told.get("region") or _regions(told))))),
        ("From", _source(told)),
        ("When", _when(alert)),
        ("How often", _often(told)),
        ("Figures", _figures(numbers)),
        ("Summed up", _summed_up(told.get("summed_up") or ())),
        ("Request", _cut(as_text(numbers.get("requestParameters")))),
        ("ATT&CK", ", ".join(told.get("attack") or ())),
        ("Detection", str(told["id"])),
    ]
    where = (told.get("enrichment") or {}).get("account_name") or told.get("account")
    summary = " ".join(filter(None, (who and f"by {who}", where and f"in {where}", f"at {alert.last:%d %b %H:%M} UTC")))
    return Words(
        headline=visible(f"{'OVER' if alert.is_over else alert.severity.name}: {told['title']}"),
        summary=visible(summary),
        facts=tuple((label, visible(text)) for label, text in facts if text),
        why="" if alert.is_over else _sentence(visible(str(told.get("description") or ""))),
        harmless="" if alert.is_over else _sentence(visible(str(told.get("false_positives") or ""))),
        again=_REASONS.get(str(told["reason"]).partition(":")[0], ""),
        next_step=(step := str(told.get("next_step") or "")),
        take_it=f'{step.replace(" show ", " ack ", 1)} --reason "…"'
        if " findings show " in step and not alert.is_over
        else "",
    )


def as_json(alert: Alert) -> str:
    """The alert as one line of JSON."""
    return json_text({name: plain(value) for name, value in alert.told.items()})


def alert_of(text: str) -> Alert:
    """The alert that `as_json` has written."""
    told = json.loads(text)
    return Alert(str(told["key"]), told)


def _short_actor(actor: str | None) -> str:
    """The telling end of an ARN: `alice`, `role Admin`."""
    if not actor:
        return ""
    tail = actor.split(":", _ARN_PARTS - 1)[-1]
    kind, _, name = tail.partition("/")
    return (name if kind == "user" else f"{kind} {name}").strip() if name else tail


def _who(actor: str | None) -> str:
    short = _short_actor(actor)
    return f"{short} ({actor})" if actor and short != actor else short


def _what(numbers: Mapping[str, Any]) -> str:
    names, errors = numbers.get("eventName"), numbers.get("errorCode")
    return " ".join(filter(None, (as_text(names), errors and f"refused with {as_text(errors)}")))


def _regions(told: Mapping[str, Any]) -> str:
    return "several Regions" if told.get("account") and told.get("event_ids") else ""


def _source(told: Mapping[str, Any]) -> str:
    known = told.get("enrichment") or {}
    aws = f"AWS {known['aws_service']} {known['aws_region']}" if "aws_service" in known else None
    owner = known.get("network") or aws or " ".join(filter(None, (known.get("asn"), known.get("as_name"))))
    place = ", ".join(filter(None, (known.get("city"), known.get("country"))))
    said = ", ".join(filter(None, (owner, place)))
    source = told.get("source_ip") or ("several addresses" if told.get("event_ids") else "")
    return f"{source} ({said})" if source and said else str(source)


def _when(alert: Alert) -> str:
    first, last = alert.first.astimezone(UTC), alert.last.astimezone(UTC)
    span = f"{first:%Y-%m-%d %H:%M:%S}"
    if last > first:
        span += f" to {last:%H:%M:%S}" if last.date() == first.date() else f" to {last:%Y-%m-%d %H:%M:%S}"
    if alert.is_over:
        return f"{span} UTC, over at {alert.found.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    late = alert.found - last
    return f"{span} UTC" + (f", found {_rough(late)} later" if late > _AT_ONCE else "")


def _rough(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return count_of(minutes, "minute")
    hours = round(minutes / 60)
    return count_of(hours, "hour") if hours < 48 else count_of(round(hours / 24), "day")


def _often(told: Mapping[str, Any]) -> str:
    events, times = int(told.get("events") or 0), int(told.get("times_seen") or 1)
    said = [count_of(events, "event")] if events else []
    if times > 1:
        said.append(f"grown in {count_of(times - 1, 'round')} since it was found")
    return "; ".join(said)


def _figures(numbers: Mapping[str, Any]) -> str:
    return _cut(
        ", ".join(
            f"{re.sub('_', ' ', name)} {as_text(value)}"
            for name, value in numbers.items()
            if value is not None and name not in _NO_FIGURES
        )
    )


def _summed_up(groups: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{each['count']} {each['severity']} {each['detection']}" for each in groups[:_MOST_GROUPS]]
    return ", ".join(named) + (
        f" and {len(groups) - _MOST_GROUPS} detections more" if len(groups) > _MOST_GROUPS else ""
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")

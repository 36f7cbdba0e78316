"""
Slack, by an incoming webhook: one message an alert, laid out to be read at three in the morning.

What stands in logs is set as code, with the characters Slack reads escaped, so that no actor, agent or bucket name can
mention a channel, make a link, or break out of its place.

Source:
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trailql.detect.finding import Severity
from trailql.sinks.alert import Alert, in_words
from trailql.sinks.http import json_body, post
from trailql.sinks.secret import Secret
from trailql.sinks.sink import Key, Kind, Sink

_MARKS = {
    Severity.CRITICAL: ":rotating_light:",
    Severity.HIGH: ":red_circle:",
    Severity.MEDIUM: ":large_orange_circle:",
    Severity.LOW: ":large_blue_circle:",
    Severity.INFO: ":white_circle:",
}
_OVER = ":white_check_mark:"
_HEADER, _FIELD, _TEXT = 150, 1900, 2900
_IN_FIELDS = ("Who", "What", "Where", "From", "When", "How often")


class _Slack:
    def __init__(self, name: str, url: Secret) -> None:
        self._name = name
        self._url = url

    def send(self, alert: Alert) -> None:
        post(self._url, json_body(slack_message(alert)), {"Content-Type": "application/json"}, at=self._name)

    def close(self) -> None:
        return None


def slack_message(alert: Alert) -> dict[str, Any]:
    """The message as Block Kit."""
    words = in_words(alert)
    facts = dict(words.facts)
    mark = _OVER if alert.is_over else _MARKS[alert.severity]
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": _cut(words.headline, _HEADER), "emoji": False},
        },
        _section(f"{mark} {_escaped(words.summary)} {_escaped(words.again)}".strip()),
        {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": f"*{label}*\n{_code(facts[label])}", "verbatim": True}
                for label in _IN_FIELDS
                if label in facts
            ],
        },
    ]
    details = [f"*{label}* {_code(facts[label])}" for label in ("Figures", "Request", "Summed up") if label in facts]
    if details:
        blocks.append(_section("\n".join(details)))
    if words.next_step:
        steps = [("Look", words.next_step), ("Take it", words.take_it)]
        blocks.append(_section("\n".join(f"*{label}* {_code(step)}" for label, step in steps if step)))
    said = [f"*Why it matters* {_escaped(words.why)}"] if words.why else []
    said += [f"*May be harmless* {_escaped(words.harmless)}"] if words.harmless else []
    if said:
        blocks.append(_section("\n".join(said)))
    context = " · ".join(
        [alert.severity.name.lower(), *(facts[label] for label in ("ATT&CK", "Detection") if label in facts)]
    )
    blocks.append({"type": "context", "elements": [{"type": "plain_text", "text": context, "emoji": False}]})
    return {
        "text": _cut(_escaped(f"{words.headline}, {words.summary}"), _TEXT),
        "blocks": blocks,
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _TEXT), "verbatim": True}}


def _escaped(text: str) -> str:
    """The characters Slack reads, as it wants them; and none that would set text as code."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def _code(text: str) -> str:
    return f"`{_cut(_escaped(text), _FIELD)}`"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 2] + " …"


def _make(name: str, values: Mapping[str, Any]) -> Sink:
    return _Slack(name, values["url"])


SLACK = Kind({"url": Key("secret", "URL of the incoming webhook", is_needed=True)}, _make, is_for_people=True)

"""Settings of a hunt as people look at them: what they mean, which secrets are missing, and a file to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from trailql.errors import SinkError
from trailql.hunt.config import HuntSettings
from trailql.sinks.secret import Secret


def missing_secrets(settings: HuntSettings) -> list[str]:
    """What is wrong with secrets that cannot be had right now, by sink."""
    found = []
    for sink in settings.sinks:
        for name, value in sink.values.items():
            if isinstance(value, Secret):
                try:
                    value.value()
                except SinkError as error:
                    found.append(f"{sink.name}: {name}: {error.message}")
    return found


def shown(settings: HuntSettings) -> dict[str, Any]:
    """All settings, defaults included and secrets left out, as JSON holds them."""
    return {
        "file": str(settings.file),
        "name": settings.name,
        "lake": settings.lake,
        "sources": list(settings.sources),
        "queue": settings.queue,
        "queue_for": span_text(settings.queue_for),
        "relist": f"{settings.relist_days}d",
        "role_arn": settings.access.role_arn,
        "profile": settings.access.profile,
        "endpoint_url": settings.access.endpoint_url,
        "packs": list(settings.packs),
        "only": list(settings.only),
        "skip": list(settings.skip),
        "min_severity": settings.min_severity.name.lower(),
        "insights": settings.insights,
        "first": span_text(settings.first),
        "oldest": span_text(settings.oldest),
        "alert_again_after": span_text(settings.alert_again_after),
        "flood": settings.flood or False,
        "dead_man": {
            "silence": settings.dead_man.silence,
            "max_lag": span_text(settings.dead_man.max_lag) if settings.dead_man.max_lag else False,
            "rejected": settings.dead_man.rejected,
            "failed": settings.dead_man.failed,
            "ping": str(settings.dead_man.ping) if settings.dead_man.ping else None,
        },
        "keep": {
            "events": f"{settings.keep.events_days}d" if settings.keep.events_days else None,
            "findings": f"{settings.keep.findings_days}d" if settings.keep.findings_days else False,
            "compact": settings.keep.compact,
            "vacuum": f"{settings.keep.vacuum_hours}h" if settings.keep.vacuum_hours else False,
        },
        "metrics": str(settings.metrics) if settings.metrics else None,
        "sinks": [
            {
                "name": sink.name,
                "type": sink.kind,
                "min_severity": sink.min_severity.name.lower(),
                **{name: _plain(value) for name, value in sink.values.items()},
            }
            for sink in settings.sinks
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Secret | Path):
        return str(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def span_text(span: timedelta) -> str:
    """`35d`, `90m`: as it is written in the file."""
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


TEMPLATE = """\
# What `trailql hunt` does, and what it says to whom. Every key: docs/hunt.md. Look at it: trailql config check

# rules = ["rules"]                         # folders of your own detections

[hunt]
lake = "lake"
sources = ["s3://central-trail-bucket"]     # or folders; or queue = "https://sqs.eu-west-1.amazonaws.com/…"
# role_arn = "arn:aws:iam::111122223333:role/trailql-audit"
min_severity = "low"                        # which detections run: also packs, only, skip
insights = true
first = "24h"                               # how far back the first round looks
alert_again_after = "24h"                   # a finding that grows after such a quiet time is told again
flood = 20                                  # of more alerts in a round people get the most severe, and a summary

[hunt.dead_man]                             # what is wrong with the hunt itself
max_lag = "2h"

[hunt.keep]
# events = "400d"                           # older events go
findings = "400d"                           # and findings that have not changed for so long
vacuum = "7d"

# [hunt.metrics]
# file = "/var/lib/node_exporter/trailql.prom"

[[hunt.sinks]]
name = "log"
type = "stdout"

# [[hunt.sinks]]
# name = "on-call"
# type = "slack"
# min_severity = "high"
# url = { env = "SLACK_WEBHOOK" }           # secrets: from the environment, or { file = "/run/secrets/slack" }

# [[hunt.sinks]]
# name = "soc"
# type = "email"
# min_severity = "medium"
# host = "mail.example.com"
# from = "trailql@example.com"
# to = ["soc@example.com"]
# user = "trailql"
# password = { file = "/run/secrets/smtp" }
"""
"""What `trailql config init` writes."""

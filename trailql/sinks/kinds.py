"""All kinds of sinks, by the name they have in trailql.toml."""

from __future__ import annotations

from trailql.sinks.email import EMAIL
from trailql.sinks.files import FILE, STDOUT
from trailql.sinks.security_hub import SECURITY_HUB
from trailql.sinks.sink import Kind
from trailql.sinks.slack import SLACK
from trailql.sinks.sns import SNS
from trailql.sinks.syslog import SYSLOG
from trailql.sinks.webhook import WEBHOOK

KINDS: dict[str, Kind] = {
    "stdout": STDOUT,
    "file": FILE,
    "slack": SLACK,
    "webhook": WEBHOOK,
    "email": EMAIL,
    "sns": SNS,
    "security_hub": SECURITY_HUB,
    "syslog": SYSLOG,
}

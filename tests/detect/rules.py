"""Rules of a user's own, for tests."""

from __future__ import annotations

import json
from pathlib import Path

HEADER = """\
-- title: The break-glass user signed in
-- severity: high
-- attack: T1078.004
-- description: It is for emergencies.
-- quiet when: the call failed
-- misses: its access keys
-- source: https://docs.aws.amazon.com/IAM/latest/UserGuide/
"""
SQL = """\
SELECT * FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName = 'ConsoleLogin'
  AND errorCode IS NULL
"""
SAMPLES = {
    "base": {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"},
    "fires": [{"case": "signed in"}],
    "quiet": [{"case": "refused", "set": {"errorCode": "AccessDenied"}}],
}


def write_rule(
    folder: Path, text: str = HEADER + SQL, *, name: str = "iam/break_glass", samples: object = SAMPLES
) -> Path:
    """A rule and its samples; none where `samples` is None."""
    path = folder / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if samples is not None:
        path.with_suffix(".samples.json").write_text(json.dumps(samples))
    return path

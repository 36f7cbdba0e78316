"""A round as an AWS Lambda function; the handler is `trailql.hunt.on_lambda.handle`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from trailql.errors import BusyError, TrailqlError
from trailql.hunt.config import read_hunt
from trailql.hunt.round import run_round

_CONFIG = "/etc/trailql/trailql.toml"


def handle(event: Any, context: Any) -> dict[str, Any]:
    """
    Run one round by the file that TRAILQL_CONFIG names.

    Returns:
        What it did, for the function's log.

    Raises:
        TrailqlError: The round came to nothing; the invocation counts as failed.
    """
    settings = read_hunt(Path(os.environ.get("TRAILQL_CONFIG", _CONFIG)))
    try:
        result = run_round(settings)
    except BusyError as error:
        return {"status": "refused", "reason": str(error)}
    if result.errors:
        raise TrailqlError("; ".join(result.errors))
    return {
        "status": "done",
        "events": result.fresh.events,
        "findings": len(result.new),
        "alerts": result.alerts,
        "waiting": result.waiting,
        "seconds": round(result.seconds, 3),
    }

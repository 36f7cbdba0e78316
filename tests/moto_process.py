"""
moto's server as a process: `python -m tests.moto_process PORT [SEED]`; SEED is a folder of buckets with objects.

Beside SEED may lie SEED.metadata.json: user-defined metadata by `BUCKET/KEY`.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path

import moto.sqs.models
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.utils import unix_time_millis
from moto.s3.models import s3_backends
from moto.server import main


def load(seed: Path) -> None:
    """Put every file below `seed/BUCKET/` into that bucket, past the API for speed."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    beside = seed.with_name(f"{seed.name}.metadata.json")
    metadata = json.loads(beside.read_text()) if beside.exists() else {}
    for bucket in sorted(seed.iterdir()):
        backend.create_bucket(bucket.name, "us-east-1")
        for path in sorted(bucket.rglob("*")):
            if path.is_file():
                key = str(path.relative_to(bucket))
                stored = backend.put_object(bucket.name, key, path.read_bytes())
                stored.set_metadata(
                    {f"x-amz-meta-{name}": value for name, value in metadata.get(f"{bucket.name}/{key}", {}).items()}
                )


def now_millis(moment: datetime | None = None) -> float:
    """moto's clock, twenty times as quick: its queue asks for the time for each waiting message, again and again."""
    return unix_time_millis(moment) if moment else time.time() * 1000


if __name__ == "__main__":
    moto.sqs.models.unix_time_millis = now_millis
    if len(sys.argv) > 2:
        load(Path(sys.argv[2]))
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])

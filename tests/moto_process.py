"""moto's server as a process: `python -m tests.moto_process PORT [SEED]`; SEED is a folder of buckets with objects."""

from __future__ import annotations

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
    for bucket in sorted(seed.iterdir()):
        backend.create_bucket(bucket.name, "us-east-1")
        for path in sorted(bucket.rglob("*")):
            if path.is_file():
                backend.put_object(bucket.name, str(path.relative_to(bucket)), path.read_bytes())


def now_millis(moment: datetime | None = None) -> float:
    """moto's clock, twenty times as quick: its queue asks for the time for each waiting message, again and again."""
    return unix_time_millis(moment) if moment else time.time() * 1000


if __name__ == "__main__":
    moto.sqs.models.unix_time_millis = now_millis
    if len(sys.argv) > 2:
        load(Path(sys.argv[2]))
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])

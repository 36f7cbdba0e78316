"""
Write a large, realistic trail for the benchmark: the same bytes for the same seed and scale.

    python tests/bench/make_trail.py TARGET --scale 1 --seed 1

One unit of scale is one million events over one day, from 40 accounts in 12 regions. File sizes follow what real
buckets show: a median of 6 records, a long tail into the thousands.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from random import Random

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sample_logs.calls import CATALOGUE, call
from sample_logs.identities import BOTO, CLI, JAVA, SSM_AGENT, Caller, Place, assumed_role, iam_user, key_id

EVENTS_PER_DAY = 1_000_000
SLOTS_PER_DAY = 288
_FIRST_DAY = datetime(2026, 10, 5, tzinfo=UTC)
_ACCOUNTS = [f"{100000000000 + 7919 * number * 104729 % 899999999999:012d}" for number in range(40)]
_REGIONS = (
    "us-east-1 us-east-2 us-west-1 us-west-2 eu-west-1 eu-west-2 eu-central-1 "
    "ap-southeast-1 ap-southeast-2 ap-northeast-1 ca-central-1 sa-east-1"
).split()
_MEDIAN_RECORDS, _SPREAD, _MOST_RECORDS = 6, 2.2, 5000
_SESSION_EVERY = 3600


def make_trail(target: Path, scale: float, seed: int) -> int:
    """Write the trail and return its events; a finished one of the same scale and seed is left as it is."""
    marker = target / "trail.made"
    wanted = {"scale": scale, "seed": seed, "made_by": 2}
    if marker.exists() and json.loads(marker.read_text()).items() >= wanted.items():
        return int(json.loads(marker.read_text())["events"])
    slots = [(slot, round(EVENTS_PER_DAY / SLOTS_PER_DAY)) for slot in range(round(SLOTS_PER_DAY * scale))]
    with ProcessPoolExecutor() as pool:
        events = sum(pool.map(partial(write_slot, target, seed), slots, chunksize=4))
    marker.write_text(json.dumps(wanted | {"events": events}))
    return events


def make_slots(target: Path, slots: int, events: int, seed: int) -> list[Path]:
    """Write five-minute deliveries, a folder each, and return the folders in order."""
    folders = [target / f"{number:04}" for number in range(slots)]
    marker = target / "slots.made"
    wanted = {"slots": slots, "events": events, "seed": seed}
    if not (marker.exists() and json.loads(marker.read_text()) == wanted):
        with ProcessPoolExecutor() as pool:
            each = [(number, events // slots + (number < events % slots)) for number in range(slots)]
            sum(pool.map(write_slot, folders, [seed] * slots, each, chunksize=4))
        marker.write_text(json.dumps(wanted))
    return folders


def write_slot(target: Path, seed: int, slot: tuple[int, int]) -> int:
    """The files delivered in one five-minute slot."""
    number, events = slot
    rng = Random(f"{seed}:{number}")
    delivered = _FIRST_DAY + timedelta(minutes=5 * (number + 1))
    for place, count in _files(rng, events):
        records = [_record(rng, place, delivered - timedelta(seconds=rng.uniform(180, 480))) for _ in range(count)]
        _write(target, rng, place, delivered, records)
    return events


def _files(rng: Random, events: int) -> Iterator[tuple[Place, int]]:
    left = events
    while left:
        size = min(left, _MOST_RECORDS, max(1, round(rng.lognormvariate(0, _SPREAD) * _MEDIAN_RECORDS)))
        yield Place(_ACCOUNTS[int(rng.random() ** 2 * 40)], _REGIONS[int(rng.random() ** 3 * 12)]), size
        left -= size


_NAMES = sorted(CATALOGUE)
_WEIGHTS = list(accumulate(1 / (rank + 4) for rank in range(len(_NAMES))))
_ORDER = Random("popularity").sample(_NAMES, len(_NAMES))


def _record(rng: Random, place: Place, time: datetime) -> dict[str, object]:
    name = rng.choices(_ORDER, cum_weights=_WEIGHTS)[0]
    caller = _caller(place, int(rng.random() ** 2 * 60), int(time.timestamp()) // _SESSION_EVERY)
    return call(rng, time, name, caller, place, is_denied=rng.random() < 0.04)


_CALLERS: dict[tuple[str, int, int], Caller] = {}


def _caller(place: Place, number: int, session: int) -> Caller:
    """One of 60 principals of an account: every tenth a user with a key, the others role sessions of an hour."""
    known = _CALLERS.get((place.account, number, session))
    if known:
        return known
    rng = Random(f"{place.account}:{number}:{session}")
    started = datetime.fromtimestamp(session * _SESSION_EVERY, UTC)
    ip = f"{('192.0.2', '198.51.100', '203.0.113')[number % 3]}.{rng.randrange(1, 255)}"
    agent = (CLI, BOTO, JAVA, SSM_AGENT)[number % 4]
    if number % 10 == 0:
        fixed = Random(f"{place.account}:{number}")
        identity = iam_user(place.account, f"service-user-{number}", key=key_id(fixed, "AKIA"))
    else:
        name = f"i-0{rng.getrandbits(64):016x}" if number % 4 == 3 else f"session-{rng.getrandbits(32):08x}"
        identity = assumed_role(
            place.account, f"team-{number % 12}-service-{number}", name, key=key_id(rng), since=started
        )
    _CALLERS[place.account, number, session] = Caller(identity, ip, agent)
    return _CALLERS[place.account, number, session]


def _write(target: Path, rng: Random, place: Place, delivered: datetime, records: list[dict[str, object]]) -> None:
    unique = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=16))
    folder = target / f"AWSLogs/o-benchmark01/{place.account}/CloudTrail/{place.region}/{delivered:%Y/%m/%d}"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{place.account}_CloudTrail_{place.region}_{delivered:%Y%m%dT%H%M}Z_{unique}.json.gz"
    body = msgspec.json.encode({"Records": records})
    folder.joinpath(name).write_bytes(gzip.compress(body, 6, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="millions of events")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(make_trail(arguments.target, arguments.scale, arguments.seed))


if __name__ == "__main__":
    main()

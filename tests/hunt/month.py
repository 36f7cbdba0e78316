"""
A month of a small organization, its clock in our hands: what happens, when its log files arrive, and what must be told.

Log files come on time, days later, in any order, and twice; rounds are skipped, killed, or run beside each other; sinks
fail as chance has it. What is planted must be alerted all the same, each thing once.

    python -m tests.hunt --kills 100 --seed 1 [--s3]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

from sample_logs.identities import iam_user
from tests.made import ACCOUNT, OTHER_ACCOUNT, REGION, Record, record, write_log
from tests.servers import KEYS, Server, aws_server
from trailql.errors import BusyError
from trailql.hunt.config import read_hunt
from trailql.hunt.round import run_round

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
DETECTIONS = (
    "cloudtrail.trail_logging_stopped",
    "ec2.terminate_instances_burst",
    "iam.administrator_policy_attached",
)
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
BUCKET = "lakes"
S3_CLOCKS = {"_LEASE_SECONDS": 3.0, "_NOTE_SECONDS": 0.4, "_DEAD_SECONDS": 3.0}
"""How long a round in S3 is held for alive: seconds here, minutes otherwise."""
IN_S3_DAYS, IN_S3_EVERY = 3, timedelta(days=13)
"""Rounds in S3 take seconds each: few of them, the last one after all is delivered."""


@dataclass(frozen=True)
class Delivery:
    """A log file: when it arrives, and what it holds."""

    at: datetime
    unique: str
    records: tuple[Record, ...]
    account: str = ACCOUNT


@dataclass
class Month:
    """
    What happens in a month.

    Args:
        deliveries: Log files.
        planted: What must be alerted: detection and user.
    """

    deliveries: list[Delivery] = field(default_factory=list)
    planted: set[tuple[str, str]] = field(default_factory=set)


def make_month(seed: int, days: int) -> Month:
    """A month by a seed."""
    rng = Random(seed)
    month = Month()
    numbers = iter(range(10**6))

    def deliver(records: list[Record], delay: timedelta, account: str = ACCOUNT) -> None:
        last = max(datetime.fromisoformat(each["eventTime"]) for each in records)
        at = last + delay
        unique = f"file{next(numbers):012d}"
        month.deliveries.append(Delivery(at, unique, tuple(records), account))
        if rng.random() < 0.2:  # once more, under another name
            month.deliveries.append(
                Delivery(at + timedelta(hours=rng.randrange(60)), f"{unique[:-3]}copy"[-16:], tuple(records), account)
            )

    def late() -> timedelta:
        return rng.choice([timedelta(minutes=8)] * 3 + [timedelta(hours=30), timedelta(days=rng.randrange(2, 20))])

    def made(user: str, at: datetime, source: str, name: str, **fields: Any) -> Record:
        account = fields.pop("account", ACCOUNT)
        return record(
            next(numbers),
            at=at,
            eventSource=f"{source}.amazonaws.com",
            eventName=name,
            userIdentity=iam_user(account, user, key="AKIAIOSFODNN7EXAMPLE"),
            recipientAccountId=account,
            readOnly=False,
            errorCode=None,
            **fields,
        )

    for day in range(days):
        midnight = BEGIN + timedelta(days=day)
        for hour in (3, 12, 20):
            at = midnight + timedelta(hours=hour, minutes=rng.randrange(50))
            deliver([record(next(numbers), at=at + timedelta(seconds=each)) for each in range(5)], timedelta(minutes=8))
        if rng.random() < 0.6:
            user = f"stopper-{day}"
            at = midnight + timedelta(minutes=rng.randrange(1440))
            month.planted.add((DETECTIONS[0], user))
            deliver([made(user, at, "cloudtrail", "StopLogging")], late())
            if rng.random() < 0.5 and at.hour < 22:  # again the same day: the same finding, grown
                deliver([made(user, at + timedelta(minutes=50), "cloudtrail", "StopLogging")], late())
        if rng.random() < 0.4:
            user = f"granter-{day}"
            at = midnight + timedelta(minutes=rng.randrange(1440))
            account = rng.choice([ACCOUNT, OTHER_ACCOUNT])
            month.planted.add((DETECTIONS[2], user))
            asked = {"userName": user, "policyArn": ADMINISTRATOR}
            deliver(
                [made(user, at, "iam", "AttachUserPolicy", account=account, requestParameters=asked)], late(), account
            )
        if rng.random() < 0.4:  # a burst around midnight, half of it late: neither half is one without the other
            user = f"breaker-{day}"
            at = midnight + timedelta(hours=23, minutes=56, seconds=rng.randrange(60))
            month.planted.add((DETECTIONS[1], user))
            calls = [
                made(user, at + timedelta(seconds=60 * each), "ec2", "TerminateInstances", **_instances(day, each))
                for each in range(6)
            ]
            deliver(calls[:3], late())
            deliver(calls[3:], late())
        elif rng.random() < 0.5:  # a burst that is one by itself; how it began comes late
            user = f"wrecker-{day}"
            at = midnight + timedelta(hours=10, minutes=rng.randrange(60))
            month.planted.add((DETECTIONS[1], user))
            calls = [
                made(user, at + timedelta(seconds=30 * each), "ec2", "TerminateInstances", **_instances(day, each))
                for each in range(8)
            ]
            deliver(calls[2:], timedelta(minutes=8))
            deliver(calls[:2], timedelta(days=rng.randrange(1, 15)))
    month.deliveries.sort(key=lambda each: each.at)
    return month


def _instances(day: int, number: int) -> dict[str, Any]:
    items = [{"instanceId": f"i-{day:04x}{number:04x}{each:02x}"} for each in range(2)]
    return {
        "requestParameters": {"instancesSet": {"items": items}},
        "responseElements": {"instancesSet": {"items": items}},
    }


# --- the other side ---------------------------------------------------------------------------------------------


class Receiver:
    """
    A webhook on loopback that fails as chance has it: errors, broken connections, alerts taken without an answer.

    Args:
        seed: Of chance.
        failing: Share of the requests it spoils.
    """

    def __init__(self, seed: int, failing: float) -> None:
        self.received: Counter[str] = Counter()
        self.alerts: dict[str, dict[str, Any]] = {}
        self.failures = 0
        self.failing = failing
        rng, lock = Random(seed), threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    fate = rng.choice(["500", "429", "drop"]) if rng.random() < outer.failing else "take"
                    outer.failures += fate != "take"
                    if fate == "take":
                        assert self.headers["Idempotency-Key"] == body["key"]
                        outer.received[body["key"]] += 1
                        outer.alerts[body["key"]] = body
                if fate == "drop":
                    self.close_connection = True
                    return
                self.send_response(200 if fate == "take" else int(fate))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def write_config(folder: Path, url: str, lake: str) -> Path:
    """The hunt of the month: a file, and a webhook that fails."""
    path = folder / "trailql.toml"
    only = ", ".join(f'"{each}"' for each in DETECTIONS)
    path.write_text(f"""
[hunt]
lake = "{lake}"
sources = ["logs"]
only = [{only}]
insights = false
alert_again_after = "400d"
[hunt.dead_man]
silence = false
rejected = false
failed = false
max_lag = false
[hunt.metrics]
file = "metrics.prom"
[[hunt.sinks]]
name = "file"
type = "file"
path = "alerts.jsonl"
[[hunt.sinks]]
name = "hook"
type = "webhook"
url = "{url}"
""")
    return path


def play_round(config: Path, now: datetime, aws: str | None) -> None:
    """One round at a time of ours; in a process that may be killed. With the URL of an AWS its clocks are short."""
    from trailql.hunt import outbox
    from trailql.lake import s3_storage

    outbox._SECOND_TRY_SECONDS = 0.0
    if aws:
        os.environ.pop("AWS_PROFILE", None)
        os.environ.update(KEYS, AWS_ENDPOINT_URL=aws)
        for name, seconds in S3_CLOCKS.items():
            setattr(s3_storage, name, seconds)
    try:
        run_round(read_hunt(config), clock=lambda: now)
    except BusyError:
        sys.exit(9)


@dataclass
class Outcome:
    """What a month led to."""

    planted: int = 0
    rounds: int = 0
    skipped: int = 0
    refused: int = 0
    kills: int = 0
    failures: int = 0
    repeated: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.planted} incidents, {self.rounds} rounds ({self.skipped} skipped, {self.refused} refused beside "
            f"another), {self.kills} killed, {self.failures} deliveries spoiled; {self.repeated} repeated with the "
            f"same key; {len(self.faults)} faults"
        )


def play(
    folder: Path,
    *,
    seed: int,
    days: int,
    kills: int = 0,
    every: timedelta = timedelta(hours=24),
    server: Server | None = None,
) -> Outcome:
    """
    Play a month, then rounds until nothing waits, and look.

    Args:
        folder: For logs, lake and alerts.
        seed: Of everything.
        days: How long the month is.
        kills: How many rounds are killed.
        every: Pause between rounds.
        server: An AWS with a bucket `lakes`: the lake lies there, below a prefix by the seed. None: on disk.
    """
    rng = Random(seed)
    month = make_month(seed, days)
    outcome = Outcome(planted=len(month.planted))
    receiver = Receiver(seed, failing=0.4)
    config = write_config(folder, receiver.url, f"s3://{BUCKET}/month-{seed}" if server else "lake")
    aws = server.url if server else None
    logs = folder / "logs"
    logs.mkdir()
    write_log(logs, record(999_999, at=BEGIN), delivered=BEGIN, unique="first00000000000")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["pandas", "tests.hunt.month", "trailql.hunt.round"])
    pending = list(month.deliveries)
    moments = []
    now = BEGIN + timedelta(hours=1)
    while pending or now < BEGIN + timedelta(days=days):
        moments.append(now)
        now += every
        if now > BEGIN + timedelta(days=days + 25):
            break
    killed_at = Counter(rng.sample([*range(len(moments))] * -(-kills // len(moments)), kills))
    seconds = 1.5 if server else 0.6
    try:
        for number, moment in enumerate(moments):
            while pending and pending[0].at <= moment:
                each = pending.pop(0)
                write_log(
                    logs, *each.records, account=each.account, region=REGION, delivered=each.at, unique=each.unique
                )
            if number not in killed_at and rng.random() < 0.15:
                outcome.skipped += 1
                continue
            for _ in range(killed_at[number]):
                victim = processes.Process(target=play_round, args=(config, moment, aws), daemon=True)
                victim.start()
                time.sleep(rng.uniform(0.05, seconds * 1.1))
                victim.kill()
                victim.join()
                outcome.kills += victim.exitcode == -9
                if server:  # until nobody holds it for alive
                    time.sleep(max(S3_CLOCKS.values()) + 0.2)
            beside = None
            if rng.random() < 0.1:
                beside = processes.Process(target=play_round, args=(config, moment, aws), daemon=True)
                beside.start()
            begun = time.monotonic()
            ours = processes.Process(target=play_round, args=(config, moment, aws), daemon=True)
            ours.start()
            ours.join()
            seconds = 0.8 * seconds + 0.2 * (time.monotonic() - begun)
            outcome.rounds += 1
            codes = [ours.exitcode]
            if beside is not None:
                beside.join()
                codes.append(beside.exitcode)
                outcome.rounds += 1
            outcome.refused += codes.count(9)
            if not set(codes) <= {0, 9} or codes == [9]:
                outcome.faults.append(f"a round at {moment} ended with {codes}")
        receiver.failing = 0.0
        for _ in range(1 if server else 3):
            now += timedelta(hours=12)
            play_in_peace(config, now, processes, aws)
        outcome.failures = receiver.failures
        _judge(folder, month, receiver, outcome)
    finally:
        receiver.close()
    return outcome


def play_in_peace(config: Path, now: datetime, processes: Any, aws: str | None) -> None:
    """A round that is let be."""
    process = processes.Process(target=play_round, args=(config, now, aws), daemon=True)
    process.start()
    process.join()
    assert process.exitcode == 0, process.exitcode


def _judge(folder: Path, month: Month, receiver: Receiver, outcome: Outcome) -> None:
    lines = [json.loads(line) for line in (folder / "alerts.jsonl").read_text().splitlines()]
    in_file = Counter(each["key"] for each in lines)
    for sink, counts, alerts in (
        ("file", in_file, {each["key"]: each for each in lines}),
        ("hook", receiver.received, receiver.alerts),
    ):
        told = Counter((each["id"], str(each["actor"]).rpartition("/")[2]) for each in alerts.values())
        outcome.faults += [f"{sink}: {each} is missing" for each in sorted(month.planted - set(told))]
        outcome.faults += [f"{sink}: {each} was not planted" for each in sorted(set(told) - month.planted)]
        outcome.faults += [f"{sink}: {each} has {count} keys" for each, count in told.items() if count > 1]
        repeated = sum(count - 1 for count in counts.values())
        outcome.repeated += repeated
        if repeated > outcome.kills:
            outcome.faults.append(f"{sink}: {repeated} alerts came twice")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--s3", action="store_true", help="the lakes lie in S3")
    arguments = parser.parse_args()
    outcome = Outcome()
    seed = arguments.seed
    with (
        tempfile.TemporaryDirectory(prefix="trailql-hunt-") as above,
        aws_server(Path(above)) if arguments.s3 else nullcontext() as server,
    ):
        if server:
            server.client("s3").create_bucket(Bucket=BUCKET)
        while outcome.kills < arguments.kills:
            with tempfile.TemporaryDirectory(prefix="trailql-hunt-") as folder:
                kills = min(12 if server else 50, arguments.kills - outcome.kills)
                days, every = (IN_S3_DAYS, IN_S3_EVERY) if server else (30, timedelta(hours=24))
                one = play(Path(folder), seed=seed, days=days, kills=kills, every=every, server=server)
            print(f"seed {seed}: {one}", file=sys.stderr, flush=True)
            for name in ("planted", "rounds", "skipped", "refused", "kills", "failures", "repeated"):
                setattr(outcome, name, getattr(outcome, name) + getattr(one, name))
            outcome.faults += one.faults
            seed += 1
    print(outcome)
    print("\n".join(outcome.faults[:50]))
    raise SystemExit(bool(outcome.faults))

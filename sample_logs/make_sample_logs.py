"""
Write the sample: five weeks of an invented organization's CloudTrail files, and what is to be found in them.

    python sample_logs/make_sample_logs.py [TARGET] [--force]

Nothing depends on the clock, the machine or the order of sets: every run writes the same uncompressed bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

if __package__ in (None, ""):  # run as a script: let it find itself as a package
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sample_logs import expected, oddities
from sample_logs.attack import attack, response
from sample_logs.delivery import compress, deliver, write_tree
from sample_logs.digests import digests, insights, metadata, public_keys
from sample_logs.jobs import backup_traffic, deployment_traffic
from sample_logs.office import office_traffic
from sample_logs.organization import machine_traffic


@dataclass(frozen=True)
class Sample:
    """
    The whole sample in memory.

    Args:
        objects: Stored bytes by key.
        answers: What `expected.json` says.
        beside: What else verifying the digests needs, by path: public keys, and the newest digest's signature.
    """

    objects: dict[str, bytes]
    answers: dict[str, Any]
    beside: dict[str, Any]


def make_sample() -> Sample:
    """
    Make the traffic, deliver it, spoil it a little, and count what is left to find.
    """
    steps, aftermath = attack(), response()
    records = [*machine_traffic(), *backup_traffic(), *deployment_traffic(), *office_traffic()]
    for step in (*steps, aftermath):
        records += step.records
    files = deliver(records, Random("delivery"))
    rng = Random("oddities")
    unknown = oddities.add_unknown_fields(files)
    twice = oddities.repeat_files(files, rng)
    files.sort(key=lambda file: file.key)
    repeated = oddities.repeat_records(files, {*twice, *twice.values()}, rng)
    truncated = oddities.truncated_file(files, rng)
    empty = oddities.add_empty_files(files, rng)
    page = oddities.error_page(rng)
    sharing = next(step for step in steps if step.name == "snapshot_sharing")
    proofs = digests(files)
    unusual = insights([r for r in sharing.records if r["eventName"] == "ModifySnapshotAttribute"], Random("insights"))

    objects = {file.key: compress(file.body) for file in files}
    objects |= {key: compress(body) for key, body in ({each.key: each.body for each in proofs} | unusual).items()}
    objects |= dict([truncated, page])
    events = expected.distinct(files)
    answers = {
        "organization": expected.organization_section(),
        "files": {
            "total": len(objects),
            "log_files_with_records": len(files) - len(empty),
            "log_files_empty": len(empty),
            "log_files_truncated": 1,
            "not_cloudtrail": 1,
            "digests": len(proofs),
            "insights": len(unusual),
        },
        "records": expected.records_section(files, twice, repeated) | {"insight_records": len(unusual)},
        "events": expected.counts_section(events),
        "sign_ins": expected.sign_ins_section(events),
        "attack": expected.attack_section(steps),
        "response": expected.steps_section([aftermath])["response"],
        "rhythms": expected.rhythms_section(events),
        "oddities": {
            "files_delivered_twice": twice,
            "records_repeated_in": repeated,
            "empty": empty,
            "truncated": truncated[0],
            "not_cloudtrail": page[0],
            "events_with_unknown_field": unknown,
        },
    }
    newest = proofs[-1]
    beside = {
        "public-keys.json": public_keys(),
        f"signatures/{newest.key.rpartition('/')[2]}.metadata.json": metadata(newest),
    }
    return Sample(objects, answers, beside)


def main() -> int:
    """
    Parse, make, write.
    """
    parser = argparse.ArgumentParser(
        description="Write trailql's sample logs: AWSLogs/, expected.json, and keys for the digests."
    )
    parser.add_argument(
        "target", nargs="?", type=Path, default=Path(__file__).resolve().parent, help="folder (default: this script's)"
    )
    parser.add_argument("--force", action="store_true", help="replace an AWSLogs that is already there")
    arguments = parser.parse_args()
    tree: Path = arguments.target / "AWSLogs"
    if tree.exists() and not arguments.force:
        parser.error(f"{tree}: already there\n  try: --force")
    sample = make_sample()
    if tree.exists():
        shutil.rmtree(tree)
    write_tree(sample.objects, arguments.target)
    text = json.dumps(sample.answers, indent=2, sort_keys=True) + "\n"
    (arguments.target / "expected.json").write_text(text, encoding="utf-8", newline="\n")
    for name, document in sample.beside.items():
        path = arguments.target / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8", newline="\n")
    size = sum(len(stored) for stored in sample.objects.values())
    print(f"{len(sample.objects)} files, {size:,} bytes, {sample.answers['records']['read']:,} records in {tree}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""
`make trino`: asks a real Trino, over the same records, and keeps its answers for the tests.

The tables are made from the log files by this module alone, so that nothing of trailql's reading is in the answers.
Needs Java 17 and Maven; the tests need neither.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.dialects.corpus import HERE, expressions, queries

_TEXTS = """
    eventVersion eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage requestID
    eventID eventType apiVersion recipientAccountId sharedEventID vpcEndpointId vpcEndpointAccountId eventCategory
    sessionCredentialFromConsole
""".split()
_FREE = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails")
_IDENTITY = """row(type varchar, principalid varchar, arn varchar, accountid varchar, accesskeyid varchar,
    username varchar, invokedby varchar, identityprovider varchar, sessioncontext row(
        attributes row(creationdate {time}, mfaauthenticated varchar),
        sessionissuer row(type varchar, principalid varchar, arn varchar, accountid varchar, username varchar),
        sourceidentity varchar))"""
_PLACEHOLDER = re.compile(
    r"\$EDS_ID|<event_data_store_id>|1234abcd-12ab-34cd-56ef-1234567890ab|\bevent_data_store_id\b"
    r'|"default"\."cloudtrail_logs_pp"|\bcloudtrail_logs\b'
)
_TIME_TEXT = re.compile(r"(eventtime\s*(?:>=|<=|>|<|=)\s*|eventtime\s+between\s+)'", re.IGNORECASE)
_SECOND_TIME = re.compile(r"(timestamp '[^']*'\s+and\s+)'(?=\d{4}-)", re.IGNORECASE)
_ROWS_AT_ONCE = 400


class Trino:
    """A Trino in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, sql: str) -> dict[str, Any]:
        """The answer: columns, types and rows, or an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"sql": sql}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                numbers = [kind.startswith("decimal") for kind in found.get("types", [])]
                for row in found.get("rows", []):
                    row[:] = [
                        {"decimal": each} if is_number and each is not None else each
                        for each, is_number in zip(row, numbers, strict=True)
                    ]
                return found
        raise SystemExit("Trino is gone")

    def must(self, sql: str) -> None:
        """The same for what has to work."""
        answer = self.ask(sql)
        if "error" in answer:
            raise SystemExit(f"{answer['error']}\n{sql[:500]}")


@contextmanager
def trino() -> Iterator[Trino]:
    """Fetch it (150 MB, once), build and start it."""
    with TemporaryDirectory() as folder:
        jars = HERE / "oracle" / "target"
        if not jars.exists():
            command = ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
            subprocess.run(command, cwd=HERE / "oracle", check=True)
        subprocess.run(["javac", "-cp", f"{jars}/*", "-d", folder, str(HERE / "oracle" / "Oracle.java")], check=True)
        opens = ["--add-opens", "java.base/java.nio=ALL-UNNAMED", "-Djdk.attach.allowAttachSelf=true"]
        with subprocess.Popen(
            ["java", "-Xmx3g", *opens, "-cp", f"{folder}:{jars}/*", "Oracle"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            yield Trino(process)
            process.kill()


def records(folder: Path) -> list[dict[str, Any]]:
    """Every event of a folder of log files once."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("*.json*")):
        if "/CloudTrail-" in path.as_posix():  # digests and Insights
            continue
        try:
            data = path.read_bytes()
            document = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        except (OSError, EOFError, ValueError):
            continue
        listed = document.get("Records", []) if isinstance(document, dict) else document
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, dict) and each.get("eventTime") and each.get("eventID"):
                found.setdefault(each["eventID"], each)
    return list(found.values())


def make_tables(to: Trino, found: list[dict[str, Any]]) -> None:
    """The event data store `lake` and the table `athena`."""
    to.must("CREATE TABLE raw AS SELECT varchar '' AS j WHERE false")
    for first in range(0, len(found), _ROWS_AT_ONCE):
        texts = [json.dumps(_row(each), ensure_ascii=False) for each in found[first : first + _ROWS_AT_ONCE]]
        values = ", ".join("('" + text.replace("'", "''") + "')" for text in texts)
        to.must(f"INSERT INTO raw VALUES {values}")
    fields = [f"{name.lower()} varchar" for name in _TEXTS]
    fields += [f"m_{name.lower()} map(varchar, varchar), t_{name.lower()} varchar" for name in _FREE]
    fields += [
        f"useridentity {_IDENTITY.format(time='varchar')}",
        "addendum map(varchar, varchar)",
        "tlsdetails row(tlsversion varchar, ciphersuite varchar, clientprovidedhostheader varchar)",
        "readonly boolean, managementevent boolean",
        "resources array(row(accountid varchar, type varchar, arn varchar, arnprefix varchar))",
    ]
    to.must(f"CREATE TABLE parsed AS SELECT CAST(json_parse(j) AS row({', '.join(fields)})) r FROM raw")
    texts = [f"r.{name.lower()}" for name in _TEXTS if name != "eventTime"]
    maps = [f"r.m_{name.lower()} AS {name.lower()}" for name in _FREE]
    documents = [f"r.t_{name.lower()} AS {name.lower()}" for name in _FREE]
    both = [*texts, "r.addendum", "r.tlsdetails"]
    identity = f"CAST(r.useridentity AS {_IDENTITY.format(time='timestamp(3)')}) AS useridentity"
    lake = [*both, "CAST(r.eventtime AS timestamp(3)) AS eventtime", identity, *maps]
    lake += ["r.readonly", "r.managementevent", "r.resources"]
    to.must(f"CREATE TABLE lake AS SELECT {', '.join(lake)} FROM parsed")
    iso = "replace(r.eventtime, ' ', 'T') || 'Z'"
    athena = [*both, f"{iso} AS eventtime", "r.useridentity", *documents, "CAST(r.readonly AS varchar) AS readonly"]
    athena += [
        """transform(r.resources, x -> CAST(row(x.arn, x.accountid, x.type)
            AS row(arn varchar, accountid varchar, type varchar))) AS resources""",
        """replace(substr(r.eventtime, 1, 10), '-', '/') AS "timestamp", r.awsregion AS region""",
        "substr(r.eventtime, 1, 4) AS year, substr(r.eventtime, 6, 2) AS month, substr(r.eventtime, 9, 2) AS day",
    ]
    to.must(f"CREATE TABLE athena AS SELECT {', '.join(athena)} FROM parsed")


def _row(record: dict[str, Any]) -> dict[str, Any]:
    found = {name.lower(): record.get(name) for name in _TEXTS}
    found["eventtime"] = record["eventTime"].replace("T", " ").removesuffix("Z")
    for name in _FREE:
        value = record.get(name)
        is_object = isinstance(value, dict)
        found[f"m_{name.lower()}"] = {key: _text(each) for key, each in value.items()} if is_object else None
        found[f"t_{name.lower()}"] = None if value is None else _json(value)
    identity = _lower(record.get("userIdentity"))
    context = (identity or {}).get("sessioncontext") or {}
    if (attributes := context.get("attributes")) and attributes.get("creationdate"):
        attributes["creationdate"] = attributes["creationdate"].replace("T", " ").removesuffix("Z")
    found["useridentity"] = identity
    found["addendum"], found["tlsdetails"] = record.get("addendum"), _lower(record.get("tlsDetails"))
    found["readonly"], found["managementevent"] = record.get("readOnly"), record.get("managementEvent")
    listed = record.get("resources")
    found["resources"] = [_resource(each) for each in listed] if isinstance(listed, list) else None
    return found


def _resource(each: dict[str, Any]) -> dict[str, Any]:
    names = {"accountid": "accountId", "type": "type", "arn": "ARN", "arnprefix": "ARNPrefix"}
    return {lower: each.get(name) for lower, name in names.items()}


def _lower(value: Any) -> Any:
    return {key.lower(): _lower(each) for key, each in value.items()} if isinstance(value, dict) else value


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _json(value)


def for_trino(query: str, table: str) -> str:
    """The query with its table's name; Lake takes texts for times by itself, Trino does not."""
    query = _PLACEHOLDER.sub(table, query).rstrip().rstrip(";")
    if table == "lake":
        query = _SECOND_TIME.sub(r"\1timestamp '", _TIME_TEXT.sub(r"\1timestamp '", query))
    return query


def main(folder: Path, target: Path) -> None:
    """Ask everything and write the answers."""
    with trino() as to:
        make_tables(to, records(folder))
        asked: dict[str, dict[str, Any]] = {"expressions": {each: to.ask(f"SELECT {each}") for each in expressions()}}
        for dialect in ("lake", "athena"):
            asked[dialect] = {n: to.ask(for_trino(text, dialect)) for n, text in queries(dialect).items()}
    for name, found in asked.items():
        lines = [f"{json.dumps(key)}: {json.dumps(answer)}" for key, answer in found.items()]
        target.joinpath(f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
        wrong = {key: answer["error"] for key, answer in found.items() if "error" in answer}
        print(f"{name}: {len(found)} asked, {len(wrong)} errors", *wrong.items(), sep="\n  ", file=sys.stderr)


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "sample_logs/AWSLogs"),
        Path(sys.argv[2] if len(sys.argv) > 2 else HERE),
    )

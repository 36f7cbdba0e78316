"""
The tables of the lake: columns, types, meanings, partitions. Every step agrees on what stands here.

Columns that CloudTrail defines carry CloudTrail's own names; ours are snake_case. Free-form parts are JSON text.
Whatever a record holds beyond these columns is kept in `extra` (docs/lake-format.md).

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

LAYOUT_VERSION = 1
"""Raised when the lake's tables change in a way an older trailql cannot read."""

PARTITION_COLUMN = "event_date"
SORT_COLUMNS = ("eventSource", "eventName", "userIdentity.arn", "userIdentity.accessKeyId", "awsRegion", "eventTime")
RAW_RECORD_KEY = "$record"
"""In `extra`: the record's own text, for the few records no set of typed columns can express (equal keys, say)."""


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column, or one field of a struct column.

    Args:
        name: As CloudTrail spells it, or snake_case when it is ours.
        kind: `string`, `boolean`, `timestamp` (UTC instant, microseconds), `date`, `long`, `double`, `json` (JSON text)
            or `struct`.
        meaning: One sentence for `trailql describe` and docs/lake-format.md.
        fields: The fields of a struct.
        is_later: Not in the first lakes: added to a table that is older, whose files lack it.
    """

    name: str
    kind: str
    meaning: str = ""
    fields: tuple[Column, ...] = field(default=())
    is_later: bool = False


def _strings(**meanings: str) -> tuple[Column, ...]:
    return tuple(Column(name, "string", meaning) for name, meaning in meanings.items())


_SESSION_ISSUER = Column(
    "sessionIssuer",
    "struct",
    "Who the temporary credentials were issued to: the role, user or root behind the session.",
    _strings(
        type="Root, IAMUser or Role.",
        principalId="Its unique id: AROA… of a role, AIDA… of a user.",
        arn="Its ARN, for a role with the role's path; the best name for an actor with a session.",
        accountId="The account it belongs to.",
        userName="Name of the role or user.",
    ),
)

_SESSION_CONTEXT = Column(
    "sessionContext",
    "struct",
    "Where temporary credentials came from.",
    (
        _SESSION_ISSUER,
        Column(
            "webIdFederationData",
            "struct",
            "The web identity provider, for AssumeRoleWithWebIdentity.",
            (
                Column("federatedProvider", "string", "The provider, by name or ARN."),
                Column("attributes", "json", "What the provider said of the user, JSON text."),
            ),
        ),
        Column(
            "attributes",
            "struct",
            "About the temporary credentials.",
            _strings(
                creationDate="When they were issued, ISO text.",
                mfaAuthenticated="'true' or 'false'; 'false' for federated users, whatever their provider asked for.",
            ),
        ),
        *_strings(
            sourceIdentity="The source identity set when the role was assumed; it stays through role chains.",
            ec2RoleDelivery="Version of the instance metadata service that handed the credentials out: 1.0 or 2.0.",
            assumedRoot="'true' in a root session on a member account, opened with AssumeRoot.",
        ),
    ),
)

_USER_IDENTITY = Column(
    "userIdentity",
    "struct",
    "Who made the call; actor(userIdentity) gives one name for it.",
    (
        *_strings(
            type="Root, IAMUser, AssumedRole, FederatedUser, AWSAccount, AWSService, IdentityCenterUser, SAMLUser, …",
            principalId="Unique id of the caller; of a role session AROA…:session, of root the account id.",
            arn="ARN of the caller; of a session …:assumed-role/role/session, without the role's path.",
            accountId="The account the caller belongs to; 'anonymous' for unsigned calls.",
            accessKeyId="The key that signed: AKIA… long-lived, ASIA… temporary.",
            userName="Name of the user; absent for role sessions.",
        ),
        _SESSION_CONTEXT,
        *_strings(
            invokedBy="The AWS service that made the call, on its own or for the caller.",
            identityProvider="The external identity provider, for SAML and web identities.",
            credentialId="Id of the bearer token that was used.",
        ),
        Column(
            "invokedByDelegate",
            "struct",
            "The product provider that acts with delegated access.",
            _strings(accountId="The provider's account."),
        ),
        Column(
            "onBehalfOf",
            "struct",
            "The Identity Center user for whom the call was made.",
            _strings(userId="Id of the user in the identity store.", identityStoreArn="ARN of the identity store."),
        ),
        Column(
            "inScopeOf",
            "struct",
            "The resource whose credentials were used, such as a Lambda function.",
            _strings(
                sourceArn="ARN of the resource.",
                sourceAccount="The account it lies in.",
                issuerType="What it is, such as AWS::Lambda::Function.",
                credentialsIssuedTo="ARN of what the credentials were issued to.",
            ),
        ),
    ),
)

RECORD_COLUMNS: tuple[Column, ...] = (
    Column("eventVersion", "string", "Version of the record format, major.minor."),
    _USER_IDENTITY,
    Column("eventTime", "timestamp", "When the request was completed, UTC, one-second resolution."),
    Column("eventSource", "string", "The service called, such as ec2.amazonaws.com."),
    Column("eventName", "string", "The API operation."),
    Column("awsRegion", "string", "The Region the request was made to."),
    Column("sourceIPAddress", "string", "An address, or the DNS name of a calling AWS service, or 'AWS Internal'."),
    Column("userAgent", "string", "The agent the request was made with."),
    Column("errorCode", "string", "The service's error, absent on success (failed sign-ins have none)."),
    Column("errorMessage", "string", "The error in words."),
    Column("requestParameters", "json", "What was asked, JSON text."),
    Column("responseElements", "json", "What was answered, JSON text; null for reads."),
    Column("additionalEventData", "json", "Data outside request and response, JSON text."),
    Column("requestID", "string", "Identifies the request within its service."),
    Column("eventID", "string", "GUID of the record; the key of this table."),
    Column("eventType", "string", "AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, …"),
    Column("apiVersion", "string", "Version of the API, where the service has one."),
    Column("managementEvent", "boolean", "True for management events, false for data events."),
    Column("readOnly", "boolean", "True for calls that change nothing."),
    Column("resources", "json", "Resources touched: JSON array of {ARN, accountId, type}."),
    Column("recipientAccountId", "string", "The account that received this event."),
    Column("serviceEventDetails", "json", "What triggered a service event, JSON text."),
    Column("sharedEventID", "string", "Equal in the copies delivered to different accounts."),
    Column("vpcEndpointId", "string", "The VPC endpoint the request came through."),
    Column("vpcEndpointAccountId", "string", "Owner of that endpoint."),
    Column("eventCategory", "string", "Management, Data, NetworkActivity or Insight."),
    Column(
        "addendum",
        "struct",
        "Why the event is late, or which earlier event it corrects.",
        _strings(
            reason="DELIVERY_DELAY, UPDATED_DATA or SERVICE_OUTAGE.",
            updatedFields="Which fields the correction changes.",
            originalRequestID="requestID of the event that is corrected.",
            originalEventID="eventID of the event that is corrected.",
        ),
    ),
    Column("sessionCredentialFromConsole", "string", "'true' when console-session credentials were used."),
    Column("edgeDeviceDetails", "json", "S3 on Outposts, JSON text."),
    Column(
        "tlsDetails",
        "struct",
        "The TLS connection.",
        _strings(
            tlsVersion="Such as TLSv1.3.",
            cipherSuite="The cipher suite agreed on.",
            clientProvidedHostHeader="The host name the client asked for: the service's endpoint.",
            keyExchange="How keys were agreed on, such as x25519 or X25519MLKEM768.",
        ),
    ),
    Column("insightDetails", "json", "Insights events only, JSON text."),
    Column("eventContext", "json", "Enrichment of a Lake event data store, JSON text."),
    Column("annotation", "string", "Lake event data stores only."),
)
"""What CloudTrail writes, in its own order."""

EVENT_COLUMNS: tuple[Column, ...] = (
    *RECORD_COLUMNS,
    Column("extra", "json", "What the record holds beyond these columns, or beyond their types, JSON text."),
    Column("log_file", "string", "URI of the log file this row came from."),
    Column(PARTITION_COLUMN, "date", "UTC day of eventTime; the partition."),
)

FILE_COLUMNS: tuple[Column, ...] = (
    Column("uri", "string", "Where the log file lies; archive members as archive!/member."),
    Column("size_bytes", "long", "Size as stored."),
    Column("version_tag", "string", "ETag on S3, modification time in nanoseconds on disk."),
    Column("sha256_stored", "string", "SHA-256 of the bytes as stored, hex; null when they could not be read."),
    Column("sha256_content", "string", "SHA-256 of the uncompressed bytes, hex; what digest files list."),
    Column("content_bytes", "long", "Size uncompressed."),
    Column("folder", "string", "CloudTrail, CloudTrail-Digest, CloudTrail-Insight, …; null without such a path."),
    Column("account", "string", "Account of the key path or file name."),
    Column("region", "string", "Region of the key path or file name."),
    Column("delivered_at", "timestamp", "Delivery minute of the file name, UTC."),
    Column("container", "string", "How the records were wrapped: trail, array, ndjson, lookup-events, …"),
    Column("records", "long", "Records read from it."),
    Column("rows_added", "long", "Rows of `events` that came from it."),
    Column(
        "duplicates_dropped", "long", "Records that are copies of an event the lake holds; the sum of the next three."
    ),
    Column("duplicates_in_file", "long", "Of them copies of another record of the same file.", is_later=True),
    Column("duplicates_in_others", "long", "Of them copies of a record of another log file.", is_later=True),
    Column("duplicates_read_before", "long", "Of them read from this very URI before.", is_later=True),
    Column("conflicts", "long", "Records kept although another one has the same eventID and other content."),
    Column("records_filtered", "long", "Records left out because --from, --to, --account or --region excludes them."),
    Column("records_set_aside", "long", "Records that are no events; kept as text in `set_aside`."),
    Column("first_event_time", "timestamp", "Earliest eventTime among its records."),
    Column("last_event_time", "timestamp", "Latest eventTime among its records."),
    Column("status", "string", "ingested, empty, rejected, skipped or damaged."),
    Column("reason", "string", "Why, for rejected and skipped."),
    Column("ingested_at", "timestamp", "When trailql read it."),
    Column("batch", "string", "The ingest batch that committed it."),
    Column(
        "integrity",
        "string",
        "What `trailql verify --lake` found last: valid, modified, unlisted, uncovered, unverifiable; null before.",
        is_later=True,
    ),
    Column("integrity_reason", "string", "Why, where it is not valid.", is_later=True),
    Column("insights_added", "long", "Rows of `aws_insights` that came from it.", is_later=True),
)
"""The ledger: one row per version of a log file ever seen."""

SET_ASIDE_COLUMNS: tuple[Column, ...] = (
    Column("log_file", "string", "URI of the log file."),
    Column("record_number", "long", "Position in the file, from 0."),
    Column("reason", "string", "Why it is no event."),
    Column("record", "string", "The record's own text."),
    Column("batch", "string", "The ingest batch that committed it."),
)

LISTING_COLUMNS: tuple[Column, ...] = (
    Column("prefix", "string", "URI of the key prefix: one account's trail in one Region."),
    Column("first_day", "date", "First delivery day listed; null from the beginning."),
    Column("last_day", "date", "Last delivery day listed."),
    Column("listed_at", "timestamp", "When, UTC."),
    Column("batch", "string", "The ingest that listed it."),
)
"""Which delivery days of which prefix have been listed to the end, and all their files dealt with."""

EXPIRED_COLUMNS: tuple[Column, ...] = (
    Column("log_file", "string", "URI of the log file."),
    Column("day", "date", "UTC day of the events that went."),
    Column("rows", "long", "How many of them."),
    Column("expired_at", "timestamp", "When, UTC."),
    Column("batch", "string", "The run that let them go."),
)
"""What retention took out of `events`, so that the ledger's counts still add up."""

MINUTE_COUNT_COLUMNS: tuple[Column, ...] = (
    *_strings(
        account="The recipientAccountId.",
        region="The awsRegion.",
        event_source="The service.",
        event_name="The API.",
        error_code="The errorCode; null for calls without an error.",
        principal="The role or user behind the calls; null for AWS services.",
    ),
    Column("is_read", "boolean", "Whether the calls only read."),
    Column("is_data", "boolean", "Whether they are data events."),
    Column("minute", "long", "Minutes since 1970, UTC."),
    Column("calls", "long", "How many, 1 or more."),
    Column("resources", "long", "Resources that they created, where the answer says how many."),
    Column("counted_from", "string", "Hash of the names of the day's event files; another one, and the day is stale."),
    Column(PARTITION_COLUMN, "date", "UTC day of the minute."),
)
"""Calls per minute, from which insights are found without reading the events again."""

INSIGHT_COLUMNS: tuple[Column, ...] = (
    *_strings(
        id="The sharedEventID of its records; the same in every run.",
        insight_type="ApiCallRateInsight, ApiErrorRateInsight, or one of ours.",
        way="peak, hour, level or fall.",
        account="The recipientAccountId.",
        region="The awsRegion; null where Regions are counted together.",
        event_source="The service; null where APIs are counted together.",
        event_name="The API; null where APIs are counted together.",
        error_code="The error of an API error rate.",
        principal="The role or user, of our own kinds.",
    ),
    Column("start_time", "timestamp", "The first unusual minute, UTC."),
    Column("end_time", "timestamp", "The minute it was over, UTC."),
    Column("calls", "long", "Calls between."),
    Column("figures", "json", "Averages, window, expectation and chance, JSON text."),
    Column("attributions", "json", "Users, agents and error codes, as in AWS's records, JSON text."),
    Column("found_at", "timestamp", "When trailql found it, UTC; the newest row of an id counts."),
    Column("batch", "string", "The run that found it."),
)
"""Insights that were found with --save."""

AWS_INSIGHT_COLUMNS: tuple[Column, ...] = (
    *_strings(
        id="The sharedEventID, which Start and End have in common.",
        event_id="The eventID of this record.",
    ),
    Column("event_time", "timestamp", "The minute it began, or was over, UTC."),
    *_strings(
        state="Start or End.",
        insight_type="ApiCallRateInsight or ApiErrorRateInsight.",
        account="The recipientAccountId.",
        region="The awsRegion.",
        event_source="The service.",
        event_name="The API.",
        error_code="The error of an API error rate.",
    ),
    Column("insight_average", "double", "Calls per minute: of a Start in its first minutes, of an End all along."),
    Column("baseline_average", "double", "Calls per minute in the days before."),
    Column("insight_minutes", "double", "Over so many minutes."),
    Column("baseline_minutes", "double", "Over so many minutes."),
    Column("attributions", "json", "Users, agents and error codes, JSON text."),
    Column("record", "json", "The whole record, JSON text."),
    Column("log_file", "string", "URI of the log file this row came from."),
    Column("batch", "string", "The ingest batch that committed it."),
)
"""CloudTrail's own Insights records, of the `CloudTrail-Insight` folders: a row for each Start and End."""

FINDING_COLUMNS: tuple[Column, ...] = (
    Column("fingerprint", "string", "The finding: equal in every run that finds it."),
    Column("recorded_at", "timestamp", "When this row was written, UTC."),
    Column("hunt", "string", "The hunt that found it; null where a person changed its status."),
    Column("round", "string", "The round of it."),
    Column("status", "string", "open, acknowledged or closed from this row on; null where it stays as it was."),
    Column("reason", "string", "Why the status changed, in the words of whoever changed it."),
    Column(
        "times_seen", "long", "How many rounds have seen it grow; null where only the status changed, as all below."
    ),
    Column("detection", "string", "Id of the detection; hunt.… where the hunt itself is in trouble."),
    Column("title", "string", "Its title."),
    Column("severity", "string", "info, low, medium, high or critical."),
    Column("attack", "json", "ATT&CK technique ids, JSON array."),
    Column("first_event_time", "timestamp", "Of the events behind it."),
    Column("last_event_time", "timestamp", "Of the events behind it."),
    Column("events", "long", "How many events are behind it."),
    Column("account", "string", "The account that recorded them."),
    Column("region", "string", "Their Region; null when several."),
    Column("actor", "string", "Who is behind them."),
    Column("source_ip", "string", "Where they came from; null when several."),
    Column("event_ids", "json", "Their eventIDs, 1,000 at most, JSON array."),
    Column("numbers", "json", "The figures that made the detection fire, JSON object."),
    Column("enrichment", "json", "What your own files say of account and address, JSON object."),
    Column("exception", "string", "Why trailql.toml excepts it; null where it does not."),
    Column("alert", "string", "Why this row went to the sinks: new, raised, again or over; null where it did not."),
    Column("alerted_at", "timestamp", "When it was first put in the outbox; null while it was not."),
    Column("alerted_severity", "string", "The highest severity it was put there with."),
    Column("batch", "string", "What was committed together."),
)
"""What hunts have found; the newest row with `times_seen` tells the finding, the newest with `status` its status."""

HUNT_COLUMNS: tuple[Column, ...] = (
    Column("hunt", "string", "Name of the hunt."),
    Column("round", "string", "The round."),
    Column("status", "string", "done, or failed; folded where many old rounds have become one row."),
    Column("started_at", "timestamp", "When it began, UTC."),
    Column("ended_at", "timestamp", "When it was committed, UTC."),
    Column("batches", "json", "Ingest batches of the ledger that it hunted, JSON array: the watermark."),
    Column("files", "long", "Log files in them."),
    Column("events", "long", "Events in them."),
    Column("first_event_time", "timestamp", "Of these events."),
    Column("last_event_time", "timestamp", "Of these events."),
    Column(
        "rules", "json", "Detections it took as known, with a hash of SQL and parameters; null where nothing changed."
    ),
    Column("findings", "long", "Findings that were new."),
    Column("alerts", "long", "Alerts put in the outbox."),
    Column("reason", "string", "Why it failed."),
    Column("batch", "string", "What was committed together."),
)
"""The rounds of hunts: up to where each has come."""

OUTBOX_COLUMNS: tuple[Column, ...] = (
    Column("key", "string", "Idempotency key: a hash of fingerprint, sink and reason."),
    Column("sink", "string", "Name of the sink."),
    Column("fingerprint", "string", "The finding; of a summary a hash of its own."),
    Column("reason", "string", "new, raised or again, and where it may come twice, since when; over or summary."),
    Column("severity", "string", "Severity of the alert."),
    Column("state", "string", "queued, failed or sent; an alert without a sent row is still to be delivered."),
    Column("attempts", "long", "How often delivery was tried."),
    Column("recorded_at", "timestamp", "When this row was written, UTC."),
    Column("next_at", "timestamp", "Not tried again before."),
    Column("error", "string", "What the sink said last."),
    Column("alert", "json", "What is to be delivered; null in the rows after the first."),
    Column("hunt", "string", "The hunt."),
    Column("round", "string", "The round."),
    Column("batch", "string", "What was committed together."),
)
"""Alerts and their delivery."""

SESSION_COLUMNS = (
    Column("accessKeyId", "string", "The access key that was used."),
    Column("arn", "string", "Who used it; the principalId where there is no ARN."),
    Column("creationDate", "string", "When temporary credentials were issued; null of long-lived keys."),
    Column("type", "string", "userIdentity.type."),
    Column("accountId", "string", "The principal's account."),
    Column("sessionIssuer", "string", "ARN of the role or user behind the session."),
    Column("sourceIdentity", "string", "As set when the role was assumed."),
    Column("first_event_time", "timestamp", "Of its first event."),
    Column("last_event_time", "timestamp", "Of its last event."),
    Column("events", "long", "How many events."),
    Column("errors", "long", "How many of them have an errorCode."),
    Column("regions", "string", "Their Regions, in order, with commas between."),
    Column("addresses", "string", "Their sourceIPAddress, in order, with commas between; twenty at most."),
    Column("issued_by", "string", "The API that gave out the key; null where that event is not in the lake."),
    Column("issued_event_id", "string", "The eventID of that event."),
    Column("issued_time", "timestamp", "Its eventTime."),
    Column("issuer_arn", "string", "Who made that call; a service's name where a service did."),
    Column("issuer_access_key", "string", "With which access key: the parent session's accessKeyId."),
)
"""What was done with each access key, and where it came from."""

VIEWS: dict[str, tuple[Column, ...]] = {"sessions": SESSION_COLUMNS}
"""Asked like tables, but computed from `events` each time."""

TABLES: dict[str, tuple[Column, ...]] = {
    "events": EVENT_COLUMNS,
    "files": FILE_COLUMNS,
    "set_aside": SET_ASIDE_COLUMNS,
    "listings": LISTING_COLUMNS,
    "expired": EXPIRED_COLUMNS,
    "minute_counts": MINUTE_COUNT_COLUMNS,
    "insights": INSIGHT_COLUMNS,
    "aws_insights": AWS_INSIGHT_COLUMNS,
    "findings": FINDING_COLUMNS,
    "hunts": HUNT_COLUMNS,
    "outbox": OUTBOX_COLUMNS,
}

TABLE_MEANINGS = {
    "events": "One row per event, CloudTrail's own names; partitioned by event_date.",
    "files": "The ledger: one row per version of a log file ever seen, and what became of it.",
    "set_aside": "Records that are no events, as text, with the reason.",
    "listings": "Which delivery days of which S3 prefix have been listed to the end.",
    "expired": "What retention took out of events.",
    "minute_counts": "Calls per minute by API, error and principal, kept for insights.",
    "insights": "Unusual rates that were found, see trailql insights.",
    "aws_insights": "CloudTrail's own Insights records, a row for each Start and End.",
    "findings": "What `trailql hunt` has found, and what became of it: a row for each change.",
    "hunts": "The rounds of hunts, and which ingest batches each has hunted.",
    "outbox": "Alerts to deliver, and their delivery: a row for each change.",
}
"""What a row of each table is."""

VIEW_MEANINGS = {
    "sessions": "Computed from events: each access key that was used, by whom, and the event that gave it out."
}
"""What a row of each view is."""

_DUCKDB_TYPES = {
    "string": "VARCHAR",
    "json": "VARCHAR",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "long": "BIGINT",
    "double": "DOUBLE",
}


def duckdb_type(column: Column) -> str:
    """The column's type in DuckDB, such as `STRUCT("type" VARCHAR, …)`."""
    if column.kind == "struct":
        return "STRUCT(" + ", ".join(f'"{f.name}" {duckdb_type(f)}' for f in column.fields) + ")"
    return _DUCKDB_TYPES[column.kind]


def walk(columns: tuple[Column, ...], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Column]]:
    """Every column and struct field with its path, parents before children."""
    for column in columns:
        path = (*prefix, column.name)
        yield path, column
        if column.fields:
            yield from walk(column.fields, path)

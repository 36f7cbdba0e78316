"""
What a queue message says about new objects, in each of the forms that reach a queue.

    S3 event notification          {"Records": [{"eventSource": "aws:s3", "s3": {…}}]}
    EventBridge "Object Created"   {"detail-type": "Object Created", "source": "aws.s3", "detail": {…}}
    CloudTrail's own notification  {"s3Bucket": "…", "s3ObjectKey": ["…"]}
    any of them through SNS        {"Type": "Notification", "Message": "…"}

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from trailql.sources.s3 import S3Object

_WRAPPINGS = 3
_VALIDATION = "CloudTrail validation message."


class NotANotification(Exception):
    """A message that no one we know wrote; the text says what it looks like."""


@dataclass(frozen=True, slots=True)
class Notification:
    """
    What a message announces.

    Args:
        objects: Bucket and object, with ETag and size where the message has them.
        idle: Why there is nothing to read, for a message that is right all the same.
    """

    objects: tuple[tuple[str, S3Object], ...] = ()
    idle: str = ""


def read_notification(body: str) -> Notification:
    """
    Read one message.

    Raises:
        NotANotification: It is none of the known forms.
    """
    text = body
    for _ in range(_WRAPPINGS):
        if text.startswith(_VALIDATION):
            return Notification(idle="CloudTrail's validation message")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NotANotification("not JSON") from error
        if not isinstance(message, dict):
            raise NotANotification("JSON, but no object")
        wrapped = message.get("Message")
        if isinstance(wrapped, str) and "TopicArn" in message:
            text = wrapped
            continue
        try:
            return _read(message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotANotification(f"a notification without its {error}") from error
    raise NotANotification("wrapped too often")


def _read(message: Mapping[str, Any]) -> Notification:
    if message.get("Event") == "s3:TestEvent":
        return Notification(idle="S3's test event")
    if isinstance(message.get("Records"), list):
        return _s3_event(message["Records"])
    if message.get("source") == "aws.s3" and "detail" in message:
        if message.get("detail-type") != "Object Created":
            return Notification(idle=f"about something else: {message.get('detail-type')}")
        detail = message["detail"]
        made = detail["object"]
        found = S3Object(str(made["key"]), str(made.get("etag", "")).strip('"'), int(made.get("size", -1)))
        return Notification(((str(detail["bucket"]["name"]), found),))
    if "s3Bucket" in message and "s3ObjectKey" in message:
        keys = message["s3ObjectKey"]
        keys = keys if isinstance(keys, list) else [keys]
        return Notification(tuple((str(message["s3Bucket"]), S3Object(str(key))) for key in keys))
    raise NotANotification("JSON, but no notification of an object")


def _s3_event(records: list[Any]) -> Notification:
    objects = []
    others = ""
    for record in records:
        if record.get("eventSource") != "aws:s3" or "s3" not in record:
            raise NotANotification("Records, but not of an S3 notification")
        name = str(record.get("eventName", ""))
        if not name.removeprefix("s3:").startswith("ObjectCreated"):
            others = f"about something else: {name}"
            continue
        made = record["s3"]["object"]
        # Keys come URL-encoded, a space as +; ETags come without quotes.
        key, etag = unquote_plus(str(made["key"])), str(made.get("eTag", "")).strip('"')
        objects.append((str(record["s3"]["bucket"]["name"]), S3Object(key, etag, int(made.get("size", -1)))))
    return Notification(tuple(objects), "" if objects else others or "no records in it")

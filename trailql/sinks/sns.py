"""
Amazon SNS, with a topic for each of critical, error and info, as on-call tools are wired.

Source:
    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trailql.detect.finding import Severity
from trailql.errors import SinkError, SourceError
from trailql.sinks.alert import Alert, as_json, in_words
from trailql.sinks.sink import Key, Kind, Sink
from trailql.sources.aws import Aws, AwsAccess
from trailql.sources.aws import in_words as aws_in_words

_SUBJECT = 100
_MOST_BYTES = 256 * 1024 - 4096
_TOPIC_OF = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "error",
    Severity.LOW: "info",
    Severity.INFO: "info",
}


class _Sns:
    def __init__(self, name: str, topics: Mapping[str, str], aws: Aws) -> None:
        self._name = name
        self._topics = topics
        self._aws = aws
        self._clients: dict[str, Any] = {}

    def send(self, alert: Alert) -> None:
        topic = self._topics[_TOPIC_OF[alert.severity]]
        words = in_words(alert)
        body = as_json(alert)
        if len(body.encode()) > _MOST_BYTES:
            told = {**alert.told, "event_ids": list(alert.told.get("event_ids") or ())[:50], "numbers": {}}
            body = as_json(Alert(alert.key, told))
        more: dict[str, Any] = {}
        if topic.endswith(".fifo"):
            more = {"MessageGroupId": alert.fingerprint, "MessageDeduplicationId": alert.key}
        attributes = {"key": alert.key, "severity": alert.severity.name.lower(), "detection": str(alert.told["id"])}
        try:
            with aws_in_words(topic):
                self._client(topic).publish(
                    TopicArn=topic,
                    Subject=_subject(words.headline),
                    Message=body,
                    MessageAttributes={
                        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                    },
                    **more,
                )
        except SourceError as error:
            raise SinkError(str(error), at=self._name, hint=error.hint) from error

    def _client(self, topic: str) -> Any:
        region = topic.split(":")[3]
        if region not in self._clients:
            self._clients[region] = self._aws.client("sns", region=region, retries="standard")
        return self._clients[region]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _subject(text: str) -> str:
    """SNS takes ASCII without line breaks, that begins with a letter, digit or punctuation."""
    return text.encode("ascii", "replace").decode()[:_SUBJECT]


def _make(name: str, values: Mapping[str, Any]) -> Sink:
    topics = {level: values[level] for level in ("critical", "error", "info")}
    access = AwsAccess(values.get("profile"), values.get("role_arn"), values.get("external_id"))
    return _Sns(name, topics, Aws(access))


AWS_KEYS = {
    "profile": Key("text", "profile of the AWS configuration files"),
    "role_arn": Key("text", "role to assume"),
    "external_id": Key("text", "external id that the role asks for"),
}
SNS = Kind(
    {
        "critical": Key("text", "ARN of the topic for critical findings", is_needed=True),
        "error": Key("text", "ARN of the topic for high and medium ones", is_needed=True),
        "info": Key("text", "ARN of the topic for low and info ones", is_needed=True),
        **AWS_KEYS,
    },
    _make,
    is_for_people=True,
)

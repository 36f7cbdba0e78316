"""An SQS queue of notifications: received in bulk, kept hidden while worked on, deleted when told."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from trailql.errors import SourceError, UsageError
from trailql.sources.aws import Aws, in_words

_AT_ONCE = 10
_LONGEST_WAIT = 20


@dataclass(frozen=True, slots=True)
class Message:
    """
    One received message.

    Args:
        message_id: SQS's id of it.
        receipt: What deletes this receipt of it.
        body: Its text.
        received: How many times it was received, this time included.
    """

    message_id: str
    receipt: str
    body: str
    received: int = 1


class SqsQueue:
    """
    One queue.

    Args:
        url: Its URL.
        aws: The session to ask with.

    Raises:
        UsageError: That is no queue URL.
    """

    def __init__(self, url: str, aws: Aws) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.path.strip("/"):
            raise UsageError(
                f"{url!r} is no queue URL",
                hint="--queue https://sqs.eu-west-1.amazonaws.com/111122223333/trailql (aws sqs get-queue-url)",
            )
        self.url = url
        self.name = parts.path.rsplit("/", 1)[-1]
        self._aws = aws
        self._host = parts.hostname or ""
        self._endpoint = None if self._is_aws else f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def hidden_seconds(self) -> int:
        """
        How long the queue hides a received message from others; it is hidden again while work on it goes on.

        Raises:
            SourceError: The queue cannot be asked.
        """
        with in_words(self.url):
            answer = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["VisibilityTimeout"])
        return int(answer["Attributes"]["VisibilityTimeout"])

    def receive(self, wait_seconds: float) -> list[Message]:
        """
        Up to ten messages; waits for the first one, at most so long.

        Raises:
            SourceError: The queue cannot be read.
        """
        with in_words(self.url):
            answer = self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=_AT_ONCE,
                WaitTimeSeconds=max(0, min(_LONGEST_WAIT, ceil(wait_seconds))),
                AttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Message(
                each["MessageId"],
                each["ReceiptHandle"],
                each["Body"],
                int(each.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for each in answer.get("Messages", ())
        ]

    def delete(self, messages: Iterable[Message]) -> int:
        """
        Delete messages; one that cannot be deleted comes again, which does no harm.

        Returns:
            How many are gone.
        """
        gone = 0
        for some in _tens(messages):
            entries = [{"Id": str(n), "ReceiptHandle": each.receipt} for n, each in enumerate(some)]
            with in_words(self.url):
                answer = self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)
            gone += len(answer.get("Successful", ()))
        return gone

    def release(self, messages: Iterable[Message], seconds: int) -> None:
        """Show messages again after so many seconds."""
        for some in _tens(messages):
            self._hide(some, seconds)

    @contextmanager
    def kept_hidden(self, messages: list[Message]) -> Iterator[None]:
        """Hide messages from other consumers for as long as the block runs."""
        done = threading.Event()

        def hide_again() -> None:
            while not done.wait(max(self.hidden_seconds / 3, 1)):
                for some in _tens(messages):
                    try:
                        self._hide(some, self.hidden_seconds)
                    except SourceError:  # they may come again, which does no harm
                        return

        thread = threading.Thread(target=hide_again, name="trailql-hide", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _hide(self, messages: list[Message], seconds: int) -> None:
        entries = [
            {"Id": str(n), "ReceiptHandle": each.receipt, "VisibilityTimeout": seconds}
            for n, each in enumerate(messages)
        ]
        with in_words(self.url):
            self._client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    @property
    def _is_aws(self) -> bool:
        return self._host.endswith((".amazonaws.com", ".amazonaws.com.cn"))

    @cached_property
    def _client(self) -> Any:
        labels = self._host.split(".")
        region = labels[1] if self._is_aws and labels[0] == "sqs" else None
        return self._aws.client("sqs", region=region, endpoint_url=self._endpoint)


def _tens(messages: Iterable[Message]) -> Iterator[list[Message]]:
    rest = iter(messages)
    while some := list(islice(rest, _AT_ONCE)):
        yield some

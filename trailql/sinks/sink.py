"""What every sink is: a name, what it is told of, and a way to deliver one alert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trailql.sinks.alert import Alert


class Sink(Protocol):
    """Delivers alerts, one at a time; made anew for each round."""

    def send(self, alert: Alert) -> None:
        """
        Deliver it; when this returns, the other side has it.

        Raises:
            SinkError: It did not take it. Nothing secret stands in the message.
        """

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class Key:
    """
    A key of a sink in trailql.toml.

    Args:
        kind: `text`, `secret` (from the environment or a file alone), `address` (the same, or text), `path`, `number`,
            `texts` (one or a list).
        meaning: For `trailql config init` and the docs.
        is_needed: It must be given.
        choices: The texts it may be; any without.
    """

    kind: str
    meaning: str
    is_needed: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of sink.

    Args:
        keys: In trailql.toml.
        make: Makes one of its name and the keys' values.
        is_for_people: Who reads it wants no hundred alerts at once.
    """

    keys: Mapping[str, Key]
    make: Callable[[str, Mapping[str, Any]], Sink]
    is_for_people: bool = False

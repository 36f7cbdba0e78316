"""Texts that must not show: webhook URLs, passwords, signing keys. They come from the environment or from a file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from trailql.errors import SinkError

_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Secret:
    """
    A text that is looked up where it is used and shown nowhere.

    Args:
        where: `env` or `file`, or `text` where it stands in trailql.toml itself, being no secret there.
        name: The variable, the path, or the text.
    """

    where: str
    name: str = field(repr=False)

    def value(self) -> str:
        """
        The text itself, without white space around it.

        Raises:
            SinkError: The variable is not set, or the file cannot be read, or it is empty.
        """
        if self.where == "text":
            return self.name
        try:
            found = os.environ[self.name] if self.where == "env" else Path(self.name).read_text(encoding="utf-8")
        except KeyError as error:
            raise SinkError(f"the environment variable {self.name} is not set") from error
        except (OSError, ValueError) as error:
            what = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise SinkError(f"the file {self.name} cannot be read: {str(what).lower()}") from error
        if not found.strip():
            raise SinkError(f"{'the environment variable' if self.where == 'env' else 'the file'} {self.name} is empty")
        return found.strip()

    def hidden(self, text: str) -> str:
        """A text about the secret, such as an error, without it and without the longer parts of it."""
        try:
            value = self.value()
        except SinkError:
            return text
        for part in sorted({value, *value.split("/"), *value.split("?")}, key=len, reverse=True):
            if (len(part) >= 8 and "." not in part.strip("/:")) or part == value:
                text = text.replace(part, _HIDDEN)
        return text

    def __str__(self) -> str:
        return _HIDDEN if self.where == "text" else f'{{ {self.where} = "{self.name}" }}'

"""docs/dialects.md names every function and every column there is, and nothing else."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPOSITORY
from trailql.query.dialects.functions import FUNCTIONS
from trailql.query.dialects.special import SPECIAL
from trailql.query.dialects.tables import TABLES

_PAGE = (REPOSITORY / "docs" / "dialects.md").read_text()


def _section(title: str) -> str:
    return _PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_functions() -> None:
    """The list of functions is complete."""
    listed = re.findall(r"`([a-z_0-9]+)`", _section("Functions").partition("\n\nAlso")[0])

    assert sorted({*FUNCTIONS, *SPECIAL}) == listed


@pytest.mark.parametrize(("title", "dialect"), [("CloudTrail Lake", "lake"), ("Athena", "athena")])
def test_columns(title: str, dialect: str) -> None:
    """The tables stand there with their types; what `SELECT *` leaves out is named."""
    section = _section(f"The table of {title}")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    hidden = re.findall(r"`([\w$]+)`", section.partition("Not in `SELECT *`:")[2].partition(".")[0])

    assert [(each.name, str(each.type)) for each in TABLES[dialect] if not each.hidden] == rows
    assert [each.name for each in TABLES[dialect] if each.hidden] == hidden

"""The bundled SQL files and their headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from trailql.errors import DetectionError, UsageError
from trailql.query.library import bundled_files, find_bundled, read_sql_file

_TEXT = """-- title: A question
-- description: First line,
--   second line.
-- parameter: minutes INTEGER = 15  length of the window
-- parameter: name TEXT = x
SELECT $minutes, $name;
"""


def test_header_and_parameters(tmp_path: Path) -> None:
    """
    Keys, continued lines and parameters are read; the SQL is what follows.
    """
    path = tmp_path / "question.sql"
    path.write_text(_TEXT)

    file = read_sql_file(path, id="a.question")

    assert "A question" == file.title
    assert "First line, second line." == file.header["description"]
    assert "SELECT $minutes, $name" == file.sql
    assert {"minutes": 30, "name": "x"} == file.values({"minutes": "30"})


@pytest.mark.parametrize("given", [{"minutes": "soon"}, {"hours": "1"}])
def test_wrong_parameters_are_refused(tmp_path: Path, given: dict[str, str]) -> None:
    """
    A value of the wrong type and a name nobody knows are errors, not surprises.
    """
    path = tmp_path / "question.sql"
    path.write_text(_TEXT)

    with pytest.raises(UsageError):
        read_sql_file(path, id="a.question").values(given)


def test_a_malformed_parameter_names_its_line(tmp_path: Path) -> None:
    """
    The error says file and line.
    """
    path = tmp_path / "question.sql"
    path.write_text("-- title: x\n-- parameter: minutes = 3\nSELECT 1\n")

    with pytest.raises(DetectionError) as caught:
        read_sql_file(path, id="a.question")
    assert f"{path}:2" == caught.value.at


def test_found_by_id_and_by_name() -> None:
    """
    The two questions the field knows are there by name.
    """
    assert "signin.failed_console_logins" == find_bundled("failed_console_logins").id  # type: ignore[union-attr]
    assert "events.api_calls_by_name" == find_bundled("events.api_calls_by_name").id  # type: ignore[union-attr]
    assert None is find_bundled("no_such_question")


def test_every_file_has_a_title() -> None:
    """
    What `--list` prints is never empty.
    """
    assert [] == [file.id for file in bundled_files() if not file.header.get("title")]

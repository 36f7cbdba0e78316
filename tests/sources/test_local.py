"""Log files on disk: which are found, which are skipped and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.made import log_key, record, write_file, write_log
from trailql.errors import SourceError
from trailql.sources.local import local_log_files
from trailql.sources.source import LogFile


def listed(*specs: object) -> list[LogFile]:
    """What the source finds."""
    return list(local_log_files([str(spec) for spec in specs]))


def candidates(*specs: object) -> list[str]:
    """The URIs of the files it would read."""
    return [one.uri for one in listed(*specs) if not one.skip and not one.problem]


def test_folder_is_listed_to_any_depth_in_order(logs: Path) -> None:
    """A folder gives every file below it, sorted, with what its path tells."""
    second = write_log(logs, record(1), region="us-west-2")
    first = write_log(logs, record(0), region="eu-west-1")

    found = listed(logs)

    assert [str(first), str(second)] == [one.uri for one in found]
    assert ["eu-west-1", "us-west-2"] == [one.facts.region for one in found]
    assert [first.stat().st_size, second.stat().st_size] == [one.size_bytes for one in found]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("*.json", ["a.json", "b.json"], id="star"),
        pytest.param("?.json", ["a.json", "b.json"], id="question-mark"),
        pytest.param("[b].json", ["b.json"], id="class"),
        pytest.param("**/*.json", ["a.json", "b.json", "deep/er/c.json"], id="any-depth"),
        pytest.param("deep", ["deep/er/c.json"], id="folder"),
    ],
)
def test_globs(logs: Path, pattern: str, expected: list[str]) -> None:
    """A pattern gives the files the shell would give, `**` those of any depth."""
    for name in ("a.json", "b.json", "deep/er/c.json", "other.txt"):
        write_file(logs, name, b"{}")

    assert [str(logs / name) for name in expected] == sorted(candidates(logs / pattern))


def test_existing_path_with_pattern_characters_is_no_pattern(logs: Path) -> None:
    """A folder that is really called `[case 7]` is read, not expanded."""
    path = write_file(logs, "[case 7]/a*.json", b"{}")

    assert [str(path)] == candidates(logs / "[case 7]")
    assert [str(path)] == candidates(path)


@pytest.mark.parametrize("spec", ["missing", "missing/*.json", "nothing[0-9].json"])
def test_nothing_there(logs: Path, spec: str) -> None:
    """A path or pattern that matches nothing is an error that names it."""
    with pytest.raises(SourceError) as caught:
        listed(logs / spec)

    assert str(logs / spec) == caught.value.at
    assert 4 == caught.value.exit_code


def test_symlink_loop_ends(logs: Path) -> None:
    """A folder that links to its own parent is read once, and the link is named."""
    path = write_file(logs, "inner/a.json", b"{}")
    (logs / "inner" / "loop").symlink_to(logs)

    assert [str(path)] == candidates(logs)
    skipped = {one.uri: one.skip for one in listed(logs) if one.skip}
    assert {str(logs / "inner" / "loop"): "a link to a folder that is read already"} == skipped


def test_dangling_link_is_a_problem_with_a_reason(logs: Path) -> None:
    """A link to nothing is no candidate, and is named with its reason."""
    (logs / "gone.json").symlink_to(logs / "nowhere.json")

    (found,) = listed(logs)

    assert str(logs / "gone.json") == found.uri
    assert "cannot be read: no such file or directory" == found.problem


@pytest.mark.parametrize("by_hand", [False, True], ids=["in-a-folder", "given-by-hand"])
def test_named_pipe_is_skipped(logs: Path, by_hand: bool) -> None:
    """A named pipe is skipped with its reason; opening it would wait for ever."""
    os.mkfifo(logs / "pipe.json")

    (found,) = listed(logs / "pipe.json" if by_hand else logs)

    assert "not a regular file" == found.skip


@pytest.mark.parametrize("name", ["README.md", "script.py", "table.csv", "page.html", "data.parquet", ".DS_Store"])
def test_foreign_names_are_skipped_in_folders_only(logs: Path, name: str) -> None:
    """What is no log file by its name is skipped inside a folder, and read when given by hand."""
    path = write_file(logs, name, b"{}")

    assert ["not a log file by its name"] == [one.skip for one in listed(logs)]
    assert [str(path)] == candidates(path)


@pytest.mark.parametrize("folder", ["CloudTrail-Digest", "CloudTrail-Aggregated"])
def test_sibling_folders_are_skipped(logs: Path, folder: str) -> None:
    """Digests and aggregates are no event records: skipped, with the folder in the reason."""
    write_log(logs, record(), key=log_key(folder=folder))

    assert [f"in the {folder} folder: no event records"] == [one.skip for one in listed(logs)]


@pytest.mark.parametrize("folder", ["CloudTrail", "CloudTrail-NetworkActivity", "CloudTrail-Insight"])
def test_folders_with_records_are_read(logs: Path, folder: str) -> None:
    """Event records lie in two folders, CloudTrail's Insights in a third, and all are read."""
    path = write_log(logs, record(), key=log_key(folder=folder))

    assert [str(path)] == candidates(logs)


@pytest.mark.parametrize("again", ["the-same-file", "its-folder", "a-hard-link", "a-link", "a-link-before-it"])
def test_each_file_is_a_candidate_once(logs: Path, again: str) -> None:
    """A file that is reached twice, by whatever way, is read once."""
    path = write_file(logs, "m.json", b"{}")
    if again == "a-hard-link":
        os.link(path, logs / "n.json")
    elif again == "a-link":
        (logs / "n.json").symlink_to(path)
    elif again == "a-link-before-it":
        (logs / "a.json").symlink_to(path)
    specs = {"the-same-file": (path, path), "its-folder": (logs, path)}.get(again, (logs,))

    assert 1 == len(candidates(*specs))

"""Log files on disk: single files, folders, globs, and the archives among them."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO

from trailql.errors import SourceError
from trailql.sources.archive import archive_kind, archive_members
from trailql.sources.keys import EVENT_FOLDERS, KeyFacts, read_key
from trailql.sources.source import LogFile

_FOREIGN_ENDINGS = frozenset(
    ".md .py .pyc .csv .html .htm .pdf .png .jpg .jpeg .svg .toml .yml .yaml .sh .sql .ipynb .parquet .docx".split()
)
"""Names that are no log files; inside a folder they are skipped (and named), given by hand they are read."""


Seen = dict[tuple[int, int], str]
"""Files and folders met so far, by device and inode."""


def local_log_files(specs: Iterable[str]) -> Iterator[LogFile]:
    """
    Every candidate under the given files, folders and globs, each once.

    Args:
        specs: Paths; a pattern with `*`, `?` or `[` that is no existing path is expanded (`**` for any depth).

    Yields:
        Log files, archive members in the order of the archive, and what cannot be read with its problem.

    Raises:
        SourceError: A path or pattern that matches nothing, or folders without any file.
    """
    seen: Seen = {}
    for spec in specs:
        is_empty, paths = True, _expand(spec)
        for path in paths:
            found: list[LogFile] = []
            _visit(path, seen, found, given_by_hand=True)
            is_empty = is_empty and not found
            yield from found
        if is_empty and not any(map(_holds_files, paths)):  # files that an earlier source has given already do count
            raise SourceError("no CloudTrail log files are there: not a single file", at=spec, hint=f"ls -R {spec}")


def _holds_files(path: str) -> bool:
    return not os.path.isdir(path) or any(files for _, _, files in os.walk(path))


def _expand(spec: str) -> list[str]:
    path = os.path.abspath(os.path.expanduser(spec))
    if os.path.lexists(path):
        return [path]
    matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
    if not matches:
        raise SourceError("no such file or folder", at=spec, hint="check the path; quote a pattern with * in it")
    return matches


def _visit(path: str, seen: Seen, found: list[LogFile], *, given_by_hand: bool) -> None:
    """Append what lies at a path (a generator for each folder would hand every file up through all of them)."""
    try:
        status = os.stat(path)
    except OSError as error:
        found.append(_unreadable(path, error))
        return
    identity = (status.st_dev, status.st_ino)
    if stat.S_ISDIR(status.st_mode):
        if identity in seen:
            if seen[identity] != path:
                found.append(_skipped(path, status, "a link to a folder that is read already"))
            return
        seen[identity] = path
        _visit_folder(path, seen, found)
    elif not stat.S_ISREG(status.st_mode):
        found.append(_skipped(path, status, "not a regular file"))
    elif identity in seen:
        if seen[identity] != path:
            found.append(_skipped(path, status, "the same file on disk as one read already"))
    else:
        seen[identity] = path
        _visit_file(path, status, found, given_by_hand=given_by_hand)


def _visit_folder(path: str, seen: Seen, found: list[LogFile]) -> None:
    try:
        with os.scandir(path) as entries:
            there = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.append(_unreadable(path, error))
        return
    if any(entry.name == "trailql.json" for entry in there):
        found.append(_skipped(path, os.stat(path), "a trailql lake"))
        return
    for entry in there:
        # The usual case, a plain file with one name, costs one system call.
        status = entry.stat(follow_symlinks=False) if entry.is_file(follow_symlinks=False) else None
        if status and (status.st_dev, status.st_ino) not in seen:
            seen[status.st_dev, status.st_ino] = entry.path
            _visit_file(entry.path, status, found, given_by_hand=False)
        else:
            _visit(entry.path, seen, found, given_by_hand=False)


def _visit_file(path: str, status: os.stat_result, found: list[LogFile], *, given_by_hand: bool) -> None:
    facts = read_key(path)
    skip = skip_reason(facts)
    if not skip and facts.delivered_at is None:
        if not given_by_hand and _is_foreign(path):
            skip = "not a log file by its name"
        else:
            try:
                kind = archive_kind(path)
            except OSError as error:
                found.append(_unreadable(path, error))
                return
            if kind:
                found += archive_members(path, kind, status)
                return
    opener = partial(_open, path)
    found.append(LogFile(path, status.st_size, str(status.st_mtime_ns), opener, facts, skip=skip))


def skip_reason(facts: KeyFacts) -> str:
    """Why a file of that folder holds no event records; empty for one that does."""
    if facts.folder is None or facts.folder in EVENT_FOLDERS:
        return ""
    return f"in the {facts.folder} folder: no event records"


def _is_foreign(path: str) -> bool:
    name = os.path.basename(path)
    return os.path.splitext(name)[1].lower() in _FOREIGN_ENDINGS or name == ".DS_Store"


def _open(path: str) -> BinaryIO:
    return open(path, "rb", buffering=0)


def _skipped(path: str, status: os.stat_result, reason: str) -> LogFile:
    return LogFile(path, status.st_size, str(status.st_mtime_ns), partial(_open, path), read_key(path), skip=reason)


def _unreadable(path: str, error: OSError) -> LogFile:
    reason = (error.strerror or str(error)).lower()
    return LogFile(path, 0, "", partial(_open, path), read_key(path), problem=f"cannot be read: {reason}")

"""Log files on disk: single files, folders, globs, and the archives among them."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from trailql.errors import SourceError
from trailql.sources.archive import archive_kind, archive_members
from trailql.sources.keys import read_key, skip_reason
from trailql.sources.source import LogFile

_FOREIGN_ENDINGS = frozenset(
    ".md .py .pyc .csv .html .htm .pdf .png .jpg .jpeg .svg .toml .yml .yaml .sh .sql .ipynb .parquet .docx".split()
)
"""Names that are no log files; inside a folder they are skipped (and named), given by hand they are read."""


_SEEN_FOLDER = "a link to a folder that is read already"
_SEEN_FILE = "the same file on disk as one read already"

Seen = dict[tuple[int, int], int]
"""Files and folders met so far, by device and inode: the hash of the path, for a path in full is long."""


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
            for found in _visit(path, seen):
                is_empty = False
                yield found
        if is_empty and not any(map(_holds_files, paths)):  # files that an earlier source has given already do count
            raise SourceError("no CloudTrail log files are there: not a single file", at=spec, hint=f"ls -R {spec}")


def plain_log_file(path: str, size_bytes: int, version_tag: str) -> LogFile:
    """The log file of which `is_plain` was said, made again of what is known of it."""
    facts = read_key(path)
    opener = partial(_open, path)
    return LogFile(path, size_bytes, version_tag, opener, facts, skip=skip_reason(facts), is_plain=path.isascii())


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


def _visit(top: str, seen: Seen) -> Iterator[LogFile]:
    """What lies at a path and below it, in the order of names; folders wait on a stack, however deep they are."""
    waiting: list[Iterator[tuple[str, os.DirEntry[str] | None]]] = [iter([(top, None)])]
    while waiting:
        for path, entry in waiting[-1]:
            try:
                # The usual case, a plain file with one name, costs one system call.
                is_file = entry is not None and entry.is_file(follow_symlinks=False)
                status = entry.stat(follow_symlinks=False) if entry and is_file else os.stat(path)
            except OSError as error:
                yield _unreadable(path, error)
                continue
            is_folder = stat.S_ISDIR(status.st_mode)
            if not is_folder and not stat.S_ISREG(status.st_mode):
                yield _skipped(path, status, "not a regular file")
                continue
            identity, name = (status.st_dev, status.st_ino), hash(path)
            if identity in seen:
                if seen[identity] != name:
                    yield _skipped(path, status, _SEEN_FOLDER if is_folder else _SEEN_FILE)
                continue
            seen[identity] = name
            if not is_folder:
                yield from _visit_file(path, status, given_by_hand=entry is None)
                continue
            inside = _inside(path)
            if isinstance(inside, LogFile):
                yield inside
                continue
            waiting.append(inside)
            break
        else:
            waiting.pop()


def _inside(folder: str) -> Iterator[tuple[str, os.DirEntry[str] | None]] | LogFile:
    """What a folder holds, or why nothing of it is read."""
    try:
        with os.scandir(folder) as entries:
            there = {entry.name: entry for entry in entries}
    except OSError as error:
        return _unreadable(folder, error)
    if "trailql.json" in there:
        return _skipped(folder, os.stat(folder), "a trailql lake")
    return ((there[name].path, there[name]) for name in sorted(there))


def _visit_file(path: str, status: os.stat_result, *, given_by_hand: bool) -> Iterator[LogFile]:
    plain = plain_log_file(path, status.st_size, str(status.st_mtime_ns))
    if plain.skip or plain.facts.delivered_at is not None:
        yield plain
    elif not given_by_hand and _is_foreign(path):
        yield replace(plain, skip="not a log file by its name", is_plain=False)
    else:
        try:
            kind = archive_kind(path)
        except OSError as error:
            yield _unreadable(path, error)
            return
        if kind:
            yield from archive_members(path, kind, status)
        else:
            yield plain


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

"""A new detection's two files, to be filled in."""

from __future__ import annotations

import re
from pathlib import Path

from trailql.detect.own import TOP_FOLDER
from trailql.detect.samples import samples_path
from trailql.errors import UsageError
from trailql.query.library import find_bundled

_ID = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)", re.ASCII)
_SQL = """\
-- title: TODO what happened, in a line
-- severity: low
-- attack: T1078.004
-- description: TODO what happened and why it matters, in a few lines.
-- quiet when: the call failed
-- misses: TODO what it does not see
-- false positives: TODO what it may be wrong about
-- response: TODO what to look at first
-- source: https://docs.aws.amazon.com/TODO
SELECT * FROM events
WHERE eventSource = '{service}.amazonaws.com'
  AND eventName = 'TODO'
  AND errorCode IS NULL
"""
_SAMPLES = """\
{{
 "base": {{"eventSource": "{service}.amazonaws.com", "eventName": "TODO", "requestParameters": null}},
 "fires": [
  {{"case": "the call succeeds"}}
 ],
 "quiet": [
  {{"case": "the call was refused", "set": {{"errorCode": "AccessDenied", "errorMessage": "not authorized"}}}},
  {{"case": "another call of the service", "set": {{"eventName": "ListTagsForResource"}}}}
 ]
}}
"""


def write_template(id: str, folder: Path) -> tuple[Path, Path]:
    """
    Write the files of a new detection, its SQL and its samples.

    Args:
        id: `<service>.<what_happened>`, or `own.<what_happened>` for one at the top of the folder.
        folder: Where the user's detections lie.

    Raises:
        UsageError: The id is none, is a bundled one's, or a file is there already.
    """
    found = _ID.fullmatch(id)
    if not found:
        raise UsageError(f"{id!r} is no id of a detection", hint="trailql rules new iam.break_glass_used --rules rules")
    bundled = find_bundled(id)
    if bundled and bundled.id == id:
        raise UsageError(f"{id} is taken", at=str(bundled.path), hint="give it another name")
    service, name = found.groups()
    sql = (folder if service == TOP_FOLDER else folder / service) / f"{name}.sql"
    samples = samples_path(sql)
    for path in (sql, samples):
        if path.exists():
            raise UsageError("it is there already, and is left as it is", at=str(path))
    try:
        sql.parent.mkdir(parents=True, exist_ok=True)
        for path, text in ((sql, _SQL), (samples, _SAMPLES)):
            with path.open("x", encoding="utf-8") as file:
                file.write(text.format(service=service))
    except OSError as error:
        raise UsageError(f"cannot be written: {(error.strerror or str(error)).lower()}", at=str(sql)) from error
    return sql, samples

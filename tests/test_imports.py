"""The house rule: imports point one way."""

from __future__ import annotations

import ast
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1] / "trailql"
_STEPS = (
    {"errors"},
    {"schema"},
    {"sources"},
    {"normalize"},
    {"lake"},
    {"ingest", "query"},
    {"detect", "insights", "forensics"},
    {"integrity", "cases"},
    {"report"},
    {"sinks"},
    {"hunt"},
    {"shell"},
    {"cli"},
)
_LEVEL = {name: level for level, names in enumerate(_STEPS) for name in names}
_HOMES = {
    "deltalake": {"lake"},
    "typer": {"cli"},
    "prompt_toolkit": {"shell"},
    "pygments": {"shell"},
    "boto3": {"sources"},
    "botocore": {"sources"},
    "obstore": {"sources", "lake"},
    "s3fs": {"sources"},
    "sqlglot": {"query", "detect"},
    "cryptography": {"integrity"},
}


def _imports(path: Path) -> set[str]:
    """Modules a file imports when it runs, not those for type checkers alone."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def _step(path: Path) -> str:
    return path.relative_to(_PACKAGE).parts[0].removesuffix(".py")


def _sources() -> list[Path]:
    return [path for path in _PACKAGE.rglob("*.py") if _step(path) not in ("__init__", "__main__", "queries")]


def test_imports_point_one_way() -> None:
    """
    A module imports from its own step and from earlier ones; neighbours do not import each other.
    """
    wrong = []
    for path in _sources():
        for module in _imports(path):
            parts = module.split(".")
            if parts[0] != "trailql" or len(parts) < 2 or parts[1] == _step(path):
                continue
            if _LEVEL[parts[1]] >= _LEVEL[_step(path)]:
                wrong.append(f"{path.relative_to(_PACKAGE)} imports {module}")
    assert [] == wrong


def test_each_library_has_a_home() -> None:
    """
    Exchanging a library touches one step.
    """
    wrong = [
        f"{path.relative_to(_PACKAGE)} imports {module}"
        for path in _sources()
        for module in _imports(path)
        if module.split(".")[0] in _HOMES and _step(path) not in _HOMES[module.split(".")[0]]
    ]
    assert [] == wrong

"""
The house rules of docs/house.md, as a test.

A file whose name ends in a Twisted noun is an edge; all others are pure. A room imports only from
floors below its own; the two wings never meet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import txsyncthing

ROOT = Path(txsyncthing.__file__).parent
EDGES = ("protocol", "endpoint", "service", "resource")
EDGE_ROOMS = {"node", "cli", "tui", "testing"}
IMPURE = {
    "OpenSSL",
    "asyncio",
    "klein",
    "multiprocessing",
    "random",
    "secrets",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "treq",
    "twisted",
    "txaio",
}
# Modules which pure code may not have either, but for the rooms or files named.
ALONE = {
    "apsw": {"index"},
    "sqlite3": set[str](),
    "fcntl": {"filesystem/disk.py", "filesystem/ranges.py"},
    "grp": {"filesystem/accounts.py"},
    "os": {
        "filesystem/across.py",
        "filesystem/disk.py",
        "filesystem/disk_attributes.py",
        "filesystem/ranges.py",
        "filesystem/renameat.py",
        "filesystem/statfs.py",
    },
    "pwd": {"filesystem/accounts.py"},
    "shutil": {"filesystem/disk.py"},
    "tempfile": set[str](),
}
APSW_ROOM = "index"  # even edges elsewhere have no business with the database
MAX_LINES = 400
# Files above MAX_LINES that were asked why, and answered.
LONG: dict[str, str] = {
    "filesystem/disk.py": "one storage: every call of the seam, and how names are reached safely",
    "filesystem/case.py": "likewise",
    "folder/service.py": "what a folder is for others; its work is elsewhere",
    "testing/wires.py": "one network in memory, with all that can go wrong in it",
}
FLOORS: list[set[str]] = [
    {"clock", "vocabulary"},
    {"bep", "config", "encryption", "events", "filesystem", "ignore", "runtime", "tls"},
    {"index"},
    {"relay", "quic", "nat", "discovery", "scan", "watch", "pull", "versions"},
    {"connections", "folder"},
    {"cluster"},
    {"api", "metrics", "servers", "cli", "tui"},
    {"node"},
    {"testing"},
]
NETWORK = {"relay", "quic", "nat", "discovery", "connections"}
FOLDER = {"scan", "watch", "pull", "versions", "folder"}
FLOOR = {name: level for level, names in enumerate(FLOORS) for name in names}
SOURCES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob("*.py")
    if path.parent != ROOT and not path.name.endswith("_pb2.py")
)


def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text())


def imports(name: str) -> Iterator[str]:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            if node.module == "txsyncthing":
                yield from (f"txsyncthing.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def room(name: str) -> str:
    return Path(name).parts[0].removesuffix(".py")


def is_edge(name: str) -> bool:
    return Path(name).stem.rsplit("_")[-1] in EDGES or room(name) in EDGE_ROOMS


@pytest.mark.parametrize("name", SOURCES)
def test_a_pure_file_does_not_touch_the_world(name: str) -> None:
    if is_edge(name):
        return
    for imported in imports(name):
        top = imported.partition(".")[0]
        assert top not in IMPURE, f"pure, but imports {imported}: name it as an edge or inject it"
        assert top not in ALONE or ALONE[top] & {name, room(name)}, f"pure, but imports {imported}"


@pytest.mark.parametrize("name", SOURCES)
def test_only_the_index_knows_its_database(name: str) -> None:
    if room(name) not in (APSW_ROOM, "testing"):  # testing/ cuts its power
        assert "apsw" not in {imported.partition(".")[0] for imported in imports(name)}


@pytest.mark.parametrize("name", SOURCES)
def test_a_room_imports_only_from_floors_below(name: str) -> None:
    here = room(name)
    assert here in FLOOR, f"{here}/ stands on no floor: add it to docs/house.md and here"
    for imported in imports(name):
        top, _, rest = imported.partition(".")
        other = rest.partition(".")[0]
        if top != "txsyncthing" or other in {here, "__version__"}:
            continue
        assert FLOOR[other] < FLOOR[here], f"{here} -> {other}"
        assert not (here in NETWORK and other in FOLDER), f"the wings meet: {here} -> {other}"
        assert not (here in FOLDER and other in NETWORK), f"the wings meet: {here} -> {other}"


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_says_what_it_is_for(name: str) -> None:
    if not name.endswith("__init__.py"):
        assert ast.get_docstring(tree(name)), "no docstring: docs/tree.md shows its first line"


@pytest.mark.parametrize("name", SOURCES)
def test_no_function_writes_module_state(name: str) -> None:
    assert [node.names for node in ast.walk(tree(name)) if isinstance(node, ast.Global)] == []


@pytest.mark.parametrize("name", SOURCES)
def test_a_long_file_says_why(name: str) -> None:
    lines = len((ROOT / name).read_text().splitlines())
    assert lines <= MAX_LINES or name in LONG, f"{lines} lines: split it, or answer why in LONG"


def test_every_answer_still_belongs_to_a_long_file() -> None:
    for name in LONG:
        assert len((ROOT / name).read_text().splitlines()) > MAX_LINES, f"{name} is short again"

"""Sphinx: ``sphinx-build -W docs docs/_build/html``."""

from __future__ import annotations

import ast
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "txsyncthing"

project = "txsyncthing"
author = "The txsyncthing authors"
copyright = "The txsyncthing authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "A Syncthing node on Twisted", "page_width": "1100px"}
myst_heading_anchors = 3


def describe(path: Path) -> str:
    """What a module is for: the first line of its docstring."""
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    return said.partition("\n")[0]


def write_tree(app: Sphinx) -> None:
    """Write tree.md: each file of the package with the sentence it says of itself."""
    lines = ["# The files", "", "Each room, and what each of its files says of itself.", ""]
    for room in sorted(path for path in PACKAGE.iterdir() if (path / "__init__.py").exists()):
        files = [
            path
            for path in sorted(room.rglob("*.py"))
            if path.name != "__init__.py" and not path.name.endswith("_pb2.py")
        ]
        if files:
            lines += [f"## {room.name}/", ""]
            lines += [f"- `{path.relative_to(room)}`: {describe(path)}" for path in files]
            lines += [""]
    tree = HERE / "tree.md"
    text = "\n".join(lines)
    if not tree.exists() or tree.read_text() != text:
        tree.write_text(text)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_tree)

"""
Reading config.xml: bytes to tree, tree to values. Writing is in ``xml_write.py``.

What is absent in an existing folder is zero up to version 37, as the official daemon reads it; everywhere
else, and in folders of version 50 and later, it is the default.

Source: reference 6.1 to 6.4, 12.1 (lib/config; Go's encoding/xml).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.entry import Place, layout
from txsyncthing.config.folder import FolderConfig, Versioning
from txsyncthing.config.scalar import item, kinds, nested, read
from txsyncthing.config.size import Size
from txsyncthing.config.start import start

ROOT = "configuration"
MAX_BYTES = 16 * 1024 * 1024  # of a file; a folder takes 3 KiB
MAX_DEPTH = 64
MAX_NODES = 1_000_000
ZERO_UNTIL = 49  # up to this version an absent element of a folder is zero, later the default


class _Builder(TreeBuilder):
    """Builds a tree of bounded depth and refuses document types, and so all entities."""

    def __init__(self) -> None:
        super().__init__(insert_comments=True)
        self._depth = 0
        self._nodes = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise InvalidConfiguration(
                str(tag), self._depth, f"{MAX_DEPTH} levels and {MAX_NODES} elements"
            )
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)

    def doctype(self, name: str, public: str | None, system: str | None, /) -> None:
        raise InvalidConfiguration("<!DOCTYPE>", name, "no document type")


def parse(data: bytes) -> Element:
    """
    The tree of a file.

    :raises InvalidConfiguration: too long, no XML, not our root, or with a document type.
    """
    if len(data) > MAX_BYTES:
        raise InvalidConfiguration(ROOT, f"{len(data)} bytes", f"at most {MAX_BYTES} bytes")
    parser = XMLParser(target=_Builder())
    try:
        parser.feed(data)
        tree: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, InvalidConfiguration):
            raise
        raise InvalidConfiguration(ROOT, str(error), "well-formed XML") from None
    if tree.tag != ROOT:
        raise InvalidConfiguration("root element", tree.tag, ROOT)
    return tree


def version_of(tree: Element) -> int:
    """The version that a tree claims; 0 without one."""
    number = read(int, tree.get("version", ""), f"{ROOT}/version")
    assert isinstance(number, int)
    return number


def from_xml(tree: Element) -> Configuration:
    """
    The values of a tree (not yet prepared).

    :raises InvalidConfiguration: naming the element, its value and what is allowed.
    """
    version = version_of(tree)
    return _fields(tree, start(Configuration, version), version, "")  # type: ignore[no-any-return]


def text_of(node: Element) -> str:
    """The text of an element, comments left out."""
    return (node.text or "") + "".join(child.tail or "" for child in node)


def size_of(node: Element, where: str) -> Size:
    """An amount with its unit."""
    unit = node.get("unit", "")
    if unit and unit[0] not in "%kKmMgGtT":
        raise InvalidConfiguration(f"{where}/unit", unit, "%, kB, MB, GB, TB")
    return Size(read(float, text_of(node), where), unit)


def _fields(node: Element, base: Any, version: int, where: str) -> Any:
    """``base`` with all that the element says."""
    types = kinds(type(base))
    found: dict[str, Any] = {}
    for column in layout(type(base)):
        name, kind = column.entry.name, types[column.field]
        at = f"{where}/{name}" if where else name
        if column.entry.place is Place.ATTRIBUTE:
            if (text := node.get(name)) is not None:
                found[column.field] = read(kind, text, at)
        elif nodes := node.findall(name):
            if (one := item(kind)) is None:
                held = getattr(base, column.field)
                found[column.field] = _element(nodes[-1], kind, held, version, at)
            else:
                found[column.field] = tuple(
                    _element(child, one, None, version, f"{at}[{child.get('id', number)}]")
                    for number, child in enumerate(nodes)
                )
    return replace(base, **found)


def _element(node: Element, kind: Any, base: Any, version: int, where: str) -> Any:
    """One element's value; without ``base`` it is one of a list."""
    if kind is Size:
        return size_of(node, where)
    if not nested(kind):
        return read(kind, text_of(node), where)
    if kind is Versioning:
        base = start(kind, version)
    elif base is None:
        base = start(kind, version, empty=kind is not FolderConfig or version <= ZERO_UNTIL)
    return _fields(node, base, version, where)

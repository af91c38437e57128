"""
Writing config.xml: values into the tree that was read, tree to text.

What stands in the tree keeps its order; unknown elements, attributes and comments stay; new elements go to
their official place. An element is written if the file's version knows it, if it was there, or
if a later version knows it and it is not the default: so the daemon that made the file finds it as it knows
it, and nothing that was set is lost.

Source: reference 6.1 (lib/config/config.go; Go's encoding/xml for the form).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any
from xml.etree.ElementTree import Comment, Element

from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.entry import Column, Place, layout
from txsyncthing.config.scalar import item, kinds, nested, read, write, zero
from txsyncthing.config.size import Size
from txsyncthing.config.xml import ROOT, size_of, text_of

_INDENT = "    "
_ESCAPES = str.maketrans(
    {
        '"': "&#34;",
        "'": "&#39;",
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "\t": "&#x9;",
        "\n": "&#xA;",
        "\r": "&#xD;",
    }
    | dict.fromkeys([*range(9), 11, 12, *range(14, 32)], "\ufffd")
    | dict.fromkeys([*range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd")
)


def to_xml(configuration: Configuration, tree: Element | None = None) -> bytes:
    """
    The file's bytes.

    :param tree: what the file held; changed in place. Without it the file is new.
    """
    if tree is None:
        tree = Element(ROOT)
    _fill(tree, configuration, configuration.version)
    return render(tree)


def render(tree: Element) -> bytes:
    """A tree in the official form."""
    lines: list[str] = []
    _lines(tree, "", lines)
    return "".join(lines).encode()


def _fill(node: Element, value: Any, version: int) -> None:
    """Make an element say what the value says."""
    types = kinds(type(value))
    attributes: list[str] = []
    groups = _Groups(node)
    for column in layout(type(value)):
        entry, kind = column.entry, types[column.field]
        held = getattr(value, column.field)
        if entry.place is Place.ATTRIBUTE:
            text = node.get(entry.name)
            if text is None or _read(kind, text) != held:
                whole = version <= entry.whole_until
                node.set(entry.name, write(ceil(held) if whole else held))
            elif held == zero(kind) and entry.omit_empty:
                attributes.append(entry.name)  # stood there empty
                continue
            if _wanted(column, kind, held, version, text is not None):
                attributes.append(entry.name)
            else:
                del node.attrib[entry.name]
        elif (one := item(kind)) is not None:
            groups.put(entry.name, _many(groups.of(entry.name), entry.name, one, held, version))
        else:
            before = groups.of(entry.name)[-1:]
            if _wanted(column, kind, held, version, bool(before)) or (
                before and not nested(kind) and _read(kind, text_of(before[0])) == held
            ):
                child = before[0] if before else Element(entry.name)
                _set(child, kind, held, version)
                groups.put(entry.name, [child])
            else:
                groups.put(entry.name, [])
    groups.arrange()
    _sort_attributes(node, attributes)


def _wanted(column: Column, kind: Any, held: Any, version: int, present: bool) -> bool:
    if column.entry.omit_empty and held == zero(kind):
        return False
    later = version < column.entry.since
    return present or column.entry.known(version) or (later and held != column.default)


def _many(
    before: Sequence[Element], name: str, kind: Any, values: Sequence[Any], version: int
) -> list[Element]:
    """One element for each value, those that stood for the same thing reused."""
    nodes: list[Element] = []
    if nested(kind) and hasattr(kind, "id"):
        id_kind = kinds(kind)["id"]
        known: dict[Any, Element] = {
            _read(id_kind, node.get("id", "")): node for node in reversed(before)
        }
        nodes = [known.pop(value.id, Element(name)) for value in values]
    else:
        nodes = [*before[: len(values)], *(Element(name) for _ in values[len(before) :])]
    for node, value in zip(nodes, values, strict=True):
        _set(node, kind, value, version)
    return nodes


def _set(node: Element, kind: Any, value: Any, version: int) -> None:
    if kind is Size:
        if len(node.attrib) and _size(node) == value:
            return
        node.set("unit", value.unit)
        _set_text(node, write(value.value))
    elif nested(kind):
        _fill(node, value, version)
    elif not text_of(node) or _read(kind, text_of(node)) != value:
        _set_text(node, write(value))


def _set_text(node: Element, text: str) -> None:
    node.text = text
    for child in node:
        child.tail = None


def _read(kind: Any, text: str) -> Any:
    """The value of a text; None for a text that is none and so never equal."""
    try:
        return read(kind, text, "")
    except InvalidConfiguration:
        return None


def _size(node: Element) -> Size | None:
    try:
        return size_of(node, "")
    except InvalidConfiguration:
        return None


def _sort_attributes(node: Element, official: Sequence[str]) -> None:
    """Put new attributes to their official place; those that stood there keep their order."""
    names = list(node.attrib)
    for name in arranged(names, official):
        node.attrib[name] = node.attrib.pop(name)


def arranged(names: Sequence[str], official: Sequence[str]) -> list[str]:
    """The names, with those out of the official order moved behind their official predecessor."""
    order = {name: number for number, name in enumerate(official)}
    placed: list[str] = []
    late: list[str] = []
    highest = -1
    for name in names:
        number = order.get(name)
        if number is None or number > highest:
            placed.append(name)
            highest = highest if number is None else number
        else:
            late.append(name)
    for name in late:
        before = [other for other in official[: order[name]] if other in placed]
        placed.insert(placed.index(before[-1]) + 1 if before else 0, name)
    return placed


class _Groups:
    """The children of an element, each with the comments before it, while they are replaced."""

    def __init__(self, node: Element) -> None:
        self._node = node
        self._groups: list[list[Element]] = []
        self._comments: list[Element] = []
        for child in node:
            self._comments.append(child)
            if not _is_comment(child):
                self._groups.append(self._comments)
                self._comments = []
        self._end = 0  # behind the last known element so far

    def of(self, name: str) -> list[Element]:
        return [group[-1] for group in self._groups if group[-1].tag == name]

    def put(self, name: str, nodes: list[Element]) -> None:
        """Let these be the elements of that name."""
        if nodes != self.of(name):
            mine = {id(group[-1]): group for group in self._groups if group[-1].tag == name}
            first = next(
                (n for n, group in enumerate(self._groups) if group[-1].tag == name), self._end
            )
            others = [group for group in self._groups if group[-1].tag != name]
            new = [mine.get(id(node), [node]) for node in nodes]
            self._groups = [*others[:first], *new, *others[first:]]
        places = [n for n, group in enumerate(self._groups) if group[-1].tag == name]
        if places:
            self._end = places[-1] + 1

    def arrange(self) -> None:
        self._node[:] = [*(child for group in self._groups for child in group), *self._comments]


def _lines(node: Element, indent: str, lines: list[str]) -> None:
    if _is_comment(node):
        lines.append(f"{indent}<!--{node.text}-->\n")
        return
    head = _head(node)
    if not len(node):
        lines.append(f"{indent}<{head}>{_escape(node.text)}</{_name(node)}>\n")
    elif text_of(node).strip():
        lines.append(f"{indent}{_inline(node)}\n")
    else:
        lines.append(f"{indent}<{head}>\n")
        for child in node:
            _lines(child, indent + _INDENT, lines)
        lines.append(f"{indent}</{_name(node)}>\n")


def _inline(node: Element) -> str:
    """An element with text between its children, each blank kept."""
    if _is_comment(node):
        return f"<!--{node.text}-->"
    inner = "".join(_inline(child) + _escape(child.tail) for child in node)
    return f"<{_head(node)}>{_escape(node.text)}{inner}</{_name(node)}>"


def _is_comment(node: Element) -> bool:
    tag: object = node.tag
    return tag is Comment


def _name(node: Element) -> str:
    return node.tag.rpartition("}")[2]


def _head(node: Element) -> str:
    space, _, name = node.tag.rpartition("}")
    parts = [name, f'xmlns="{_escape(space[1:])}"'] if space else [name]
    for number, (key, value) in enumerate(node.attrib.items()):
        space, _, name = key.rpartition("}")
        if space:
            parts.append(f'xmlns:n{number}="{_escape(space[1:])}"')
            name = f"n{number}:{name}"
        parts.append(f'{name}="{_escape(value)}"')
    return " ".join(parts)


def _escape(text: str | None) -> str:
    return (text or "").translate(_ESCAPES)

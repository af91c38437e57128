"""
The configuration as a tree of commands: words lead to a place, the last ones say what to do there.

It works on the JSON document that the node gave, and touches in it what the words name and nothing else;
our own classes tell the kind of each field. What only the node knows (a newer one, say) is there too, and
of the kind that its present value has.

Source: reference 6.5 "cli config"; the output of ``syncthing cli config`` of 1.29.5.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from txsyncthing.cli.config_item import from_flags, is_help, to_json
from txsyncthing.cli.names import meaning, name_of
from txsyncthing.cli.output import columns, go_json
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.entry import layout
from txsyncthing.config.folder import Parameter
from txsyncthing.config.scalar import item, kinds, nested
from txsyncthing.config.size import Size
from txsyncthing.vocabulary.device import BadDeviceID, DeviceID

KEYS = ("deviceID", "id")
_SAID = {
    "dump-json": "Dump item as json",
    "list": "List item keys in the collection",
    "add": "Add a new item to collection",
    "add-json": "Add a new item to collection deserialised from JSON",
    "get": "Get the value",
    "set": "Set the value",
    "dump": "Dump all keys and their values",
    "unset": "Remove the key from the map",
}


class NoSuchWord(click.ClickException):
    """A word that is neither an action nor anything in the configuration."""

    exit_code = 3  # as the official tool


class WrongWords(click.ClickException):
    """Words that are missing, too many, or not of the right kind."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the words: a text for the user, a remark beside it, and whether the document changed."""

    text: str = ""
    changed: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """
    A place in the document.

    :ivar value: what stands there.
    :ivar kind: its class, or ``tuple[...]`` of them; None where our classes do not know it.
    :ivar words: the words that led here.
    :ivar holder: what contains it, under ``key``; None at the root.
    """

    value: Any
    kind: Any
    words: tuple[str, ...] = ()
    holder: Any = None
    key: Any = None

    @property
    def collected(self) -> bool:
        """Whether it is one of many."""
        return isinstance(self.holder, list)

    @property
    def map(self) -> bool:
        """Whether it holds texts under free names."""
        return bool(self.kind == tuple[Parameter, ...])

    @property
    def many(self) -> bool:
        return not self.map and (item(self.kind) is not None or isinstance(self.value, list))

    @property
    def of_objects(self) -> bool:
        """Whether the many are objects."""
        one = item(self.kind)
        return _objects(self.value) if one is None else bool(nested(one))

    @property
    def one(self) -> bool:
        """Whether it is an object with fields."""
        return not self.map and isinstance(self.value, dict)

    def actions(self) -> list[str]:
        if self.map:
            return ["dump", "get", "set", "unset"]
        if self.many:
            return ["list", "add", "add-json"] if self.of_objects else ["list", "add"]
        found = ["dump-json"] if self.one else ["get", "set"]
        return [*found, "delete"] if self.collected else found

    def children(self) -> list[str]:
        """The words for what is inside."""
        if self.map:
            return []
        if self.many:
            return [key_of(one, number) for number, one in enumerate(self.value or ())]
        if self.one:
            cls = self.kind if self.kind is not Size and nested(self.kind) else None
            return [name_of(cls, key) for key in self.value]
        return []

    def child(self, word: str) -> Place | None:
        if self.map:
            return None
        if self.many:
            return self._item(word)
        if not self.one:
            return None
        known = nested(self.kind)
        cls = self.kind if known and self.kind is not Size else None
        key = meaning(cls, list(self.value), word)
        if key is None:
            return None
        kind = _kind(self.kind, key) if known else None
        return Place(self.value[key], kind, (*self.words, word), self.value, key)

    def _item(self, word: str) -> Place | None:
        value = self.value or []
        for number, one in enumerate(value):
            if same_key(key_of(one, number), word):
                return Place(one, item(self.kind), (*self.words, word), value, number)
        return None


def key_of(one: Any, number: int) -> str:
    """What an item of a collection is called: its ID, or its number."""
    if isinstance(one, dict):
        for key in KEYS:
            if key in one:
                return str(one[key])
    return str(number)


def same_key(key: str, word: str) -> bool:
    """Whether a word means the item of this key; device IDs may be written in any form."""
    if key == word:
        return True
    try:
        return len(word) >= 52 and DeviceID.parse(word) == DeviceID.parse(key)
    except BadDeviceID:
        return False


def act(document: Any, words: Sequence[str]) -> Outcome:
    """
    Do what the words say; the document is changed in place.

    :raises NoSuchWord: the words lead nowhere.
    :raises WrongWords: wrong arguments, or a value that is not of the field's kind.
    """
    here = Place(document, Configuration)
    for number, word in enumerate(words):
        if is_help(word):
            break
        if word in here.actions():
            return _perform(here, word, list(words[number + 1 :]))
        inside = here.child(word)
        if inside is None:
            raise NoSuchWord(_lost(here, word))
        here = inside
    return Outcome(describe(here))


def _lost(here: Place, word: str) -> str:
    way = " ".join(("config", *here.words))
    if here.many and not here.of_objects and not here.children():
        return f"No help topic for '{word}': {way} is empty"
    inside = [*here.actions(), *here.children()]
    shown = ", ".join(inside[:60]) + (", ..." if len(inside) > 60 else "")
    return f"No help topic for '{word}': {way} has {shown}"


def describe(here: Place) -> str:
    """The help of a place."""
    way = " ".join(("config", *here.words))
    lines = [f"Usage: txsyncthing cli {way} COMMAND [ARGUMENTS]...", "", "Actions:"]
    said = dict(_SAID, delete=f'Delete item represented by key "{here.words[-1]}" from the collection'
                if here.words else "")  # fmt: skip
    if here.map:
        said.update(get="Get the value of a given key", set="Set the key to the given value")
    lines += columns([("  " + name, said[name]) for name in here.actions()])
    if inside := here.children():
        lines += ["", "Items:" if here.many else "Properties:", *("  " + name for name in inside)]
    return "\n".join(lines)


def _perform(here: Place, action: str, arguments: list[str]) -> Outcome:
    if any(is_help(word) for word in arguments[:1]) and action != "set":
        if action == "add" and here.of_objects:
            return Outcome(from_flags(item(here.kind), None, here.words).help)
        return Outcome(describe(here))
    if action == "add" and here.of_objects:
        if item(here.kind) is None:
            raise WrongWords("the fields of these items are not known here: use add-json")
        return _append(here, from_flags(item(here.kind), arguments, here.words).made)
    wanted = {"set": 2 if here.map else 1, "add": 1, "add-json": 1, "unset": 1}.get(action, 0)
    if here.map and action == "get":
        wanted = 1
    if len(arguments) != wanted:
        plural = "" if wanted == 1 else "s"
        raise WrongWords(f"expected {wanted} argument{plural}, got {len(arguments)}")
    return _DO[action](here, arguments)


def _dump_json(here: Place, _: list[str]) -> Outcome:
    return Outcome(go_json(here.value))


def _list(here: Place, _: list[str]) -> Outcome:
    return Outcome("\n".join(here.children()))


def _get(here: Place, arguments: list[str]) -> Outcome:
    if here.map:
        try:
            return Outcome(here.value[arguments[0]])
        except KeyError:
            raise WrongWords(
                f"{' '.join(here.words)} has no key {arguments[0]!r}:"
                f" it has {', '.join(here.value) or 'none'}"
            ) from None
    return Outcome(_text(here.value))


def _set(here: Place, arguments: list[str]) -> Outcome:
    if here.map:
        here.value[arguments[0]] = arguments[1]
    else:
        here.holder[here.key] = _value(here.kind, arguments[0], here.value, here.words)
    return Outcome(changed=True)


def _unset(here: Place, arguments: list[str]) -> Outcome:
    return Outcome(changed=here.value.pop(arguments[0], None) is not None)


def _dump(here: Place, _: list[str]) -> Outcome:
    wide = max((len(key) for key in here.value), default=0)
    return Outcome("\n".join(f"{key:{wide}}  =  {value}" for key, value in here.value.items()))


def _add(here: Place, arguments: list[str]) -> Outcome:
    value = _value(item(here.kind), arguments[0], None, here.words)
    if here.value is None:
        here.holder[here.key] = [value]
    else:
        here.value.append(value)
    return Outcome(changed=True)


def _add_json(here: Place, arguments: list[str]) -> Outcome:
    try:
        made = json.loads(arguments[0])
    except ValueError as error:
        raise WrongWords(f"this is no JSON: {error}") from None
    if not isinstance(made, dict):
        raise WrongWords('a JSON object is needed, such as {"id": "photos"}')
    return _append(here, made)


def _append(here: Place, made: dict[str, Any]) -> Outcome:
    """Add an item; as with the official tool the one that is already there stays."""
    one = item(here.kind)
    if one is not None:
        fields = {column.entry.json.lower(): column.entry.json for column in layout(one)}
        made = {fields.get(key.lower(), key): value for key, value in made.items()}
        needed = next((key for key in KEYS if key in fields.values()), None)
        if needed and not made.get(needed):
            raise WrongWords(f"a new item of {' '.join(here.words)} needs {name_of(one, needed)}")
    key = key_of(made, -1)
    held = here.value or []
    if key != "-1" and any(same_key(key_of(old, -1), key) for old in held):
        return Outcome(remark=f"{key} is already in {' '.join(here.words)}: nothing was changed")
    if here.value is None:
        here.holder[here.key] = [made]
    else:
        here.value.append(made)
    return Outcome(changed=True)


def _delete(here: Place, _: list[str]) -> Outcome:
    del here.holder[here.key]
    return Outcome(changed=True)


_DO = {
    "dump-json": _dump_json,
    "list": _list,
    "get": _get,
    "set": _set,
    "unset": _unset,
    "dump": _dump,
    "add": _add,
    "add-json": _add_json,
    "delete": _delete,
}


def _kind(cls: type, key: str) -> Any:
    """The kind of a class's field by its JSON name; None if we do not know it."""
    if cls is Size:
        return {"value": float, "unit": str}.get(key)
    column = next((column for column in layout(cls) if column.entry.json == key), None)
    return kinds(cls)[column.field] if column else None


def _objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _value(kind: Any, text: str, old: Any, words: tuple[str, ...]) -> Any:
    try:
        return to_json(kind if kind is not None else type(old), text, " ".join(words))
    except InvalidConfiguration as error:
        raise WrongWords(str(error)) from None

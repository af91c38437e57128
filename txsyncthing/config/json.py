"""
The configuration as JSON, for REST: values to documents for orjson, and documents onto values.

Keys may come in any case and unknown ones are ignored; a wrong type is refused naming the key. Clients
see the fields of version 37 or, of a newer file, of that version; and whatever else is set.

Source: reference 7.3, 11.11, 11.12 (lib/config; Go's encoding/json).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.entry import BASIC, layout
from txsyncthing.config.folder import FolderConfig, Parameter, Versioning
from txsyncthing.config.scalar import item, kinds, nested, read, write
from txsyncthing.config.size import Size
from txsyncthing.config.start import SHOWN_VERSION, blank, start

T = TypeVar("T")


def to_json(value: Any, version: int | None = None) -> dict[str, Any]:
    """
    The document of a configuration or of a part, keys in the official order.

    :param version: show the fields that this version knows; by default those that clients see.
    """
    if version is None:
        version = max(getattr(value, "version", SHOWN_VERSION), SHOWN_VERSION)
    types = kinds(type(value))
    document: dict[str, Any] = {}
    for column in layout(type(value)):
        entry, held = column.entry, getattr(value, column.field)
        if entry.known(version) or (version < entry.since and held != column.default):
            document[entry.json] = _out(types[column.field], held, version)
    return document


def from_json(document: object, base: Configuration) -> Configuration:
    """
    A whole configuration that a client sends instead of ``base`` (PUT).

    What the document leaves out becomes the default, in folders and devices that of the document's own
    ``defaults``. The version and what clients are not shown stay as they are. Not yet prepared.

    :raises InvalidConfiguration: a value of the wrong type or out of range, named by its key.
    """
    keys = _object(document, "configuration")
    version = base.version
    whole = replace(
        start(Configuration, version),
        gui=blank(base.gui, version),
        options=blank(base.options, version),
    )
    folders, devices = keys.pop("folders", None), keys.pop("devices", None)
    whole = replace(overlay(whole, keys), version=version)
    return replace(
        whole,
        folders=tuple(
            overlay(_without_params(whole.defaults.folder, one), one, f"folders[{number}]")
            for number, one in enumerate(_list(folders, "folders"))
        ),
        devices=tuple(
            overlay(whole.defaults.device, one, f"devices[{number}]")
            for number, one in enumerate(_list(devices, "devices"))
        ),
    )


def overlay(value: T, document: object, where: str = "") -> T:
    """
    A value with all that a document says (PATCH); lists are replaced, objects merged.

    For PUT of a part let ``value`` be ``start.blank`` of it or, for a folder or device, the configured
    default.

    :raises InvalidConfiguration: a value of the wrong type or out of range, named by its key.
    """
    keys = _object(document, where or type(value).__name__)
    types = kinds(type(value))
    found: dict[str, Any] = {}
    for column in layout(type(value)):
        name = column.entry.json
        if name.lower() not in keys:
            continue
        kind, held = types[column.field], keys[name.lower()]
        if held is None:
            if item(kind) is not None:
                found[column.field] = column.default
            continue
        at = f"{where}.{name}" if where else name
        found[column.field] = _in(kind, held, getattr(value, column.field), at)
    return replace(value, **found)  # type: ignore[type-var]


def _without_params(folder: FolderConfig, document: object) -> FolderConfig:
    """The default of a folder that names its own parameters: they are not merged with the default's."""
    if isinstance(document, Mapping):
        versioning = _object(document, "").get("versioning")
        if isinstance(versioning, Mapping) and "params" in _object(versioning, ""):
            return replace(folder, versioning=replace(folder.versioning, params=()))
    return folder


def _in(kind: Any, held: object, base: Any, where: str) -> Any:
    if kind == tuple[Parameter, ...]:
        return _parameters(held, base, where)
    if (one := item(kind)) is not None:
        return tuple(
            _in(
                one, entry, start(one, 0, empty=True) if nested(one) else None, f"{where}[{number}]"
            )
            for number, entry in enumerate(_list(held, where))
        )
    if kind is Size:
        keys = _object(held, where)
        amount = _in(float, keys.get("value", base.value), None, f"{where}.value")
        unit = _in(str, keys.get("unit", base.unit), None, f"{where}.unit")
        if unit and unit[0] not in "%kKmMgGtT":
            raise InvalidConfiguration(f"{where}.unit", unit, "%, kB, MB, GB, TB")
        return Size(amount, unit)
    if kind is Versioning:  # the official daemon starts these two anew
        base = replace(base, cleanup_interval_s=3600, fs_type=BASIC)
    if nested(kind):
        return overlay(base, held, where)
    return _scalar(kind, held, where)


def _scalar(kind: Any, held: object, where: str) -> Any:
    if kind is bool:
        if isinstance(held, bool):
            return held
        raise InvalidConfiguration(where, held, "true or false")
    if kind in (int, float):
        number = isinstance(held, int) or (kind is float and isinstance(held, float))
        if number and not isinstance(held, bool):
            return read(kind, str(held), where)
        raise InvalidConfiguration(where, held, "a whole number" if kind is int else "a number")
    if isinstance(held, str):
        return read(kind, held, where)
    raise InvalidConfiguration(where, held, "a text")


def _parameters(held: object, base: tuple[Parameter, ...], where: str) -> tuple[Parameter, ...]:
    if not isinstance(held, Mapping):
        raise InvalidConfiguration(where, held, "an object of texts")
    merged = {param.key: param.value for param in base}
    for key, value in held.items():
        merged[str(key)] = _scalar(str, value, f"{where}.{key}")
    return tuple(Parameter(key, value) for key, value in sorted(merged.items()))


def _out(kind: Any, held: Any, version: int) -> Any:
    if kind == tuple[Parameter, ...]:
        return {param.key: param.value for param in held}
    if (one := item(kind)) is not None:
        return [_out(one, entry, version) for entry in held]
    if kind is Size:
        return {"value": _number(held.value), "unit": held.unit}
    if nested(kind):
        return to_json(held, version)
    if kind is float:
        return _number(held)
    return held if kind in (bool, int) else write(held)


def _number(held: float) -> int | float:
    """Whole numbers without a point, as Go writes them."""
    return int(held) if float(held).is_integer() and abs(held) < 1e21 else held


def _object(document: object, where: str) -> dict[str, Any]:
    """An object by lower-case keys; the last of equal ones counts."""
    if not isinstance(document, Mapping):
        raise InvalidConfiguration(where, document, "an object")
    return {str(key).lower(): held for key, held in document.items()}


def _list(document: object, where: str) -> list[Any]:
    if document is None:
        return []
    if not isinstance(document, list):
        raise InvalidConfiguration(where, document, "a list")
    return document

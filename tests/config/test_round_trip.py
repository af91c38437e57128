from __future__ import annotations

from enum import StrEnum
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from txsyncthing.config.config import Configuration
from txsyncthing.config.entry import BASIC, FilesystemType, Timestamp, layout
from txsyncthing.config.folder import Parameter
from txsyncthing.config.json import from_json, to_json
from txsyncthing.config.scalar import item, kinds, nested
from txsyncthing.config.size import Size
from txsyncthing.config.xml import from_xml, parse
from txsyncthing.config.xml_write import to_xml
from txsyncthing.vocabulary.device import DeviceID

texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8
)
numbers = st.floats(-1e9, 1e9) | st.integers(-1000, 1000).map(float)


def of(kind: Any, *, stated: bool = False) -> st.SearchStrategy[Any]:
    """Any value of a kind."""
    if kind == tuple[Parameter, ...]:
        keys = st.lists(texts, max_size=3, unique=True).map(sorted)
        return keys.flatmap(
            lambda some: st.tuples(*(st.builds(Parameter, st.just(key), texts) for key in some))
        )
    if (one := item(kind)) is not None:
        return st.lists(of(one), min_size=int(stated), max_size=2).map(tuple)
    if kind is Size:
        return st.builds(Size, numbers, st.sampled_from(["", "%", "kB", "MB", "GB", "TB"]))
    if kind is FilesystemType:
        return st.sampled_from([BASIC, FilesystemType("fake")])
    if kind is Timestamp:
        return st.datetimes().map(lambda time: Timestamp(time.isoformat() + "Z"))
    if kind is DeviceID:
        return st.binary(min_size=32, max_size=32).map(DeviceID)
    if nested(kind):
        return st.builds(
            kind,
            **{
                column.field: of(kinds(kind)[column.field], stated=column.entry.stated)
                for column in layout(kind)
            },
        )
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    return {
        bool: st.booleans(),
        int: st.integers(-(2**63), 2**63 - 1),
        float: numbers,
    }.get(kind, texts)


quick = settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Shrinking values of 300 fields takes minutes."""

configurations = st.builds(
    Configuration,
    **{
        column.field: st.just(52)
        if column.field == "version"
        else of(kinds(Configuration)[column.field])
        for column in layout(Configuration)
    },
)


def without_hidden(configuration: Configuration) -> Configuration:
    """What version 52 can say: fields of older versions have their defaults."""
    shown: Configuration = _shown(configuration)
    return shown


def _shown(value: Any) -> Any:
    fields: dict[str, Any] = {}
    types = kinds(type(value))
    for column in layout(type(value)):
        held, kind = getattr(value, column.field), types[column.field]
        if not column.entry.known(52):
            held = column.default
        elif (one := item(kind)) is not None and nested(one):
            held = tuple(_shown(entry) for entry in held)
        elif nested(kind) and kind is not Size:
            held = _shown(held)
        fields[column.field] = held
    return type(value)(**fields)


@quick
@given(configurations)
def test_xml_says_all_that_a_configuration_holds(configuration: Configuration) -> None:
    configuration = without_hidden(configuration)
    gui = configuration.gui
    if not gui.session_cookie_duration_s or not gui.session_cookie_path:
        return  # left out when empty, and then the default: so has it the official daemon
    text = to_xml(configuration)
    assert from_xml(parse(text)) == configuration
    assert to_xml(configuration, parse(text)) == text


@quick
@given(configurations)
def test_json_says_all_that_a_configuration_holds(configuration: Configuration) -> None:
    configuration = without_hidden(configuration)
    assert from_json(to_json(configuration), configuration) == configuration


@quick
@given(configurations, configurations)
def test_any_configuration_can_be_written_over_any_other(
    old: Configuration, new: Configuration
) -> None:
    old, new = without_hidden(old), without_hidden(new)
    if not new.gui.session_cookie_duration_s or not new.gui.session_cookie_path:
        return
    assert from_xml(parse(to_xml(new, parse(to_xml(old))))) == new

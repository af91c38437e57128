from __future__ import annotations

from dataclasses import replace

import pytest

from tests.config.samples import ME, PEER
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.diff import Change, DeviceAdded, OptionsChanged
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.holder import ConfigHolder


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[list[Change]] = []

    def __call__(self, old: Configuration, new: Configuration, changes: list[Change]) -> None:
        self.told.append(changes)


def with_peer(configuration: Configuration) -> Configuration:
    return replace(configuration, devices=(*configuration.devices, DeviceConfig(id=PEER)))


def test_it_holds_a_prepared_configuration() -> None:
    holder = ConfigHolder(Configuration(), ME, new_key=lambda: "key", name="here")
    assert [device.name for device in holder.current.devices] == ["here"]
    assert holder.current.gui.api_key == "key"


def test_subscribers_hear_of_a_change_as_typed_differences() -> None:
    holder, listener = ConfigHolder(Configuration(), ME), Listener()
    holder.subscribe(listener)
    new = holder.modify(with_peer)
    assert holder.current is new
    assert listener.told == [[DeviceAdded(DeviceConfig(id=PEER))]]


def test_a_change_that_changes_nothing_is_not_told() -> None:
    holder, listener = ConfigHolder(Configuration(), ME), Listener()
    holder.subscribe(listener)
    holder.modify(lambda current: current)
    assert listener.told == []


def test_an_invalid_change_leaves_all_as_it_was() -> None:
    holder, listener = ConfigHolder(Configuration(), ME), Listener()
    holder.subscribe(listener)
    before = holder.current
    with pytest.raises(InvalidConfiguration):
        holder.modify(lambda current: replace(current, folders=(FolderConfig(),)))
    assert holder.current is before
    assert listener.told == []


def test_a_verifier_can_veto() -> None:
    holder = ConfigHolder(Configuration(), ME)

    def veto(old: Configuration, new: Configuration) -> None:
        if new.device(PEER):
            raise InvalidConfiguration("device", PEER, "anybody else")

    end = holder.verify(veto)
    with pytest.raises(InvalidConfiguration):
        holder.modify(with_peer)
    assert holder.current.device(PEER) is None
    end()
    holder.modify(with_peer)
    assert holder.current.device(PEER) is not None


def test_a_change_made_by_a_subscriber_is_told_after_the_first() -> None:
    holder, last = ConfigHolder(Configuration(), ME), Listener()

    def meddle(old: Configuration, new: Configuration, changes: list[Change]) -> None:
        holder.modify(lambda now: replace(now, options=replace(now.options, ur_seen=9)))

    holder.subscribe(meddle)
    holder.subscribe(last)
    holder.modify(with_peer)
    assert [type(changes[0]) for changes in last.told] == [DeviceAdded, OptionsChanged]


def test_who_unsubscribes_hears_no_more() -> None:
    holder, listener = ConfigHolder(Configuration(), ME), Listener()
    holder.subscribe(listener)()
    holder.modify(with_peer)
    assert listener.told == []


def test_a_restart_is_asked_for_until_the_change_is_undone() -> None:
    holder = ConfigHolder(Configuration(), ME)
    for file, asked in (("x", True), ("", False)):
        holder.modify(
            lambda now, file=file: replace(now, options=replace(now.options, audit_file=file))  # type: ignore[misc]
        )
        assert holder.requires_restart is asked

"""
Introducers: what a device that we trust tells of others becomes part of our configuration.

Source: reference 3.5 ("Introducer", "De-introduction", "Introducer limits"); tried on version 1.29.5.

Where we are stricter than the official daemon: only folders that we share with the introducer count (there a
folder's ID is enough, and the introducer may so let itself in), devices that the user ignores stay ignored,
and what would not fit or not load again is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from txsyncthing.bep.hello import shown
from txsyncthing.bep.messages import ClusterConfig, Device
from txsyncthing.cluster.accept import MAX_LABEL
from txsyncthing.cluster.announce import shares
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DYNAMIC, DeviceConfig
from txsyncthing.config.diff import Change, DeviceAdded, DeviceChanged, FolderAdded, FolderChanged
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.vocabulary.address import DIAL_SCHEMES, Address, BadAddress
from txsyncthing.vocabulary.device import EMPTY_DEVICE, RESERVED_DEVICES, DeviceID, ShortID
from txsyncthing.vocabulary.folder import FolderID

# Introducers can bring more introducers, so there are limits for each and for all together: a configuration
# of more than 16 MiB would not load again.
MAX_INTRODUCED = 250  # devices of one introducer
MAX_ALL = 1000  # devices of all introducers
MAX_SHARES = 10_000  # that were introduced, of all folders
MAX_ADDRESSES = 16  # of a device, as its introducer tells them
MAX_ADDRESS = 256  # letters

MAX_NOTES = 100  # what of one Cluster Config the log tells in full

MUTUAL = (
    "Remote {name} ({device}) is an introducer to us, and we are to them - only one should be introducer "
    "to the other, see https://docs.syncthing.net/users/introducer.html"
)


class Decided(NamedTuple):
    """A configuration after a device has told something, and what the log is to say of it."""

    configuration: Configuration
    notes: tuple[str, ...] = ()  # what was changed
    warnings: tuple[str, ...] = ()  # what was left out and why


@dataclass(slots=True)
class _Ledger:
    """A configuration while it is being changed."""

    introducer: DeviceConfig
    devices: dict[DeviceID, DeviceConfig]
    folders: dict[FolderID, FolderConfig]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unsaid: int = 0

    def note(self, format: str, *args: object) -> None:
        """Tell of a change, unless there is too much to tell."""
        if len(self.notes) < MAX_NOTES:
            self.notes.append(format.format(*args))
        else:
            self.unsaid += 1


def introduce(
    configuration: Configuration, me: DeviceID, device: DeviceID, config: ClusterConfig
) -> Decided:
    """
    What a device's full Cluster Config changes, if it is an introducer.

    New devices and shares are marked as introduced by it; of those, what it no longer has is taken back.
    What the user set up is never taken back.

    :param device: who sent it.
    """
    introducer = configuration.device(device)
    if introducer is None or not introducer.introducer or introducer.untrusted:
        return Decided(configuration)
    ledger = _Ledger(
        introducer,
        {one.id: one for one in configuration.devices},
        {one.id: one for one in configuration.folders},
    )
    listed = _listed(ledger.folders, config)
    vouched = {id: entries for id, entries in listed.items() if shares(ledger.folders[id], device)}
    if any(entries[me].introducer for entries in vouched.values() if me in entries):
        ledger.warnings.append(MUTUAL.format(name=introducer.name, device=str(device)[:7]))
    _add(ledger, configuration, me, vouched)
    if not introducer.skip_introduction_removals:
        _remove(ledger, listed)
    changed = replace(
        configuration,
        devices=tuple(ledger.devices.values()),
        folders=tuple(ledger.folders.values()),
    )
    if ledger.unsaid:
        ledger.notes.append(f"... and {ledger.unsaid} changes more")
    return Decided(changed, tuple(ledger.notes), tuple(ledger.warnings))


def _listed(
    folders: dict[FolderID, FolderConfig], config: ClusterConfig
) -> dict[FolderID, dict[DeviceID, Device]]:
    """Who has which of our folders, as the introducer tells."""
    listed: dict[FolderID, dict[DeviceID, Device]] = {}
    for folder in config.folders:
        if folder.id in folders:
            entries = listed.setdefault(folder.id, {})
            entries.update((entry.id, entry) for entry in folder.devices)
    return listed


def _add(
    ledger: _Ledger,
    configuration: Configuration,
    me: DeviceID,
    vouched: dict[FolderID, dict[DeviceID, Device]],
) -> None:
    introducer = ledger.introducer
    shorts = {id.short for id in ledger.devices}
    by = [one.introduced_by for one in ledger.devices.values()]
    all = sum(one != EMPTY_DEVICE for one in by)
    room = min(MAX_INTRODUCED - by.count(introducer.id), MAX_ALL - all)
    shares_left = MAX_SHARES - sum(
        member.introduced_by != EMPTY_DEVICE
        for folder in ledger.folders.values()
        for member in folder.devices
    )
    crowded = False
    refused: dict[DeviceID, str] = {}
    for folder_id, entries in vouched.items():
        folder = ledger.folders[folder_id]
        members = {member.id for member in folder.devices}
        new: list[FolderDevice] = []
        for id, entry in entries.items():
            if id in members or id == me or id in RESERVED_DEVICES or id in refused:
                continue
            known = ledger.devices.get(id)
            if known is None:
                if trouble := _trouble(configuration, id, shorts):
                    refused[id] = trouble
                    continue
                if room <= 0:
                    crowded = True
                    continue
                room -= 1
                shorts.add(id.short)
                ledger.devices[id] = _device(configuration, introducer, entry)
                _tell_added(ledger, ledger.devices[id])
            elif known.untrusted:
                continue
            if entry.encryption_password_token:
                if known is None:
                    _tell_encrypted(ledger, folder, id)
                continue
            if shares_left <= 0:
                crowded = True
                continue
            shares_left -= 1
            new.append(FolderDevice(id=id, introduced_by=introducer.id))
            ledger.note(
                "Sharing folder {} with {} (vouched for by introducer {})",
                folder.description,
                id,
                introducer.id,
            )
        if new:
            ledger.folders[folder_id] = replace(folder, devices=(*folder.devices, *new))
    told = islice(refused.items(), MAX_NOTES)
    ledger.warnings += [f"{id} is not added: {why}" for id, why in told]
    if crowded:
        ledger.warnings.append(
            f"introducer {introducer.id} vouches for more devices or shares than there may be "
            f"({MAX_INTRODUCED} devices of one introducer, {MAX_ALL} of all, {MAX_SHARES} shares): "
            "the others are left out"
        )


def _trouble(configuration: Configuration, id: DeviceID, shorts: set[ShortID]) -> str:
    """Why a device must not be added; empty if it may be."""
    if configuration.ignores_device(id):
        return "it is ignored here"
    if id.short in shorts:  # with two such, no daemon starts
        return "another device has the same short ID"
    return ""


def _device(configuration: Configuration, introducer: DeviceConfig, entry: Device) -> DeviceConfig:
    return replace(
        configuration.defaults.device,
        id=entry.id,
        name=shown(entry.name)[:MAX_LABEL],
        addresses=(DYNAMIC, *_usable(entry.addresses)),
        compression=introducer.compression,
        cert_name=shown(entry.cert_name)[:MAX_LABEL],
        introducer=entry.introducer,
        skip_introduction_removals=entry.introducer and entry.skip_introduction_removals,
        introduced_by=introducer.id,
        ignored_folders=(),
    )


def _usable(addresses: Iterable[str]) -> list[str]:
    """What can be dialled, each once."""
    found: dict[str, None] = {}
    for text in addresses:
        if len(found) >= MAX_ADDRESSES:
            break
        if len(text) > MAX_ADDRESS or not text.isprintable():
            continue
        try:
            address = Address.parse(text)
        except BadAddress:
            continue
        if address.scheme in DIAL_SCHEMES and address.host and not address.wildcard:
            found.setdefault(text)
    return list(found)


def _tell_added(ledger: _Ledger, device: DeviceConfig) -> None:
    text = "Adding device {} to config (vouched for by introducer {})"
    ledger.note(text, device.id, device.introduced_by)
    if device.introducer:
        ledger.note("Device {} is now also an introducer", device.id)


def _tell_encrypted(ledger: _Ledger, folder: FolderConfig, id: DeviceID) -> None:
    ledger.note(
        "Cannot share folder {} with {} because the introducer {} encrypts data, which requires a password",
        folder.description,
        id,
        ledger.introducer.id,
    )


def _remove(ledger: _Ledger, listed: dict[FolderID, dict[DeviceID, Device]]) -> None:
    introducer = ledger.introducer.id
    left: set[DeviceID] = (
        set()
    )  # who shares some folder with us or with the introducer, when all is done
    for id, folder in ledger.folders.items():
        gone = [
            member
            for member in folder.devices
            if member.introduced_by == introducer and member.id not in listed.get(id, {})
        ]
        if gone:
            ids = {member.id for member in gone}
            kept = tuple(member for member in folder.devices if member.id not in ids)
            folder = ledger.folders[id] = replace(folder, devices=kept)
            for member in gone:
                ledger.note(
                    "Unsharing folder {} with {} as introducer {} no longer shares the folder "
                    "with that device",
                    folder.description,
                    member.id,
                    introducer,
                )
        left.update(member.id for member in folder.devices)
    left.update(id for entries in listed.values() for id in entries)
    for device in list(ledger.devices.values()):
        if device.introduced_by == introducer and device.id not in left:
            del ledger.devices[device.id]
            text = (
                "Removing device {} as introducer {} no longer shares any folders with that device"
            )
            ledger.note(text, device.id, introducer)


def awakened(changes: Iterable[Change], configuration: Configuration) -> list[DeviceID]:
    """
    Whose last Cluster Config means more than it did, because of these changes: it became an introducer, its
    folders are accepted by themselves now, or an introducer shares one folder more.
    """
    found: dict[DeviceID, None] = {}
    introducers = {device.id for device in configuration.devices if device.introducer}
    for change in changes:
        if isinstance(change, DeviceAdded):
            continue  # it has told nothing yet
        if isinstance(change, DeviceChanged):
            old, new = change.old, change.new
            if (new.introducer and not old.introducer) or (
                new.auto_accept_folders and not old.auto_accept_folders
            ):
                found.setdefault(new.id)
        elif isinstance(change, FolderAdded | FolderChanged):
            now = change.folder if isinstance(change, FolderAdded) else change.new
            before = change.old.devices if isinstance(change, FolderChanged) else ()
            new_here = {one.id for one in now.devices} - {one.id for one in before}
            found.update(dict.fromkeys(sorted(new_here & introducers)))
    return list(found)

"""
Why nothing goes to or comes from another device, as far as it can be seen from here.

Codes are for programs and stay; sentences are for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from txsyncthing.api.encoding import seconds_text
from txsyncthing.cluster.status import DeviceStatus
from txsyncthing.folder.reasons import Next, Reason
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, RemoteState

_AGAIN = Next(None, "dialled again, at the latest after reconnectionIntervalS")


class DeviceFacts(NamedTuple):
    """
    What there is to know of a device.

    :ivar me: our own device.
    :ivar folders: what it makes of the folders that we share with it and that run here.
    :ivar dialled: why each of its addresses could not be reached.
    """

    me: DeviceID
    device: DeviceID
    status: DeviceStatus
    folders: Mapping[FolderID, RemoteState]
    dialled: Mapping[str, str] = {}


def device_reasons(facts: DeviceFacts) -> tuple[Reason, ...]:
    """The one that matters most first; empty where all is well."""
    return tuple(_reasons(facts))


def away(status: DeviceStatus) -> str:
    """Why a device is not connected."""
    if status.strange:
        return "has not (yet) added this device, as it seems: it hangs up"
    seen = status.statistics.last_seen
    return f"is not connected ({f'last seen {seconds_text(seen)}' if seen else 'never seen'})"


def _reasons(facts: DeviceFacts) -> Iterable[Reason]:
    status = facts.status
    if status.paused:
        yield Reason(
            "device-paused",
            "The device is paused here.",
            remedy=f"Resume it: txsyncthing cli config devices {facts.device} paused set false",
        )
        return
    if not status.connected and status.strange:
        yield Reason(
            "not-added",
            "It hangs up on us: it has not (yet) added this device, as it seems.",
            status.statistics.last_seen,
            f"Accept this device there, or add it: {facts.me}",
            _AGAIN,
        )
        return
    if not status.connected:
        failed = "".join(f" {address}: {error}" for address, error in facts.dialled.items())
        yield Reason(
            "not-connected",
            f"It {away(status)}.{failed}",
            status.statistics.last_seen,
            "See that it runs, and that one of its addresses is right.",
            _AGAIN,
            {"addresses": dict(facts.dialled)},
        )
        return
    for state, code, sentence, remedy in (
        (
            RemoteState.NOT_SHARING,
            "not-shared",
            "It does not share {folders} with us (yet).",
            "Accept what is pending there, or add this device to the folder there.",
        ),
        (
            RemoteState.PAUSED,
            "folder-paused-there",
            "It has paused {folders}.",
            "Resume that there.",
        ),
    ):
        some = sorted(id for id, one in facts.folders.items() if one is state)
        if some:
            yield Reason(
                code,
                sentence.format(folders=", ".join(some)),
                remedy=remedy,
                data={"folders": some},
            )

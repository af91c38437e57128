"""
What ``wait`` sees of a folder, and what it concludes.

All is calculated from what the node answered and from the time; nothing is asked here.

Source: reference 7.4 ``db/status`` and ``db/completion``, 7.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from txsyncthing.cli.output import amount, count, percent

GRACE = 90.0
"""Seconds that failed items are left to the node: it tries again after 60."""
SETTLE = 5.0
"""Seconds in which a send-only folder may find that what it misses is the same here."""


class Exit(IntEnum):
    """How ``wait`` ends."""

    IN_SYNC = 0
    ERROR = 1
    USAGE = 2
    TIMED_OUT = 3
    STOPPED = 4


@dataclass(frozen=True, slots=True)
class DeviceLook:
    """One device's share in a folder; sizes are bytes."""

    id: str
    name: str
    connected: bool
    paused: bool
    state: str  # what it makes of the folder: valid, paused, notSharing, unknown; empty before 1.20
    need_items: int
    need_bytes: int
    whole: int
    heard: bool = True  # it has told what it has of the folder, if only that this is nothing

    @property
    def complete(self) -> bool:
        return self.heard and self.need_items == 0 and self.need_bytes == 0

    @property
    def stopped(self) -> str:
        """Why waiting for it is in vain."""
        if self.paused:
            return f"{self.name} is paused here: resume the device"
        if self.connected and self.state == "notSharing":
            return f"{self.name} does not share the folder: accept it there"
        if self.connected and self.state == "paused":
            return f"{self.name} has paused the folder: resume it there"
        return ""


@dataclass(frozen=True, slots=True)
class Look:
    """A folder at one moment."""

    paused: bool = False
    state: str = ""
    error: str = ""
    need_items: int = 0
    need_bytes: int = 0
    whole: int = 0
    failing: int = 0
    alone: bool = False  # no device that shares the folder is connected
    only_sends: bool = False
    held: str = ""  # what the guard of our node holds
    devices: tuple[DeviceLook, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether those for whom we wait have all."""
        if self.devices:
            return all(device.complete for device in self.devices)
        return self.state == "idle" and self.need_items == 0 and self.need_bytes == 0

    @property
    def left(self) -> tuple[int, int, int]:
        """Items and bytes that are missing, and of how many bytes."""
        if self.devices:
            return (
                sum(device.need_items for device in self.devices),
                sum(device.need_bytes for device in self.devices),
                sum(device.whole for device in self.devices),
            )
        return self.need_items, self.need_bytes, self.whole

    @property
    def stuck(self) -> bool:
        """Whether nothing is under way, and the node does not come further by itself."""
        if self.state != "idle" or self.complete or self.devices:
            return False
        return self.only_sends or (self.failing > 0 and not self.alone)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of the wait."""

    code: Exit
    sentence: str


def folder_look(
    paused: bool,
    status: Mapping[str, Any],
    devices: tuple[DeviceLook, ...] = (),
    alone: bool = False,
    *,
    only_sends: bool = False,
    held: str = "",
) -> Look:
    """
    What ``db/status`` says.

    :param status: empty for a paused folder, of which there is none.
    :param only_sends: the folder's type is ``sendonly``.
    :param held: what its guard holds.
    """
    need = int(status.get("needTotalItems") or 0)
    if "needTotalItems" not in status:  # before 1.20
        need = sum(
            int(status.get(key) or 0)
            for key in ("needFiles", "needDirectories", "needSymlinks", "needDeletes")
        )
    return Look(
        paused=paused,
        state=str(status.get("state") or ""),
        error=str(status.get("error") or status.get("invalid") or ""),
        need_items=need,
        need_bytes=int(status.get("needBytes") or 0),
        whole=int(status.get("globalBytes") or 0),
        failing=int(status.get("pullErrors") or status.get("errors") or 0),
        alone=alone,
        only_sends=only_sends,
        held=held,
        devices=devices,
    )


def device_look(
    id: str, name: str, connected: bool, paused: bool, completion: Mapping[str, Any]
) -> DeviceLook:
    """
    What ``db/completion`` says of a device.

    Of a device that has not told of a single item yet, official daemons say that it needs nothing: we say
    that it needs all. Nor is it complete where the folder is empty, before it is here and shares it.
    """
    silent = completion.get("sequence") == 0
    items = int(completion.get("needItems") or 0) + int(completion.get("needDeletes") or 0)
    missing = int(completion.get("needBytes") or 0)
    if silent and not items:
        items = int(completion.get("globalItems") or 0)
        missing = int(completion.get("globalBytes") or 0) if items else missing
    return DeviceLook(
        id=id,
        name=name,
        connected=connected,
        paused=paused,
        state=str(completion.get("remoteState") or ""),
        need_items=items,
        need_bytes=missing,
        whole=int(completion.get("globalBytes") or 0),
        heard=not silent or (connected and completion.get("remoteState", "valid") == "valid"),
    )


def held_sentence(guard: Mapping[str, Any]) -> str:
    """What ``/rest/x/guard`` says that a folder holds, and how to go on; empty: nothing, or it is decided."""
    held = guard.get("held")
    if not held or held.get("refused"):
        return ""
    id = guard.get("folder", "")
    return (
        f"the guard holds {held.get('sentence', 'a batch')}: to let it be done, POST"
        f" /rest/x/guard/release?folder={id}; to keep what is here, /rest/x/guard/refuse?folder={id}"
    )


def judge(look: Look, stuck_for: float) -> Verdict | None:
    """
    Whether the wait is over.

    :param stuck_for: seconds since which the look is ``stuck``.
    """
    if look.paused:
        return Verdict(Exit.STOPPED, "the folder is paused: resume it")
    if look.state == "error":
        return Verdict(Exit.STOPPED, f"the folder is stopped: {look.error or 'see status'}")
    if look.complete:
        return Verdict(Exit.IN_SYNC, "in sync")
    for device in look.devices:
        if device.stopped:
            return Verdict(Exit.STOPPED, device.stopped)
    if look.held and not look.devices and look.state == "idle":
        return Verdict(Exit.STOPPED, look.held)
    if look.stuck and look.only_sends and stuck_for >= SETTLE:
        return Verdict(
            Exit.STOPPED,
            f"the folder only sends, and differs from what the other devices have in"
            f" {count(look.need_items, 'item')}: override that (txsyncthing cli operations"
            " folder-override), or make it send and receive",
        )
    if look.stuck and stuck_for >= GRACE:
        return Verdict(Exit.STOPPED, f"{count(look.failing, 'item')} cannot be synced")
    return None


@dataclass(slots=True)
class Rate:
    """How fast the missing bytes become fewer, smoothed over some seconds."""

    speed: float = 0.0  # bytes a second
    _last: tuple[float, int] | None = field(default=None)

    def saw(self, now: float, missing: int) -> None:
        if self._last is None:
            self._last = now, missing
            return
        then, before = self._last
        if now - then < 0.2:
            return
        latest = max(0, before - missing) / (now - then)
        weight = min(1.0, (now - then) / 5)
        self.speed = latest if self.speed == 0 else self.speed + weight * (latest - self.speed)
        self._last = now, missing


def progress_line(folder: str, look: Look, speed: float) -> str:
    """The look on one line, for a terminal."""
    items, missing, whole = look.left
    words = [look.state] if look.state and not look.devices else []
    if items or missing:
        words.append(percent(whole - missing, whole) if missing else "100 % of the bytes")
        words.append(f"{amount(max(0, whole - missing))} of {amount(whole)}")
        if speed >= 1:
            words.append(f"{amount(speed)}/s")
        words.append(f"{count(items, 'item')} left")
    away = [device.name for device in look.devices if not device.complete and not device.connected]
    if away:
        words.append(f"not connected: {', '.join(away)}")
    if look.alone and not look.complete:
        words.append("no device is connected")
    if look.stuck and look.failing:
        words.append(f"{look.failing} failed, to be tried again")
    return f"{folder}: {' · '.join(words) or 'complete'}"


def document(folder: str, look: Look, verdict: Verdict, seconds: float) -> dict[str, Any]:
    """The result for ``--json``."""
    return {
        "folder": folder,
        "result": verdict.code.name.lower().replace("_", "-"),
        "sentence": verdict.sentence,
        "seconds": round(seconds, 3),
        "state": "paused" if look.paused else look.state,
        "needItems": look.need_items,
        "needBytes": look.need_bytes,
        "globalBytes": look.whole,
        "failedItems": look.failing,
        "devices": {
            device.id: {
                "name": device.name,
                "connected": device.connected,
                "remoteState": device.state,
                "needItems": device.need_items,
                "needBytes": device.need_bytes,
                "globalBytes": device.whole,
            }
            for device in look.devices
        },
    }

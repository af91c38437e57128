"""What befalls the machines and wires of a simulation. Each trouble notes what it does and counts itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Protocol

from txsyncthing.config.config import Configuration
from txsyncthing.testing.cluster import Cluster
from txsyncthing.testing.databases import DatabaseDisk
from txsyncthing.testing.ledger import Ledger
from txsyncthing.testing.stage import DOCS, Diary, Machine
from txsyncthing.testing.users import NAMES
from txsyncthing.vocabulary.folder import FolderType

OPERATIONS = (
    "chmod",
    "create",
    "exchange",
    "link",
    "list",
    "lstat",
    "make_directory",
    "open",
    "place",
    "read",
    "remove",
    "remove_directory",
    "rename",
    "space",
    "stats",
    "symlink",
    "sync",
    "sync_directory",
    "truncate",
    "utime",
    "write",
)
SHORT = (0.5, 5.0, 30.0, 120.0)  # seconds that a trouble lasts


class Scene(Protocol):
    """What troubles happen to."""

    cluster: Cluster
    machines: list[Machine]
    ledger: Ledger
    diary: Diary
    database_disk: DatabaseDisk

    def ambush(self, machine: Machine, random: Random) -> None:
        """A user edits something on this machine, in the middle of what the node does."""


Trouble = Callable[[Scene, Machine, Random], None]


def _other(scene: Scene, machine: Machine, random: Random) -> Machine:
    return random.choice([one for one in scene.machines if one is not machine])


def _later(scene: Scene, random: Random, call: Callable[[], object]) -> float:
    seconds = random.choice(SHORT)
    scene.cluster.clock.callLater(seconds, call)
    return seconds


# Wires.


def drop(scene: Scene, machine: Machine, random: Random) -> None:
    other = _other(scene, machine, random)
    scene.cluster.network.drop(machine.member.device, other.member.device)
    scene.diary.note(f"the wires between {machine.name} and {other.name} drop")
    scene.diary.count("drop")


def break_soon(scene: Scene, machine: Machine, random: Random) -> None:
    pieces = scene.cluster.network.fuse = random.randrange(1, 30)
    scene.diary.note(f"some wire breaks in the {pieces}. piece from now")
    scene.diary.count("break")


def cut(scene: Scene, machine: Machine, random: Random) -> None:
    other, network = _other(scene, machine, random), scene.cluster.network
    a, b = machine.member.device, other.member.device
    network.cut(a, b)
    seconds = _later(scene, random, lambda: network.heal(a, b))
    scene.diary.note(f"{machine.name} and {other.name} cannot meet for {seconds} s")
    scene.diary.count("partition")


def slow(scene: Scene, machine: Machine, random: Random) -> None:
    other, seconds = _other(scene, machine, random), random.choice((0.0, 0.05, 1.0, 10.0))
    scene.cluster.network.slow(machine.member.device, other.member.device, seconds)
    scene.diary.note(f"pieces between {machine.name} and {other.name} take {seconds} s more")
    scene.diary.count("slow wire")


def stall(scene: Scene, machine: Machine, random: Random) -> None:
    other, seconds = _other(scene, machine, random), random.choice((2.0, 20.0, 200.0))
    scene.cluster.network.stall(machine.member.device, other.member.device, seconds)
    scene.diary.note(f"nothing comes from {machine.name} to {other.name} for {seconds} s")
    scene.diary.count("stall")


# Processes and machines.


def restart(scene: Scene, machine: Machine, random: Random) -> None:
    if machine.member.up:
        machine.member.stop()
        scene.diary.note(f"{machine.name}: is stopped")
        scene.cluster.clock.callLater(random.choice((0.0, 1.0, 20.0)), machine.begin)
        scene.diary.count("restart")


def kill(scene: Scene, machine: Machine, random: Random) -> None:
    if machine.member.up:
        machine.power_goes = False
        machine.end()


def kill_soon(scene: Scene, machine: Machine, random: Random) -> None:
    _doom(scene, machine, random, power=False)


def power(scene: Scene, machine: Machine, random: Random) -> None:
    if machine.member.up:
        machine.power_goes = True
        machine.end()


def power_soon(scene: Scene, machine: Machine, random: Random) -> None:
    _doom(scene, machine, random, power=True)


def _doom(scene: Scene, machine: Machine, random: Random, power: bool) -> None:
    if machine.member.up:
        machine.power_goes = power
        steps = machine.member.process.fuse = random.choice((3, 10, 30, 100)) + random.randrange(20)
        what = "loses its power" if power else "is killed"
        scene.diary.note(f"{machine.name}: {what} in the {steps}. step from now")


def clock(scene: Scene, machine: Machine, random: Random) -> None:
    seconds = random.choice((-1, 1)) * random.choice((1, 60, 3600, 86_400)) * random.uniform(0.5, 2)
    machine.member.skew += seconds
    scene.diary.note(f"{machine.name}: the clock on the wall jumps by {seconds:.3f} s")
    scene.diary.count("clock back" if seconds < 0 else "clock forward")


# Disks.


def fail(scene: Scene, machine: Machine, random: Random) -> None:
    operation = random.choice(OPERATIONS)
    code = random.choice((errno.EIO, errno.ENOSPC, errno.EACCES))
    count = random.choice((1, 1, 2, 5, -1))
    machine.disk.fail(operation, "*", OSError(code, os.strerror(code)), times=count)
    seconds = _later(scene, random, machine.disk.heal)
    times = "each time" if count < 0 else f"{count} times"
    scene.diary.note(
        f"{machine.name}: {operation} fails {times} ({os.strerror(code)}), for {seconds} s at most"
    )
    scene.diary.count("disk error")


def fill(scene: Scene, machine: Machine, random: Random) -> None:
    disk = machine.disk
    room = random.choice((0, 4096, 65_536, 400_000))
    disk.resize(disk.used + room)
    seconds = _later(scene, random, lambda: disk.resize(None))
    scene.diary.note(f"{machine.name}: the disk has room for {room} bytes, for {seconds} s")
    scene.diary.count("full disk")


def fill_database(scene: Scene, machine: Machine, random: Random) -> None:
    full, directory = scene.database_disk.full, machine.databases.directory

    def heal() -> None:
        if directory in full:
            full.remove(directory)

    if directory not in full:
        full.append(directory)
        seconds = _later(scene, random, heal)
        scene.diary.note(f"{machine.name}: the disk of the databases is full for {seconds} s")
        scene.diary.count("full database disk")


def unplug(scene: Scene, machine: Machine, random: Random) -> None:
    disk = machine.disk
    if not disk.plugged or not machine.knows:
        return
    disk.unplug()
    what = "the folder's root is gone"
    if random.random() < 0.5:
        with disk.quiet():
            disk.make_directory("", 0o755)
        what = "an empty directory is where the folder's root was"
    seconds = _later(scene, random, disk.plug)
    scene.diary.note(f"{machine.name}: {what}, for {seconds} s")
    scene.diary.count("root gone")


# Users, where they are no help.


def ignore(scene: Scene, machine: Machine, random: Random) -> None:
    disk = machine.disk
    if not disk.plugged:
        return
    lines = [] if random.random() < 0.3 else random.sample(NAMES, random.choice((1, 2)))
    with disk.quiet():
        disk.put(".stignore", "".join(f"/{line}\n" for line in lines).encode())
        disk.keep(".stignore")
    for name in lines:
        scene.ledger.hide(name)
    scene.diary.note(f"{machine.name}: ignores {', '.join(lines) or 'nothing'}")
    scene.diary.count("ignores")


def pause_folder(scene: Scene, machine: Machine, random: Random) -> None:
    set_paused(machine, True)
    seconds = _later(scene, random, lambda: set_paused(machine, False))
    scene.diary.note(f"{machine.name}: the folder is paused for {seconds} s")
    scene.diary.count("pause")


def set_paused(machine: Machine, paused: bool) -> None:
    def change(old: Configuration) -> Configuration:
        folders = tuple(
            replace(folder, paused=paused) if folder.id == DOCS else folder
            for folder in old.folders
        )
        return replace(old, folders=folders)

    machine.member.holder.modify(change)


def change_type(scene: Scene, machine: Machine, random: Random) -> None:
    type = random.choice((FolderType.SEND_ONLY, FolderType.RECEIVE_ONLY))
    set_type(machine, type)
    seconds = _later(scene, random, lambda: set_type(machine, FolderType.SEND_RECEIVE))
    scene.diary.note(f"{machine.name}: the folder is {type.value} for {seconds} s")
    scene.diary.count(type.value)


def set_type(machine: Machine, type: FolderType) -> None:
    def change(old: Configuration) -> Configuration:
        folders = tuple(
            replace(folder, type=type) if folder.id == DOCS else folder for folder in old.folders
        )
        return replace(old, folders=folders)

    machine.member.holder.modify(change)


def pause_device(scene: Scene, machine: Machine, random: Random) -> None:
    other = _other(scene, machine, random)
    set_device_paused(machine, other, True)
    seconds = _later(scene, random, lambda: set_device_paused(machine, other, False))
    scene.diary.note(f"{machine.name}: {other.name} is paused for {seconds} s")
    scene.diary.count("pause")


def set_device_paused(machine: Machine, other: Machine, paused: bool) -> None:
    def change(old: Configuration) -> Configuration:
        devices = tuple(
            replace(device, paused=paused) if device.id == other.member.device else device
            for device in old.devices
        )
        return replace(old, devices=devices)

    machine.member.holder.modify(change)


def ambush(scene: Scene, machine: Machine, random: Random) -> None:
    steps = machine.ambush_in = random.choice((1, 5, 20, 60)) + random.randrange(10)
    machine.ambush = lambda: scene.ambush(machine, random)
    scene.diary.note(f"{machine.name}: its user edits before the {steps}. operation from now")


TROUBLES: dict[str, tuple[Trouble, int]] = {
    "ambush": (ambush, 6),
    "break": (break_soon, 2),
    "clock": (clock, 1),
    "cut": (cut, 2),
    "drop": (drop, 1),
    "fail": (fail, 4),
    "fill": (fill, 1),
    "fill database": (fill_database, 1),
    "ignore": (ignore, 1),
    "kill": (kill, 1),
    "kill soon": (kill_soon, 3),
    "pause device": (pause_device, 1),
    "pause folder": (pause_folder, 1),
    "power": (power, 1),
    "power soon": (power_soon, 4),
    "restart": (restart, 1),
    "slow": (slow, 1),
    "stall": (stall, 1),
    "type": (change_type, 1),
    "unplug": (unplug, 1),
}
"""All kinds, and how often they come."""

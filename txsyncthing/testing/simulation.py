"""
A cluster of whole nodes in a bad world: random edits, broken wires, crashing machines, failing disks.

All comes from one seed; the same seed tells the same story again, operation by operation. Each seed has a
character of its own: only some kinds of edits and troubles, its own tempo. At the end the world is mended,
and the nodes have to come to what ``ledger`` and ``checks`` say.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from traceback import format_exc
from typing import TypeVar

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import Parameter, Versioning
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.testing.archives import Archive
from txsyncthing.testing.checks import (
    at_rest,
    differences,
    disagreements,
    flaws,
    leftovers,
    unrest,
)
from txsyncthing.testing.cluster import Cluster
from txsyncthing.testing.databases import CrashingDatabases, DatabaseDisk, installed
from txsyncthing.testing.jobs import Tempo
from txsyncthing.testing.ledger import Ledger, tree
from txsyncthing.testing.stage import DOCS, Diary, Machine, MakesDisk
from txsyncthing.testing.troubles import TROUBLES, set_device_paused, set_paused, set_type
from txsyncthing.testing.users import EDITS
from txsyncthing.vocabulary.folder import FolderType
from txsyncthing.vocabulary.name import WireName

T = TypeVar("T")

MEMBERS = ("ann", "bob", "cid")
SIMPLE = "simple"  # versioning that keeps each one
WAITS = (0.0, 0.0, 0.01, 0.1, 1.0, 5.0, 30.0)  # seconds between two steps
ROUNDS = 40  # of scans and rest until a whole cluster must be at rest
REST = 120.0  # seconds of one
AGE = 30 * 86_400.0  # seconds after which a temporary file must be gone, whatever the clocks did
TEMPOS = (
    Tempo(),
    Tempo(late=0.3, longest=1.0),
    Tempo(late=0.1, pauses=0.02, longest=5.0),
    Tempo(late=0.3, pauses=0.1, longest=1.0),
    Tempo(late=0.5, pauses=0.3, longest=0.1),
)


@dataclass(frozen=True, slots=True)
class Character:
    """What a seed is like."""

    members: int
    late: bool  # the last one comes in the middle
    steps: int
    edits: tuple[str, ...]
    troubles: tuple[str, ...]
    trouble: float  # the share of steps that are none of a user's edits
    seen: float  # the share of edits of which the node hears at once
    jitter: float  # seconds
    tempo: Tempo
    versioning: str  # the kind

    @classmethod
    def of(cls, seed: int) -> Character:
        random = Random(f"{seed} character")
        members = random.choice((2, 2, 3, 3, 3))
        few = random.choice((0.2, 0.5, 0.8))
        return cls(
            members=members,
            late=members == 3 and random.random() < 0.3,
            steps=random.choice((20, 40, 60)),
            edits=_some(EDITS, random, 0.7) or ("write",),
            troubles=_some(TROUBLES, random, few),
            trouble=random.choice((0.2, 0.4, 0.6)),
            seen=random.choice((0.0, 0.5, 0.9)),
            jitter=random.choice((0.0, 0.01, 0.5)),
            tempo=random.choice(TEMPOS),
            versioning=random.choice(("", "", SIMPLE, "trashcan")),
        )


def _some(all: Mapping[str, object], random: Random, share: float) -> tuple[str, ...]:
    return tuple(name for name in all if random.random() < share)


@dataclass(slots=True)
class Result:
    """How a simulation went."""

    seed: int
    failures: list[str]
    story: list[str]
    trace: int
    counts: Counter[str] = field(default_factory=Counter)
    steps: tuple[int, ...] = ()  # that were taken

    def text(self) -> str:
        """For people: what is wrong, and how it came."""
        replay = f"python -m txsyncthing.testing.simulate --seed {self.seed}"
        lines = [f"seed {self.seed}:", *self.failures, "", "What happened:", *self.story]
        return "\n".join([*lines, "", f"Again: {replay}", f"Shorter: {replay} --shrink"])


class Simulation:
    """
    One seed.

    :param directory: for the databases; best in memory.
    :param skip: steps that are left out; those that stay do what they would have done.
    :param makes_disk: for tests of the simulation itself.
    """

    def __init__(
        self,
        seed: int,
        directory: Path,
        database_disk: DatabaseDisk,
        skip: Collection[int] = (),
        makes_disk: MakesDisk = MemoryFilesystem,
    ) -> None:
        self.seed = seed
        self.character = character = Character.of(seed)
        self.database_disk = database_disk
        self.cluster = Cluster(
            seed, lambda name: CrashingDatabases(database_disk, directory / name)
        )
        self.diary = Diary(self.cluster.clock.seconds)
        self.ledger = Ledger()
        self.machines: list[Machine] = []
        self._archives: list[Archive] = []
        self.failures: list[str] = []
        self._skip = skip
        self._over = False  # the story is: what follows is waiting
        self._makes_disk = makes_disk
        self._edits = _weighted({name: EDITS[name] for name in character.edits})
        self._troubles = _weighted({name: TROUBLES[name] for name in character.troubles})
        self.cluster.network.set_jitter(character.jitter)

    # The story.

    def run(self) -> Result:
        """Live through it, mend all, look."""
        character, diary = self.character, self.diary
        diary.note(str(character))
        with _loud(self._fault):
            try:
                self._live()
            except Exception:
                self.failures.append(f"an exception came through: {format_exc()}")
        self._count()
        steps = tuple(step for step in range(character.steps) if step not in self._skip)
        return Result(self.seed, self.failures, diary.lines, diary.trace, diary.counts, steps)

    def _live(self) -> None:
        character = self.character
        self._add(*MEMBERS[: character.members - character.late])
        self.cluster.run(5.0)
        for step in range(character.steps):
            if character.late and step == character.steps // 2:
                self._add(MEMBERS[2])
            if step not in self._skip:
                self._step(Random(f"{self.seed} step {step}"))
        self._mend()
        self._settle()
        self.cluster.stop()

    def _add(self, *names: str) -> None:
        for name in names:
            machine = Machine(
                self.cluster,
                name,
                self.character.tempo,
                Random(f"{self.seed} {name}"),
                self.ledger,
                self.diary,
                self._makes_disk,
            )
            self.machines.append(machine)
            if self.character.versioning == SIMPLE:
                self._archives.append(Archive(machine, self.ledger))
            machine.begin()
        self.cluster.share(DOCS, *(one.member for one in self.machines))
        for one in self.machines:
            one.member.holder.modify(self._settings)

    def _settings(self, old: Configuration) -> Configuration:
        versioning = Versioning(self.character.versioning)
        if versioning.type == SIMPLE:
            versioning = replace(versioning, params=(Parameter("keep", "100000"),))
        folders = tuple(
            replace(folder, max_conflicts=-1, versioning=versioning) for folder in old.folders
        )
        return replace(old, folders=folders)

    def _step(self, random: Random) -> None:
        for archive in self._archives:
            archive.see()
        machine = random.choice(self.machines)
        if self._troubles and random.random() < self.character.trouble:
            random.choice(self._troubles)(self, machine, random)
        elif random.random() < 0.1:
            self._scan(machine)
        else:
            self._edit(machine, random)
        self.cluster.run(random.choice(WAITS))

    def _edit(self, machine: Machine, random: Random, middle: bool = False) -> None:
        sly = not middle and not machine.covers_tracks
        names = machine.user.edit(self._edits, random, sly)
        if not names:
            return
        how = "in the middle of something " if middle else ""
        self.diary.count("edit")
        self.diary.note(f"{machine.name}: {how}{machine.user.said}")
        folder = machine.folder
        if folder is not None and random.random() < self.character.seen:
            # Not now: this may be the middle of a worker's job.
            seen = [WireName(name) for name in names]
            self.cluster.clock.callLater(0.0, self._see, machine, seen)

    def _see(self, machine: Machine, names: list[WireName]) -> None:
        if machine.folder is not None:
            machine.folder.rescan(names)
            self.diary.note(f"{machine.name}: sees it")

    def ambush(self, machine: Machine, random: Random) -> None:
        self.diary.count("ambush")
        self._edit(machine, random, middle=True)

    def _scan(self, machine: Machine) -> None:
        if machine.folder is not None:
            machine.folder.scan().addErrback(lambda failure: None)
            if not self._over:
                self.diary.note(f"{machine.name}: scan")

    # The end.

    def _mend(self) -> None:
        """The world is as it should be."""
        self.diary.note("ALL IS MENDED")
        self._over = True
        network = self.cluster.network
        network.calm()
        self.database_disk.full.clear()
        for machine in self.machines:
            machine.calm()
            machine.begin()
            set_paused(machine, False)
            set_type(machine, FolderType.SEND_RECEIVE)
            with machine.disk.quiet():
                if ".stignore" in machine.disk.everything():
                    machine.disk.remove(".stignore")
            for other in self.machines:
                if other is not machine:
                    network.heal(machine.member.device, other.member.device)
                    set_device_paused(machine, other, False)

    def _settle(self) -> None:
        """
        Wait until all is at rest, then look at everything.

        Scans, since there is no watcher; the waits are longer than any pause between two attempts.
        """
        wrong: list[str] = []
        for _ in range(ROUNDS):
            self.diary.count("rounds of rest")
            self.cluster.run(REST)
            for machine in self.machines:
                machine.calm()  # what was due later than the end
                machine.begin()
                set_paused(machine, False)
                self._scan(machine)
            self.cluster.run(REST)
            if all(at_rest(machine) for machine in self.machines):
                wrong = list(self._wrong())
                if not wrong:
                    break
        else:
            self.failures += ["the nodes did not come to rest:", *wrong]
            for machine in self.machines:
                self.failures += unrest(machine)
        final = tree(self.machines[0].disk)
        self.failures += self.ledger.broken(final)
        for archive in self._archives:
            self.failures += archive.broken()
        for machine in self.machines:
            machine.member.skew += AGE
            self._scan(machine)
        self.cluster.run(REST)
        for machine in self.machines:
            self.failures += leftovers(machine)
            if tree(machine.disk) != final:
                self.failures.append(f"{machine.name}: more has changed after all was at rest")

    def _wrong(self) -> Iterator[str]:
        yield from differences(self.machines)
        for machine in self.machines:
            yield from unrest(machine)
            yield from flaws(machine)
        yield from disagreements(self.machines)

    def _fault(self, text: str) -> None:
        self.failures.append(f"a fault of ours: {text}")

    def _count(self) -> None:
        diary = self.diary
        for machine in self.machines:
            for line in machine.member.logs.errors():
                if "Traceback" in line.message:
                    self._fault(line.message)
            diary.count("pauses", machine.pauses)
        diary.count("broken wires", self.cluster.network.broken)
        diary.count("refused database writes", self.database_disk.refused)
        diary.count("marks", self.ledger.marks)
        diary.count("doubts", self.ledger.doubts)
        diary.count("losers that returned", self.ledger.losers)


def _weighted(kinds: Mapping[str, tuple[T, int]]) -> list[T]:
    return [one for one, weight in kinds.values() for _ in range(weight)]


@implementer(ILogObserver)
class _Listener:
    """Hears of failures that nobody expected."""

    def __init__(self, fault: Callable[[str], object]) -> None:
        self._fault = fault

    def __call__(self, event: LogEvent) -> None:
        failure: Failure | None = event.get("log_failure")
        if failure is not None:
            self._fault(failure.getTraceback())


@contextmanager
def _loud(fault: Callable[[str], object]) -> Iterator[None]:
    """
    Failures inside are told. Nothing is collected, see ``Process.limbo``.
    """
    listener = _Listener(fault)
    collects = gc.isenabled()
    gc.disable()
    globalLogPublisher.addObserver(listener)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(listener)
        if collects:
            gc.enable()


def _collect() -> None:
    """
    Collect what is left of killed processes: coroutines that can neither go on nor end, and say so.
    """
    before = sys.unraisablehook
    sys.unraisablehook = _ignored
    try:
        gc.collect()
    finally:
        sys.unraisablehook = before


def _ignored(unraisable: object) -> None:
    pass


def simulate(
    seed: int,
    directory: Path,
    skip: Collection[int] = (),
    makes_disk: MakesDisk = MemoryFilesystem,
) -> Result:
    """
    Live through one seed.

    :param directory: an empty one, for databases.
    """
    with installed() as database_disk:
        result = Simulation(seed, directory, database_disk, skip, makes_disk).run()
    _collect()
    return result

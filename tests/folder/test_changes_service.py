"""Every deletion, overwrite and move by a remote change is a line with the device that made it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from tests.folder.test_service import World
from tests.pull.folder import ANN, answer, directory, file, gone
from txsyncthing.folder.changes_service import AREA, AT_ONCE, ChangeLog
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.service import FolderService
from txsyncthing.pull.finish import DELETED, Change
from txsyncthing.runtime.lines import Line
from txsyncthing.runtime.log_service import Logs
from txsyncthing.vocabulary.device import ShortID, short_text
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName


class Written:
    """Where lines go."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.logs = Logs(lambda: 0.0, sinks=[self._add])
        self.outside = Outside(
            who=lambda short: f"ann ({short_text(short)})", changes=self.logs.area(AREA, kept=False)
        )

    def _add(self, line: Line) -> None:
        self.lines.append(line.message)


class Turns(Clock):
    """A clock which, like a reactor, makes a call of no delay in the next turn only."""

    def callLater(self, delay: float, *args: Any, **kwargs: Any) -> IDelayedCall:
        return super().callLater(max(delay, 0.001), *args, **kwargs)

    def turn(self) -> None:
        self.advance(0.001)


class Logged(World):
    def __init__(self) -> None:
        super().__init__()
        self.written = Written()
        self.outside = self.written.outside
        self.sequence = 0

    def tell(self, service: FolderService, *files: FileInfo) -> None:
        for one in files:
            self.sequence += 1
            answer(service.index.update_remote(ANN, [one._replace(sequence=self.sequence)]))
        self.clock.advance(1.0)
        self.clock.advance(1.0)

    def bring(self, service: FolderService, name: str, data: bytes, version: int = 1) -> FileInfo:
        self.peers.data[ANN][name] = data
        info = file(name, data, version=version)
        self.tell(service, info)
        return info


@pytest.fixture
def world() -> Iterator[Logged]:
    world = Logged()
    yield world
    for service in world.made:
        answer(service.stopService())


ANN_TEXT = f"ann ({short_text(ShortID(10))})"


def test_new_items_are_not_in_it(world: Logged) -> None:
    service = world.folder()
    world.bring(service, "f", b"1")
    world.tell(service, directory("d"))
    assert world.written.lines == []


def test_deletions_overwrites_and_moves_are(world: Logged) -> None:
    service = world.folder()
    world.bring(service, "f", b"1")
    world.bring(service, "f", b"2", version=2)
    kept = world.bring(service, "g", b"long enough to be moved", version=3)
    world.peers.data[ANN]["h"] = b"long enough to be moved"
    world.tell(service, directory("d"))
    world.written.lines.clear()
    world.tell(
        service, gone(file("f", b"2", version=2)), gone(directory("d")), file("h", kept_data(world))
    )
    world.tell(service, gone(kept))
    assert world.written.lines == [
        f"folder default: deleted f: by {ANN_TEXT}",
        f"folder default: deleted d: by {ANN_TEXT}",
        f"folder default: deleted g: by {ANN_TEXT}",
    ]


def kept_data(world: Logged) -> bytes:
    return world.peers.data[ANN]["h"]


def test_a_move_says_where_to(world: Logged) -> None:
    service = world.folder()
    old = world.bring(service, "g", b"long enough to be moved")
    answer(
        service.index.update_remote(
            ANN,
            [
                file("h", b"long enough to be moved", version=2)._replace(sequence=80),
                gone(old)._replace(sequence=81),
            ],
        )
    )
    world.clock.advance(1.0)
    world.clock.advance(1.0)
    assert world.written.lines == [f"folder default: moved g to h: by {ANN_TEXT}"]


def test_an_overwrite_names_the_device(world: Logged) -> None:
    service = world.folder()
    world.bring(service, "f", b"1")
    world.bring(service, "f", b"2", version=2)
    assert world.written.lines == [f"folder default: overwrote f: by {ANN_TEXT}"]


def test_a_conflict_says_which_copy_was_kept(world: Logged) -> None:
    world.write("f", b"mine")
    service = world.folder()
    theirs = file("f", b"theirs")._replace(modified=1_900_000_000_000_000_000)
    world.peers.data[ANN]["f"] = b"theirs"
    world.tell(service, theirs)
    (line,) = world.written.lines
    assert line.startswith(f"folder default: overwrote f: by {ANN_TEXT}; our version")
    kept = line.rpartition(" ")[2]
    assert world.read(kept) == b"mine"


def test_a_change_of_mode_or_time_is_no_line(world: Logged) -> None:
    service = world.folder()
    info = world.bring(service, "f", b"1")
    world.tell(service, info._replace(permissions=0o600, version=info.version.bump(ShortID(10), 5)))
    assert oct(world.disk.lstat("f").mode) == "0o600"
    assert world.written.lines == []


def test_very_many_lines_are_written_some_at_a_time_and_kept_out_of_rest() -> None:
    clock, written = Turns(), Written()
    log = ChangeLog(FolderID("default"), clock, written.outside)
    changes = [
        (file(f"f{n}", b"", by=10), Change(WireName(f"f{n}"), DELETED)) for n in range(3 * AT_ONCE)
    ]
    log.add(changes)
    assert written.lines == []
    clock.turn()
    assert len(written.lines) == AT_ONCE
    log.close()
    assert len(written.lines) == 3 * AT_ONCE
    clock.turn()
    assert len(written.lines) == 3 * AT_ONCE
    assert written.logs.lines() == []

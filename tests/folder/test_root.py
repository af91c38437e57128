"""A root that is not the one of the index stops the folder, and no deletion is recorded."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from tests.folder.test_service import World
from tests.pull.folder import ANN, answer, gone
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Stat
from txsyncthing.folder.care import Care
from txsyncthing.folder.guard_service import NothingHeld
from txsyncthing.folder.identity import EXT, XFS
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.service import FolderFailed, FolderService
from txsyncthing.vocabulary.folder import FolderState
from txsyncthing.vocabulary.name import WireName


class Mounted(MemoryFilesystem):
    """A folder whose file system may become another one."""

    device = 5
    inodes = 0  # where their numbers begin

    def lstat(self, name: str) -> Stat:
        found = super().lstat(name)
        return found._replace(device=self.device, inode=found.inode + self.inodes)


class Rooted(World):
    def __init__(self) -> None:
        super().__init__()
        self.disk: Mounted = Mounted(self.unix)
        self.care = Care()
        self.outside = Outside(care=lambda: self.care)
        for number in range(12):
            self.write(f"f{number:02}", b"%d" % number)

    def empty(self) -> None:
        for number in range(12):
            self.disk.remove(f"f{number:02}")

    def scan(self, service: FolderService) -> str:
        """:returns: why it could not be; empty if it could."""
        try:
            answer(service.scan())
        except FolderFailed as error:
            return str(error)
        return ""


@pytest.fixture
def world() -> Iterator[Rooted]:
    world = Rooted()
    yield world
    for service in world.made:
        answer(service.stopService())
    assert world.clock.getDelayedCalls() == []


def release(service: FolderService) -> None:
    answer(Deferred.fromCoroutine(service.owner.release()))


def deleted(service: FolderService) -> int:
    return service.index.counts().local.deleted


def test_an_emptied_root_stops_the_folder(world: Rooted) -> None:
    service = world.folder()
    world.empty()
    text = world.scan(service)
    assert text.startswith("folder root is empty, but 12 items are known to be here")
    assert "POST /rest/x/guard/release?folder=default" in text
    assert service.status().state is FolderState.ERROR
    assert service.status().error == text
    assert deleted(service) == 0


def test_an_emptied_root_is_believed_when_its_owner_says_so(world: Rooted) -> None:
    service = world.folder()
    world.empty()
    world.scan(service)
    release(service)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 12


def test_a_new_file_in_an_emptied_root_proves_nothing(world: Rooted) -> None:
    service = world.folder()
    world.empty()
    world.scan(service)
    world.write("desktop.ini", b"made by whatever")
    world.clock.advance(30)
    assert service.status().state is FolderState.ERROR
    assert deleted(service) == 0
    world.write("f03", b"3")
    world.clock.advance(30)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 11


def test_few_items_may_all_go(world: Rooted) -> None:
    service = world.folder()
    for number in range(5):
        world.disk.remove(f"f{number:02}")
    assert world.scan(service) == ""
    for number in range(5, 12):
        world.disk.remove(f"f{number:02}")
    assert world.scan(service) == ""
    assert deleted(service) == 12


def test_the_check_of_empty_roots_can_be_off(world: Rooted) -> None:
    world.care = Care(root_items=0)
    service = world.folder()
    world.empty()
    assert world.scan(service) == ""
    assert deleted(service) == 12


def test_another_file_system_stops_the_folder(world: Rooted) -> None:
    service = world.folder()
    world.disk.device = 6
    world.disk.remove("f00")
    text = world.scan(service)
    assert text.startswith("folder root is on another file system than when the folder started")
    assert "(device 6, was 5)" in text
    assert deleted(service) == 0
    world.disk.device = 5
    world.clock.advance(15)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 1


def test_a_file_system_that_was_given_the_number_of_the_one_before_is_another(
    world: Rooted,
) -> None:
    service = world.folder()
    world.disk.system += 1
    world.disk.remove("f00")
    assert "(device 5, was 5, mounted anew)" in world.scan(service)
    assert deleted(service) == 0
    release(service)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 1


def test_another_file_system_can_be_accepted(world: Rooted) -> None:
    service = world.folder()
    world.disk.device = 6
    world.scan(service)
    release(service)
    assert service.status().state is FolderState.IDLE
    world.disk.device = 5
    assert world.scan(service) != ""


def test_the_check_of_file_systems_can_be_off(world: Rooted) -> None:
    world.care = Care(root_device=False)
    service = world.folder()
    world.disk.device = 6
    assert world.scan(service) == ""


def test_a_vanished_root_is_nothing_to_accept(world: Rooted) -> None:
    service = world.folder()
    world.disk.unplug()
    assert world.scan(service) == "folder path missing"
    with pytest.raises(NothingHeld):
        release(service)


def test_what_the_cluster_deleted_may_leave_an_empty_root(world: Rooted) -> None:
    # All was deleted by peers and by us, and we were killed before that was recorded.
    service = world.folder()
    here = answer(service.index.local([WireName(f"f{n:02}") for n in range(12)]))
    world.care = Care(max_percent=0)
    world.disk.fail("remove", "*", OSError(5, "Input/output error"), -1)
    answer(
        service.index.update_remote(
            ANN, [gone(one)._replace(sequence=n) for n, one in enumerate(here.values(), 1)]
        )
    )
    world.clock.advance(1)
    assert len(service.status().pull_errors) == 12
    world.disk.heal()
    world.empty()
    assert world.scan(service) == ""
    assert deleted(service) == 12


def test_a_word_in_the_middle_of_a_look_is_heard(world: Rooted) -> None:
    service = world.folder()
    world.empty()
    world.scan(service)
    world.disk.intercept("list", "", lambda: release_quietly(service))  # the look in the error
    world.clock.advance(11)
    world.clock.advance(11)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 12


def release_quietly(service: FolderService) -> None:
    Deferred.fromCoroutine(service.owner.release()).addErrback(lambda failure: None)


# Between two runs.


def restarted(world: Rooted, tmp_path: Path, between: Callable[[], object]) -> FolderService:
    world.database = str(tmp_path / "index.db")
    service = world.folder()
    answer(service.stopService())
    between()
    return world.folder()


def other_disk(world: Rooted, before: int, **changes: int) -> Callable[[], None]:
    def mount() -> None:
        for name, value in changes.items():
            setattr(world.disk, name, value)
        world.disk.remove("f00")

    world.disk.kind = before
    return mount


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (EXT, {"system": 9}),
        (EXT, {"system": 9, "device": 6}),
        (EXT, {"kind": 0x4D44}),  # no ext4 becomes a FAT
        (XFS, {"system": 9, "device": 6, "inodes": 500}),
    ],
)
def test_another_file_system_since_the_last_run_stops_the_folder(
    world: Rooted, tmp_path: Path, kind: int, changes: dict[str, int]
) -> None:
    service = restarted(world, tmp_path, other_disk(world, kind, **changes))
    assert service.status().state is FolderState.ERROR
    text = service.status().error
    assert text.startswith("folder root is on another file system than when the folder ran last")
    assert "POST /rest/x/guard/release?folder=default" in text
    assert deleted(service) == 0
    release(service)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 1
    answer(service.stopService())
    assert world.folder().status().state is FolderState.IDLE  # it is the right one now


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (EXT, {"device": 6}),  # another number for the same disk
        (XFS, {"device": 6, "system": 9}),  # whose f_fsid is made of that
        (0x4D44, {"device": 6, "system": 9, "inodes": 500}),  # FAT: inodes are made up as well
        (0x01021994, {"device": 6, "system": 9, "inodes": 500}),  # tmpfs
        (0x794C7630, {"device": 6, "system": 9, "inodes": 500}),  # overlay
        (0, {"device": 6, "system": 9, "inodes": 500}),  # nobody knows
        (EXT, {"system": 0}),  # could not be asked
    ],
)
def test_what_changes_with_a_reboot_is_no_other_file_system(
    world: Rooted, tmp_path: Path, kind: int, changes: dict[str, int]
) -> None:
    service = restarted(world, tmp_path, other_disk(world, kind, **changes))
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 1


def test_a_root_with_none_of_what_was_there_stops_the_folder(world: Rooted, tmp_path: Path) -> None:
    def between() -> None:
        world.empty()
        world.write("something else", b"x")

    service = restarted(world, tmp_path, between)
    text = service.status().error
    assert text.startswith("folder root holds none of the 12 items that are known to be here")
    assert deleted(service) == 0
    world.write("f07", b"7")
    world.clock.advance(30)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 11


def test_so_it_does_while_the_folder_runs(world: Rooted) -> None:
    service = world.folder()
    world.empty()
    world.write("something else", b"x")
    assert world.scan(service).startswith("folder root holds none of the 12 items")
    release(service)
    assert service.status().state is FolderState.IDLE
    assert deleted(service) == 12


def test_so_it_does_in_the_middle_of_a_scan(world: Rooted) -> None:
    service = world.folder()

    def replaced() -> None:
        with world.disk.quiet():
            world.empty()
            world.write("something else", b"x")

    world.disk.intercept("names", "", replaced)
    world.disk.intercept("list", "", replaced)
    assert "holds none of" in world.scan(service)
    assert deleted(service) == 0


def test_a_few_directories_may_all_get_other_names(world: Rooted) -> None:
    world.empty()
    for number in range(12):
        world.disk.put(f"photos/f{number}", b"%d" % number)
    service = world.folder()
    world.disk.rename("photos", "pictures")
    assert world.scan(service) == ""
    assert service.index.counts().local.files == 12


def test_one_of_many_known_items_is_enough(world: Rooted) -> None:
    for number in range(300):
        world.write(f"a{number:03}", b"%d" % number)
    service = world.folder()
    for number in range(300):
        world.disk.remove(f"a{number:03}")
    assert world.scan(service) == ""
    assert deleted(service) == 300


def test_a_root_that_cannot_be_looked_into_stops_the_folder_and_is_no_fault(world: Rooted) -> None:
    service = world.folder()
    world.disk.fail("stats", "", PermissionError(errno.EACCES, "Permission denied"))
    assert world.scan(service) == "folder path unreadable: Permission denied"
    assert deleted(service) == 0
    assert world.scan(service) == ""

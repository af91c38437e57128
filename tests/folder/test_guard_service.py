"""What the guard of a folder promises: nothing that is held is touched, everything else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from tests.folder.test_service import World
from tests.pull.folder import ANN, BOB, answer, directory, file, gone
from txsyncthing.config.folder import FolderConfig
from txsyncthing.events.types import EventType
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.care import Care
from txsyncthing.folder.flow import LATELY, WINDOW
from txsyncthing.folder.guard import Held
from txsyncthing.folder.guard_service import AGAIN, NothingHeld
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.owner_service import CannotRefuse
from txsyncthing.folder.service import FolderService
from txsyncthing.index.values import Need
from txsyncthing.pull.seams_service import PullIndex
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, FolderType
from txsyncthing.vocabulary.name import WireName

CARE = Care(max_items=0, max_percent=50, percent_from=10, root_items=0)
RECEIVE = FolderConfig(id=FolderID("default"), type=FolderType.RECEIVE_ONLY)


class Guarded(World):
    """A folder whose limit is half of what is in it, from ten items on."""

    def __init__(self) -> None:
        super().__init__()
        self.care = CARE
        self.outside = Outside(care=lambda: self.care)
        self.told_sequence = 0

    def with_files(
        self, count: int, config: FolderConfig | None = None, *, pause: float = LATELY + 10
    ) -> FolderService:
        """A folder that got so many files from Ann, some time ago."""
        service = self.folder(config)
        self.tell(service, *(self.shared(number) for number in range(count)))
        assert len(self.names()) == count
        self.clock.advance(pause)
        return service

    def shared(self, number: int, content: bytes = b"") -> FileInfo:
        name, data = f"f{number:03}", content or b"content %d" % number
        self.peers.data[ANN][name] = data
        return file(name, data)

    def tell(self, service: FolderService, *files: FileInfo, device: DeviceID = ANN) -> None:
        """A device tells of changes, under sequences of its own, and there is time to pull."""
        numbered = []
        for one in files:
            self.told_sequence += 1
            numbered.append(one._replace(sequence=self.told_sequence))
        self.peers.data.setdefault(device, {})
        answer(service.index.update_remote(device, numbered))
        self.clock.advance(1.0)

    def names(self) -> list[str]:
        return [entry.base for entry in self.disk.list("") if not entry.base.startswith(".")]

    def types(self) -> list[EventType]:
        return [kind for kind, _ in self.events if kind.value.startswith("Guard")]


@pytest.fixture
def world() -> Iterator[Guarded]:
    world = Guarded()
    yield world
    for service in world.made:
        answer(service.stopService())
    assert world.clock.getDelayedCalls() == []


def batch(service: FolderService) -> Held | None:
    return service.guard.held


def started(deferred: object) -> None:
    answer(Deferred.fromCoroutine(deferred))  # type: ignore[arg-type]


def test_a_mass_deletion_is_held_and_nothing_of_it_is_done(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    assert len(world.names()) == 30
    held = service.guard.held
    assert held is not None
    assert (held.lost.deletions, held.lost.overwrites, held.excess.limit) == (20, 0, "maxPercent")
    assert held.by == {ShortID(10): (20, 0)}
    assert held.sample[0].name == "f000" and held.sample[0].deleted
    assert world.types() == [EventType.GUARD_HELD]
    (error,) = service.status().pull_errors
    assert error.cause == "held"
    assert "20 deletions by other devices: more than 50% of the folder's 30 items" in error.error


def test_a_mass_overwrite_is_held(world: Guarded) -> None:
    service = world.with_files(30)
    news = [world.shared(n, b"ransom %d" % n) for n in range(20)]
    world.tell(service, *(one._replace(version=one.version.bump(ShortID(10), 9)) for one in news))
    assert service.guard.held is not None
    assert service.guard.held.lost.overwrites == 20
    assert world.read("f000") == b"content 0"


def test_less_than_the_limit_is_not_held(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(15)))
    assert len(world.names()) == 15
    assert world.types() == []


def test_a_deletion_told_in_small_parts_counts_as_one(world: Guarded) -> None:
    service = world.with_files(30)
    for first in range(0, 30, 5):
        world.tell(service, *(gone(world.shared(n)) for n in range(first, first + 5)))
    assert len(world.names()) == 15
    held = answer(Deferred.fromCoroutine(service.guard.look()))
    assert held is not None and held.excess.before == 15
    assert held.lost.deletions == 15


def test_what_was_taken_long_ago_does_not_count(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(10)))
    world.clock.advance(LATELY + 10)
    world.tell(service, *(gone(world.shared(n)) for n in range(10, 20)))
    assert world.types() == []
    assert len(world.names()) == 10


def test_new_files_equal_content_and_moves_still_flow(world: Guarded) -> None:
    service = world.with_files(40)
    world.tell(service, *(gone(world.shared(n)) for n in range(25)))
    assert service.guard.held is not None
    world.peers.data[ANN]["new"] = b"new"
    world.peers.data[ANN]["moved"] = b"content 30"
    touched = world.shared(35)
    world.tell(
        service,
        file("new", b"new"),
        file("moved", b"content 30"),
        gone(world.shared(30)),
        touched._replace(
            modified=touched.modified + 1_000_000_000, version=touched.version.bump(ShortID(10), 7)
        ),
        directory("made"),
    )
    assert {"new", "moved", "made"} <= set(world.names())
    assert "f030" not in world.names()
    assert world.disk.lstat("f035").modified == touched.modified + 1_000_000_000
    assert {f"f{n:03}" for n in range(25)} <= set(world.names())
    assert "moved" not in [request.name for _, request in world.peers.asked]


def test_a_moved_tree_is_no_deletion(world: Guarded) -> None:
    service = world.with_files(30)
    moved = []
    for n in range(30):
        moved += [file(f"new{n:03}", b"content %d" % n, version=2), gone(world.shared(n))]
    asked = len(world.peers.asked)
    world.tell(service, *moved)
    assert world.names() == [f"new{n:03}" for n in range(30)]
    assert len(world.peers.asked) == asked
    assert world.types() == []


def test_what_moves_to_an_ignored_name_is_a_deletion(world: Guarded) -> None:
    world.write(".stignore", b"new*\n")
    service = world.with_files(30)
    for n in range(30):
        world.tell(service, file(f"new{n:03}", b"content %d" % n, version=2))
    world.tell(service, *(gone(world.shared(n)) for n in range(30)))
    assert len(world.names()) == 30
    assert service.guard.held is not None


def test_release_takes_what_was_held_at_once(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    assert service.guard.held is not None
    started(service.owner.release(service.guard.held.id))
    assert len(world.names()) == 10
    assert batch(service) is None
    assert world.types() == [EventType.GUARD_HELD, EventType.GUARD_RELEASED]
    world.clock.advance(120)
    assert service.status().pull_errors == ()


def test_release_says_nothing_of_what_comes_later(world: Guarded) -> None:
    service = world.with_files(40)
    world.disk.fail("rename", "*", PermissionError(13, "Permission denied"), -1)
    world.tell(service, *(gone(world.shared(n)) for n in range(21)))
    started(service.owner.release())
    assert len(world.names()) == 40  # the disk does not let us
    world.tell(service, *(gone(world.shared(n)) for n in range(21, 39)))
    assert world.types() == [EventType.GUARD_HELD, EventType.GUARD_RELEASED]  # 18 of 40
    world.disk.heal()
    world.clock.advance(4000)
    assert world.names() == ["f039"]


def test_a_second_batch_is_judged_anew_without_asking_for_the_first_again(world: Guarded) -> None:
    service = world.with_files(60)
    world.disk.fail("rename", "f000", PermissionError(13, "Permission denied"), -1)
    world.tell(service, *(gone(world.shared(n)) for n in range(31)))
    started(service.owner.release())
    assert len(world.names()) == 30  # f000 and the rest
    world.tell(service, *(gone(world.shared(n)) for n in range(31, 58)))
    held = service.guard.held
    assert held is not None and held.lost.deletions == 27
    assert len(world.names()) == 30
    world.disk.heal()
    world.clock.advance(4000)
    assert len(world.names()) == 29  # what was released is done, the rest waits
    assert len([kind for kind in world.types() if kind is EventType.GUARD_HELD]) == 2


def test_refuse_puts_our_versions_on_top(world: Guarded) -> None:
    service = world.with_files(30)
    told: list[FileInfo] = []
    service.index.on_local_change(lambda last, files: told.extend(files))
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    started(service.owner.refuse())
    assert len(world.names()) == 30
    assert batch(service) is None
    assert sorted(one.name for one in told) == [f"f{n:03}" for n in range(20)]
    deletion = gone(world.shared(0))
    ours = answer(service.index.local([WireName("f000")]))[WireName("f000")]
    assert not ours.deleted and ours.version.covers(deletion.version)
    assert service.index.counts().need.items == 0
    assert world.types() == [EventType.GUARD_HELD, EventType.GUARD_REFUSED]


def test_a_receive_only_folder_cannot_refuse(world: Guarded) -> None:
    service = world.with_files(30, RECEIVE)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    with pytest.raises(CannotRefuse, match="release it"):
        started(service.owner.refuse())
    assert service.guard.held is not None


def test_what_is_taken_back_is_held_no_more(world: Guarded) -> None:
    service = world.with_files(30)
    deletions = [gone(world.shared(n)) for n in range(20)]
    world.tell(service, *deletions)
    assert service.guard.held is not None
    back = [
        world.shared(n)._replace(version=one.version.bump(ShortID(10), 9))
        for n, one in enumerate(deletions)
    ]
    world.clock.advance(AGAIN)
    world.tell(service, *back)
    assert batch(service) is None
    assert world.types() == [EventType.GUARD_HELD, EventType.GUARD_RELEASED]
    assert len(world.names()) == 30


def test_a_word_of_another_batch_is_not_heard(world: Guarded) -> None:
    service = world.with_files(30)
    with pytest.raises(NothingHeld):
        started(service.owner.release())
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    with pytest.raises(NothingHeld, match="is not what is held now"):
        started(service.owner.release("0123"))
    assert len(world.names()) == 30


def test_another_limit_lets_it_go(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    world.care = Care(max_items=0, max_percent=0, root_items=0)
    service.owner.reconsider()
    assert len(world.names()) == 10
    held, ended = (
        data["sentence"] for kind, data in world.events if kind.value.startswith("Guard")
    )
    assert ended == held  # by the limits that it passed, and not by those that let it go


def test_another_device_that_tells_the_same_deletion_later_changes_nothing(world: Guarded) -> None:
    service = world.with_files(30)
    deletions = [gone(world.shared(n)) for n in range(20)]
    world.disk.fail("remove", "*", PermissionError(13, "Permission denied"), -1)
    world.tell(service, *deletions)
    started(service.owner.release())
    world.tell(service, *deletions, device=DeviceID(b"\x01" * 32))
    world.tell(service, *deletions, device=BOB)
    world.disk.heal()
    world.clock.advance(4000)
    assert len(world.names()) == 10
    assert world.types() == [EventType.GUARD_HELD, EventType.GUARD_RELEASED]


def test_what_is_held_is_not_fetched_and_not_asked_for(world: Guarded) -> None:
    service = world.with_files(30)
    asked = len(world.peers.asked)
    news = [world.shared(n, b"other %d" % n) for n in range(20)]
    world.tell(service, *(one._replace(version=one.version.bump(ShortID(10), 9)) for one in news))
    assert len(world.peers.asked) == asked


def test_a_limit_passed_in_the_middle_of_a_round_holds_the_rest(world: Guarded) -> None:
    service = world.with_files(30)
    deletions = [gone(world.shared(n))._replace(sequence=900 + n) for n in range(30)]
    world.peers.slow = True
    news = [world.shared(n) for n in range(30, 40)]
    world.tell(service, *news)  # the round waits for these bytes
    answer(service.index.update_remote(ANN, deletions))
    world.peers.slow = False
    world.peers.go_on()
    world.clock.advance(5)
    assert len(world.names()) == 40
    assert service.guard.held is not None


def test_errors_of_a_batch_name_cause_and_remedy(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    (error,) = service.guard.errors()
    assert isinstance(error, ItemError)
    assert error.path == "f000" and "/rest/x/guard/release" in error.remedy


def test_what_is_held_stays_so_after_a_restart(world: Guarded, tmp_path: Path) -> None:
    world.database = str(tmp_path / "index.db")
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(10)))
    world.tell(service, *(gone(world.shared(n)) for n in range(10, 20)))
    assert service.guard.held is not None
    since = service.guard.held.since
    answer(service.stopService())
    world.clock.advance(LATELY + 100)
    again = world.folder()
    world.clock.advance(1)
    assert again.guard.held is not None
    assert (again.guard.held.since, again.guard.held.excess.before) == (since, 10)
    assert len(world.names()) == 20
    assert world.types() == [EventType.GUARD_HELD]


def test_a_release_outlives_a_restart(world: Guarded, tmp_path: Path) -> None:
    world.database = str(tmp_path / "index.db")
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    world.disk.fail("remove", "*", PermissionError(13, "Permission denied"), -1)
    started(service.owner.release())
    answer(service.stopService())
    world.disk.heal()
    world.folder()
    world.clock.advance(1)
    assert len(world.names()) == 10
    assert world.types() == [EventType.GUARD_HELD, EventType.GUARD_RELEASED]


def test_a_refusal_outlives_a_crash(world: Guarded, tmp_path: Path) -> None:
    world.database = str(tmp_path / "index.db")
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    answer(Deferred.fromCoroutine(service.guard.refuse()))  # no round has seen it
    answer(service.stopService())
    again = world.folder()
    world.clock.advance(1)
    assert len(world.names()) == 30
    assert again.index.counts().need.items == 0


def test_a_folder_that_ignores_deletions_holds_none(world: Guarded) -> None:
    config = FolderConfig(id=FolderID("default"), ignore_delete=True)
    service = world.with_files(30, config)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    assert batch(service) is None
    assert len(world.names()) == 30


def test_deletions_of_whole_trees_are_held_with_their_directories(world: Guarded) -> None:
    service = world.folder()
    tree = [directory(f"d{n}") for n in range(5)]
    for n in range(25):
        world.peers.data[ANN][f"d{n % 5}/f{n}"] = b"%d" % n
        tree.append(file(f"d{n % 5}/f{n}", b"%d" % n))
    world.tell(service, *tree)
    assert len(world.names()) == 5
    world.tell(service, *map(gone, tree))
    assert len(world.names()) == 5
    assert service.guard.held is not None and service.guard.held.lost.deletions == 30
    started(service.owner.release())
    assert world.names() == []


def test_files_encrypted_under_new_names_are_held(world: Guarded) -> None:
    service = world.with_files(30, pause=WINDOW + 10)
    news = []
    for n in range(30):
        world.peers.data[ANN][f"f{n:03}.locked"] = b"locked %d" % n
        news.append(file(f"f{n:03}.locked", b"locked %d" % n))
    world.tell(service, *news)  # first what is new, as scans tell it
    world.tell(service, *(gone(world.shared(n)) for n in range(30)))
    assert service.guard.held is not None and service.guard.held.excess == (
        "maxPercent",
        True,
        0,
        30,
    )
    assert len(world.names()) == 60


def test_edits_in_the_middle_of_a_first_sync_are_not_held(world: Guarded) -> None:
    service = world.with_files(100, pause=0)
    news = [world.shared(n, b"edited %d" % n) for n in range(20)]
    world.tell(service, *(one._replace(version=one.version.bump(ShortID(10), 9)) for one in news))
    assert service.guard.held is None
    assert world.read("f000") == b"edited 0"


def test_other_changes_do_not_make_it_another_batch(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    assert service.guard.held is not None
    id = service.guard.held.id
    world.clock.advance(AGAIN)
    world.peers.data[ANN]["new"] = b"new"
    world.tell(service, file("new", b"new"))
    held = answer(Deferred.fromCoroutine(service.guard.look()))
    assert held is not None and held.id == id
    world.clock.advance(600)
    errors = len(world.told(EventType.FOLDER_ERRORS))
    world.clock.advance(3000)
    assert len(world.told(EventType.FOLDER_ERRORS)) == errors  # nor is it told again and again
    world.tell(service, gone(world.shared(25)))
    world.clock.advance(AGAIN)
    held = answer(Deferred.fromCoroutine(service.guard.look()))
    assert held is not None and held.id != id


def test_a_directory_above_what_is_held_keeps_its_spelling(world: Guarded) -> None:
    world.disk = MemoryFilesystem(world.unix, folded=True)
    service = world.with_files(30)
    dir, inside = directory("dir"), [file(f"dir/f{n}", b"%d" % n) for n in range(20)]
    for n, one in enumerate(inside):
        world.peers.data[ANN][one.name] = b"%d" % n
    world.tell(service, dir, *inside)
    world.clock.advance(LATELY + 10)
    world.tell(service, gone(dir), *(gone(world.shared(n)) for n in range(29)))
    started(service.owner.release())
    assert world.names() == ["dir", "f029"]  # whose deletion waits for that of what is in it
    world.tell(service, directory("DIR"), *map(gone, inside))
    world.clock.advance(120)
    assert service.guard.held is not None and service.guard.held.lost.deletions == 20
    assert world.names() == ["dir", "f029"]
    started(service.owner.release())
    world.clock.advance(120)
    assert world.names() == ["DIR", "f029"]
    assert service.index.counts().need.items == 0
    assert world.disk.names("DIR") == []


def test_a_limit_passed_in_the_middle_of_a_round_keeps_spellings_too(world: Guarded) -> None:
    world.disk = MemoryFilesystem(world.unix, folded=True)
    service = world.folder()
    dir, inside = directory("dir"), [file(f"dir/f{n}", b"%d" % n) for n in range(20)]
    for n, one in enumerate(inside):
        world.peers.data[ANN][one.name] = b"%d" % n
    world.tell(service, dir, *inside)
    world.clock.advance(LATELY + 10)
    plain = service.guard.doomed

    def late(index: PullIndex, after: str, limit: int) -> Deferred[list[Need]]:
        """All else comes when the round has begun."""
        service.guard.doomed = plain  # type: ignore[method-assign]
        news = [one._replace(sequence=900 + n) for n, one in enumerate(map(gone, inside))]
        answer(service.index.update_remote(ANN, news))
        return plain(index, after, limit)

    service.guard.doomed = late  # type: ignore[method-assign]
    world.tell(service, gone(dir), directory("DIR"))
    world.clock.advance(120)
    assert service.guard.held is not None
    assert world.names() == ["dir"]


def test_small_deletions_of_hours_count_as_one(world: Guarded) -> None:
    service = world.with_files(60, pause=WINDOW + 10)
    for first in range(0, 35, 5):
        world.tell(service, *(gone(world.shared(n)) for n in range(first, first + 5)))
        world.clock.advance(LATELY + 60)
    assert len(world.names()) == 30
    held = service.guard.held
    assert held is not None and held.excess == ("maxPercent", True, 30, 60)
    started(service.owner.release())
    assert len(world.names()) == 25


def test_they_still_do_after_a_restart(world: Guarded, tmp_path: Path) -> None:
    world.database = str(tmp_path / "index.db")
    service = world.with_files(60, pause=WINDOW + 10)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    answer(service.stopService())
    world.clock.advance(LATELY + 100)
    again = world.folder()
    world.tell(again, *(gone(world.shared(n)) for n in range(20, 40)))
    assert len(world.names()) == 40
    assert again.guard.held is not None


def test_they_do_not_after_the_window(world: Guarded) -> None:
    service = world.with_files(60, pause=WINDOW + 10)
    world.tell(service, *(gone(world.shared(n)) for n in range(20)))
    world.clock.advance(WINDOW + 10)
    world.tell(service, *(gone(world.shared(n)) for n in range(20, 40)))
    assert len(world.names()) == 20
    assert world.types() == []


def test_a_few_files_that_are_edited_all_day_are_not_held(world: Guarded) -> None:
    service = world.with_files(30, pause=WINDOW + 10)
    for edit in range(20):
        news = [world.shared(n, b"edit %d of %d" % (edit, n)) for n in range(5)]
        told = [one._replace(version=one.version.bump(ShortID(10), 9 + edit)) for one in news]
        world.tell(service, *told)
        world.clock.advance(LATELY + 60)
    assert world.types() == []
    assert world.read("f000") == b"edit 19 of 0"


@pytest.mark.parametrize("files", [5, 15])
def test_files_that_are_edited_every_few_seconds_count_once_each(
    world: Guarded, files: int
) -> None:
    service = world.with_files(30)
    for edit in range(60):
        world.tell(service, *edited(world, range(files), edit))
        world.clock.advance(10.0)
    assert world.types() == []
    assert world.read("f000") == b"edit 59 of 0"


def test_they_count_once_though_the_node_restarts(world: Guarded, tmp_path: Path) -> None:
    world.database = str(tmp_path / "index.db")
    service = world.with_files(30)
    world.tell(service, *edited(world, range(15), 1))
    answer(service.stopService())
    again = world.folder()
    world.tell(again, *edited(world, range(15), 2))
    assert world.types() == []
    assert world.read("f000") == b"edit 2 of 0"


def test_what_was_edited_just_before_counts_with_other_deletions(world: Guarded) -> None:
    service = world.with_files(30)
    world.tell(service, *edited(world, range(10), 1))
    world.tell(service, *(gone(one) for one in edited(world, range(5, 16), 2)))
    held = service.guard.held
    assert held is not None and held.excess.before == 5
    assert held.lost.deletions == 11
    world.clock.advance(LATELY + 60)
    world.tell(service, world.shared(40))
    assert service.guard.held is not None


def edited(world: Guarded, numbers: range, edit: int) -> list[FileInfo]:
    news = [world.shared(n, b"edit %d of %d" % (edit, n)) for n in numbers]
    return [one._replace(version=one.version.bump(ShortID(10), 9 + edit)) for one in news]


def test_right_after_a_first_sync_the_share_is_that_of_all_that_came(world: Guarded) -> None:
    service = world.with_files(100, pause=0)
    world.tell(service, *(gone(world.shared(n)) for n in range(40)))
    assert len(world.names()) == 60
    world.tell(service, *(gone(world.shared(n)) for n in range(40, 60)))
    assert len(world.names()) == 60
    (error,) = service.guard.errors()
    assert "more than 50% of the folder's 100 items" in error.error

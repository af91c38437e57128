"""What a watched folder promises, with the real inotify."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.watch.bench import Bench, Recorder, Scarce, SlowWorkers, answer, directories
from txsyncthing.ignore.matcher import EMPTY
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.watch import walk_service
from txsyncthing.watch.instance_service import Instance
from txsyncthing.watch.limits import Limit
from txsyncthing.watch.told import Change, WatchFailed

WRITTEN, WRITING, TOUCHED, REMOVED = Change


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    root = tmp_path / "folder"
    root.mkdir()
    made = Bench(root)
    yield made
    made.close()


def test_a_written_file_is_told_when_it_is_closed(bench: Bench) -> None:
    bench.follow()
    with (bench.root / "f").open("w") as file:
        file.write("half")
        file.flush()
        bench.pump()
        assert bench.told.changes[-1] == ("f", WRITING)
    bench.pump()
    assert bench.told.changes[-1] == ("f", WRITTEN)


def test_what_happens_in_a_new_directory_is_told(bench: Bench) -> None:
    bench.follow()
    (bench.root / "a" / "b" / "c").mkdir(parents=True)
    (bench.root / "a" / "b" / "c" / "early").touch()
    bench.pump()
    assert ("a", None) in bench.told.new
    assert bench.watched() == {"", "a", "a/b", "a/b/c"}
    bench.told.clear()
    (bench.root / "a" / "b" / "c" / "late").touch()
    bench.pump()
    assert bench.told.changes[-1] == ("a/b/c/late", WRITTEN)


def test_a_rename_is_told_as_one(bench: Bench) -> None:
    (bench.root / "d").mkdir()
    (bench.root / "f").touch()
    bench.follow()
    (bench.root / "f").rename(bench.root / "d" / "g")
    bench.pump()
    assert bench.told.renames == [("f", "d/g")]
    assert bench.told.changes == []


def test_a_renamed_directory_takes_its_watches_along(bench: Bench) -> None:
    (bench.root / "a" / "b").mkdir(parents=True)
    (bench.root / "z").mkdir()
    bench.follow()
    (bench.root / "a").rename(bench.root / "z" / "y")
    (bench.root / "z" / "y" / "b" / "f").touch()
    bench.pump()
    assert bench.told.renames == [("a", "z/y")]
    assert bench.told.changes[-1] == ("z/y/b/f", WRITTEN)
    assert bench.watched() == {"", "z", "z/y", "z/y/b"}


def test_what_is_moved_out_is_removed_and_not_watched_any_more(bench: Bench) -> None:
    (bench.root / "a" / "b").mkdir(parents=True)
    bench.follow()
    outside = bench.root.parent / "outside"
    (bench.root / "a").rename(outside)
    bench.pump()
    assert bench.told.changes == [("a", REMOVED)]
    bench.told.clear()
    (outside / "b" / "f").touch()
    bench.pump()
    assert bench.told.names() == set()
    assert bench.kernel() == 1


def test_what_is_moved_in_is_watched(bench: Bench) -> None:
    bench.follow()
    outside = bench.root.parent / "outside"
    (outside / "b").mkdir(parents=True)
    outside.rename(bench.root / "a")
    bench.pump()
    assert bench.told.new == [("a", None)]
    assert bench.watched() == {"", "a", "a/b"}


def test_removed_directories_are_forgotten(bench: Bench) -> None:
    (bench.root / "a" / "b").mkdir(parents=True)
    (bench.root / "a" / "b" / "f").touch()
    bench.follow()
    shutil.rmtree(bench.root / "a")
    bench.pump()
    assert {name for name, change in bench.told.changes if change is REMOVED} == {
        "a/b/f",
        "a/b",
        "a",
    }
    assert (bench.watched(), bench.kernel()) == ({""}, 1)


def test_ignored_subtrees_are_not_watched_and_not_told(bench: Bench) -> None:
    for name in ("skipped/deep", "kept"):
        (bench.root / name).mkdir(parents=True)
    bench.follow("skipped", "*.o")
    assert (bench.watched(), bench.kernel()) == ({"", "kept"}, 2)
    (bench.root / "skipped" / "f").touch()
    (bench.root / "kept" / "x.o").touch()
    (bench.root / "kept" / "skipped" / "y").mkdir(parents=True)
    bench.pump()
    assert bench.told.names() == set()
    assert bench.watched() == {"", "kept"}


def test_ignored_directories_that_may_hold_what_is_kept_are_watched(bench: Bench) -> None:
    (bench.root / "a" / "b").mkdir(parents=True)
    bench.follow("!/a/b/keep", "/a")
    (bench.root / "a" / "b" / "keep").touch()
    (bench.root / "a" / "b" / "not").touch()
    bench.pump()
    assert bench.told.names() == {"a/b/keep"}


def test_other_patterns_change_what_is_watched(bench: Bench) -> None:
    for name in ("a/b", "c/d"):
        (bench.root / name).mkdir(parents=True)
    bench.follow("/a")
    assert bench.watched() == {"", "c", "c/d"}
    bench.follow("/c")
    assert bench.watched() == {"", "a", "a/b"}
    bench.pump()
    assert bench.kernel() == 3
    bench.follow()
    assert bench.kernel() == 5


def test_a_rename_from_an_ignored_name_is_news(bench: Bench) -> None:
    (bench.root / "x.o").touch()
    (bench.root / "f").touch()
    bench.follow("*.o")
    (bench.root / "x.o").rename(bench.root / "x")
    (bench.root / "f").rename(bench.root / "f.o")
    bench.pump()
    assert bench.told.changes == [("x", WRITTEN), ("f", REMOVED)]
    assert bench.told.renames == []


def test_symlinks_are_told_and_never_followed(bench: Bench) -> None:
    outside = bench.root.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    (bench.root / "old").symlink_to(outside)
    bench.follow()
    (bench.root / "new").symlink_to(outside)
    (outside / "deep" / "f").touch()
    bench.pump()
    assert (bench.watched(), bench.told.names()) == ({""}, {"new"})


def test_a_root_that_is_reached_through_a_symlink_is_watched(tmp_path: Path) -> None:
    (tmp_path / "real" / "d").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    bench = Bench(tmp_path / "link")
    bench.follow()
    (tmp_path / "real" / "d" / "f").touch()
    bench.pump()
    assert bench.told.changes[-1] == ("d/f", WRITTEN)
    bench.close()


def test_names_that_are_no_text_do_no_harm(bench: Bench) -> None:
    root = os.fsencode(bench.root)
    os.mkdir(root + b"/d")
    bench.follow()
    os.mkdir(root + b"/\xff")
    with open(root + b"/d/\xe9", "w"):
        pass
    with open(root + b"/d/f", "w"):
        pass
    bench.pump()
    assert bench.told.changes[-1] == ("d/f", WRITTEN)
    assert ("d/\udce9", WRITTEN) in bench.told.changes
    assert bench.watched() == {"", "d"}


def test_syncthings_own_files_are_not_told(bench: Bench) -> None:
    (bench.root / ".stfolder").mkdir()
    (bench.root / ".stversions" / "d").mkdir(parents=True)
    bench.follow()
    (bench.root / ".stfolder" / "note").touch()
    (bench.root / ".stversions" / "d" / "old").touch()
    (bench.root / ".syncthing.f.tmp").write_text("part")
    (bench.root / "~syncthing~f.tmp").write_text("part")
    bench.pump()
    assert (bench.watched(), bench.told.names()) == ({""}, set())


def test_the_ignore_file_and_a_vanished_marker_are_told(bench: Bench) -> None:
    (bench.root / ".stfolder").mkdir()
    bench.follow()
    (bench.root / ".stignore").write_text("x")
    (bench.root / ".stfolder").rmdir()
    bench.pump()
    assert bench.told.changes == [(".stignore", WRITTEN), (".stfolder", REMOVED)]


def test_a_temporary_file_that_takes_its_place_is_put(bench: Bench) -> None:
    bench.follow()
    (bench.root / ".syncthing.f.tmp").write_text("whole")
    (bench.root / ".syncthing.f.tmp").rename(bench.root / "f")
    (bench.root / ".syncthing.f.tmp").write_text("whole")
    (bench.root / ".syncthing.f.tmp").rename(bench.root / "other")
    bench.pump()
    assert bench.told.puts == ["f"]
    assert bench.told.changes == [("other", WRITTEN)]


def test_a_directory_of_our_own_tells_what_was_in_it_when_its_watch_stood(bench: Bench) -> None:
    bench.follow()
    bench.told.own = {"d"}
    (bench.root / "d" / "sub").mkdir(parents=True)
    (bench.root / "d" / "f").touch()
    (bench.root / "d" / ".syncthing.g.tmp").touch()
    bench.pump()
    assert bench.told.new == [("d", ["f"]), ("d/sub", [])]


@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_root_that_goes_is_told(bench: Bench, how: str) -> None:
    bench.follow()
    if how == "removed":
        bench.root.rmdir()
    else:
        bench.root.rename(bench.root.parent / "elsewhere")
    bench.pump()
    assert bench.told.reasons
    assert "root" in bench.told.reasons[0]


def test_a_root_that_is_another_now_is_seen(bench: Bench) -> None:
    bench.follow()
    there: list[bool] = []
    bench.watch.is_there().addCallback(there.append)
    bench.root.rename(bench.root.parent / "elsewhere")
    bench.watch.is_there().addCallback(there.append)
    bench.root.mkdir()
    bench.watch.is_there().addCallback(there.append)
    assert there == [True, False, False]


def test_a_missing_root_cannot_be_watched(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "nowhere")
    with pytest.raises(WatchFailed, match="No such file"):
        bench.follow()
    bench.close()


def test_an_overflow_is_told_and_following_again_mends_the_tree(bench: Bench) -> None:
    for number in range(5):
        (bench.root / f"{number}" / "sub").mkdir(parents=True)
    bench.follow()
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(most // 2 + 10):  # two events each
        (bench.root / f"f{number}").touch()
    (bench.root / "0").rename(bench.root / "moved")
    (bench.root / "unseen" / "sub").mkdir(parents=True)
    shutil.rmtree(bench.root / "1")
    bench.pump()
    assert bench.told.overflows == 1
    bench.follow()
    assert bench.watched() == directories(bench.root)
    bench.pump()
    assert bench.kernel() == len(directories(bench.root))


def test_no_piece_of_a_full_queue_takes_long(bench: Bench) -> None:
    bench.follow()
    for number in range(7000):  # some 21,000 events, with the kernel's own end of the queue
        (bench.root / f"a name of usual length {number}").touch()
    pieces = 0
    longest = 0
    reader: Instance = bench.instance
    original = reader._reader.take

    def take(events: list[object], *args: object) -> None:
        nonlocal pieces, longest
        pieces, longest = pieces + 1, max(longest, len(events))
        original(events, *args)  # type: ignore[arg-type]

    reader._reader.take = take  # type: ignore[assignment,method-assign]
    bench.pump()
    assert pieces > 5
    assert longest <= 1024  # some 5 ms


# What the kernel does not allow.


def test_without_enough_watches_the_rest_is_watched_and_the_text_says_what_to_do(
    tmp_path: Path,
) -> None:
    for number in range(10):
        (tmp_path / f"{number}" / "sub").mkdir(parents=True)
    scarce = Scarce(7)
    bench = Bench(tmp_path, lambda: scarce, limit=lambda names: Limit(names[0], 100))
    bench.follow()
    assert bench.watched() == {"", "0", "0/sub", "1", "1/sub", "2", "2/sub"}
    shortage = bench.watch.shortage
    assert shortage.names == ("3", "4", "5", "6", "7", "8", "9")
    assert "14 of 21 directories are not watched" in shortage.text
    assert "21 watches are needed" in shortage.text
    assert "the kernel allows 100, of which other programs have 93" in shortage.text
    assert "sudo sysctl fs.inotify.max_user_watches=256" in shortage.text
    scarce.most = 100
    bench.follow()
    assert bench.watch.shortage.names == ()
    assert len(bench.watched()) == 21
    bench.close()


def test_a_new_directory_that_cannot_be_watched_is_told_as_short(tmp_path: Path) -> None:
    bench = Bench(tmp_path, partial(Scarce, 1))
    bench.follow()
    (tmp_path / "d").mkdir()
    bench.pump()
    assert (bench.told.shortages, bench.told.new) == (1, [("d", None)])
    assert bench.watch.shortage.names == ("d",)
    bench.close()


def test_many_directories_without_a_watch_have_few_names(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number % 3}" / f"{number}").mkdir(parents=True)
    bench = Bench(tmp_path, partial(Scarce, 4))
    bench.follow()
    names = bench.watch.shortage.names
    assert len(names) <= 64
    watched = bench.watched()
    left = directories(tmp_path) - watched
    assert all(any(one == name or one.startswith(f"{name}/") for name in names) for one in left)
    bench.close()


def test_without_any_instance_there_is_no_watch(tmp_path: Path) -> None:
    def none() -> Scarce:
        raise OSError(errno.EMFILE, "Too many open files")

    with pytest.raises(WatchFailed) as caught:
        Bench(tmp_path, none, limit=lambda names: Limit(names[0], 128))
    assert "1 inotify instance is needed, and all 128" in str(caught.value)
    assert "sudo sysctl fs.inotify.max_user_instances=256" in str(caught.value)


# Many folders.


def test_folders_that_have_to_share_an_instance_do_not_disturb_each_other(tmp_path: Path) -> None:
    (tmp_path / "outer" / "inner" / "d").mkdir(parents=True)
    made: list[Scarce] = []

    def once() -> Scarce:
        if made:
            raise OSError(errno.EMFILE, "Too many open files")
        made.append(Scarce(1000))
        return made[0]

    bench = Bench(tmp_path / "outer", once)
    bench.follow()
    inner = Recorder()
    second = bench.watches.open(str(tmp_path / "outer" / "inner"), inner)
    answer(second.follow(EMPTY))
    (tmp_path / "outer" / "inner" / "d" / "f").touch()
    bench.pump()
    assert bench.told.changes[-1] == ("inner/d/f", WRITTEN)
    assert inner.changes[-1] == ("d/f", WRITTEN)
    assert bench.kernel() == 3
    closing = bench.watch.close()
    bench.pump()
    answer(closing)
    assert bench.kernel() == 2
    inner.clear()
    (tmp_path / "outer" / "inner" / "d" / "f").write_text("more")
    bench.pump()
    assert inner.changes[-1] == ("d/f", WRITTEN)
    answer(second.close())
    assert bench.reactor.readers == []


def test_a_directory_moved_between_folders_of_one_instance_is_watched_there(tmp_path: Path) -> None:
    for name in ("a/d/e", "b"):
        (tmp_path / name).mkdir(parents=True)
    made: list[Scarce] = []

    def once() -> Scarce:
        if made:
            raise OSError(errno.EMFILE, "Too many open files")
        made.append(Scarce(1000))
        return made[0]

    bench = Bench(tmp_path / "a", once)
    bench.follow()
    told = Recorder()
    second = bench.watches.open(str(tmp_path / "b"), told)
    answer(second.follow(EMPTY))
    (tmp_path / "a" / "d").rename(tmp_path / "b" / "d")
    bench.pump()
    assert bench.told.changes == [("d", REMOVED)]
    assert told.new == [("d", None)]
    (tmp_path / "b" / "d" / "e" / "f").touch()
    bench.pump()
    assert told.changes[-1] == ("d/e/f", WRITTEN)
    assert bench.kernel() == 4
    closing = second.close()
    bench.pump()
    answer(closing)
    bench.close()


# Anything, in any order.


SEEDS = 50


@pytest.mark.parametrize("seed", range(SEEDS))
def test_after_anything_the_tree_is_true_and_nothing_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(walk_service, "STEP", 1 + seed % 5)  # directories in one job
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    bench = Bench(tmp_path / "root", workers=SlowWorkers() if seed % 2 else InlineWorkers())
    try:
        live(bench, Random(seed), tmp_path / "outside")
    finally:
        bench.close()


def live(bench: Bench, random: Random, outside: Path) -> None:
    """Change things, look and compare, some times over."""
    bench.follow()
    known: dict[str, tuple[int, int, int]] = {}
    for round in range(12):
        bench.told.clear()
        bench.told.own = {"d0", "d1"}
        following = None
        for _ in range(random.randrange(1, 12)):
            step(random, bench.root, outside)
            if random.random() < 0.3:
                bench.reactor.read_all()
            while random.random() < 0.3:
                bench.slow.step()
            if following is None and random.random() < 0.03:
                following = bench.watch.follow(EMPTY)
        bench.pump()
        if following is not None:
            answer(following)
        assert bench.watched() == directories(bench.root), f"round {round}"
        assert bench.kernel() == len(directories(bench.root))
        known, before = state(bench.root), known
        told, exactly = covered(bench.told)
        for name in known.keys() | before.keys():
            if known.get(name) != before.get(name) and name not in exactly:
                assert any(name == one or name.startswith(f"{one}/") for one in told), name


def covered(told: Recorder) -> tuple[set[str], set[str]]:
    """What would be scanned with all below it; and directories of our own, which are told one by one."""
    found = {name for name, _ in told.changes} | {name for pair in told.renames for name in pair}
    for directory, bases in told.new:
        if bases is None:
            found.add(directory)
        else:
            found.update(f"{directory}/{base}" for base in bases)
    return found, {directory for directory, bases in told.new if bases is not None}


def step(random: Random, root: Path, outside: Path) -> None:
    """One thing that a user may do."""
    here = [root / name if name else root for name in sorted(directories(root))]
    place = random.choice(here)
    base = f"{random.choice('df')}{random.randrange(4)}"
    target = place / base
    away = outside / f"{random.randrange(3)}"
    try:
        match random.randrange(9):
            case 0 | 1:
                target.mkdir()
            case 2 | 3:
                target.write_text(str(random.random()))
            case 4 | 5:
                random.choice(here).rename(target)
            case 6:
                shutil.rmtree(target)
            case 7:
                target.rename(away)
            case 8:
                away.rename(target)
    except OSError:
        pass


def state(root: Path) -> dict[str, tuple[int, int, int]]:
    """All items, so that a changed one differs."""
    found = {}
    for at, directory_names, file_names in os.walk(root):
        for base in directory_names:
            status = os.lstat(os.path.join(at, base))
            found[os.path.relpath(os.path.join(at, base), root)] = (status.st_ino, 0, 0)
        for base in file_names:
            status = os.lstat(os.path.join(at, base))
            name = os.path.relpath(os.path.join(at, base), root)
            found[name] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found

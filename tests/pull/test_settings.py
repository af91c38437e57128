"""What a folder's settings bound in a pull: jobs, writes, room, the order of files, holes, times."""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import ParamSpec, TypeVar

import pytest
from twisted.internet.defer import Deferred

from tests.pull.folder import ANN, FOLDER, NOW, Folder, answer, file
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.pull.blocks import copy_blocks, reusable, store_blocks
from txsyncthing.pull.finish import place_files
from txsyncthing.pull.options import MinFree, PullOptions
from txsyncthing.pull.service import FolderPuller, PullResult
from txsyncthing.runtime.worker_service import Lane, OwnLane
from txsyncthing.testing.workers import InlineLane
from txsyncthing.vocabulary.folder import PullOrder
from txsyncthing.vocabulary.name import WireName, temporary_name

P = ParamSpec("P")
T = TypeVar("T")
MIB = 1024 * 1024
BLOCK = 128 * 1024


def data_of(seed: object, size: int) -> bytes:
    return Random(str(seed)).randbytes(size)


class Held:
    """Workers that keep jobs of some kinds back, and note how many are under way at once."""

    def __init__(self, *kinds: Callable[..., object]) -> None:
        self.kinds = kinds
        self.held: deque[Callable[[], object]] = deque()
        self.most = 0
        self._inline = InlineLane()

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if job not in self.kinds:
            return self._inline.run(job, *args, **kwargs)
        done: Deferred[T] = Deferred()
        self.held.append(
            lambda: self._inline.run(job, *args, **kwargs).addCallbacks(done.callback, done.errback)
        )
        self.most = max(self.most, len(self.held))
        return done

    def finish(self) -> None:
        while self.held:
            self.held.popleft()()

    @property
    def hashing(self) -> Lane:
        return self

    @property
    def disk(self) -> Lane:
        return self

    def lane(self, name: str) -> OwnLane:
        return self._inline


def pull_with(folder: Folder, workers: Held, options: PullOptions) -> PullResult:
    """One round with these workers."""
    seams = dataclasses.replace(folder.seams, workers=workers)
    running = FolderPuller(seams, options).pull(folder.matcher, lambda: None)
    while not running.called:
        if folder.peers.waiting:
            folder.peers.go_on(1)
        else:
            workers.finish()
    return answer(running)


@pytest.mark.parametrize(("copiers", "most"), [(1, 1), (3, 3), (0, 8)])
def test_copiers_bound_the_jobs_that_look_for_bytes_here(
    folder: Folder, copiers: int, most: int
) -> None:
    """Without a bound each larger file has two at once."""
    for number in range(4):
        data = data_of(number, 2 * MIB)
        folder.scan(f"here {number}", data)
        folder.write(temporary_name(f"copy {number}"), b"x")
        folder.offer((file(f"copy {number}", data, 5), data))
    workers = Held(copy_blocks, reusable)
    monkey = pytest.MonkeyPatch()
    monkey.setattr("txsyncthing.pull.blocks.CHUNK", MIB)
    assert pull_with(folder, workers, PullOptions(FOLDER, copiers=copiers)).failed == ()
    monkey.undo()
    assert workers.most == most
    assert folder.peers.asked == []
    assert folder.read("copy 3") == data_of(3, 2 * MIB)


@pytest.mark.parametrize(("writes", "most"), [(1, 1), (2, 2), (16, 2), (256, 2)])
def test_concurrent_writes_are_bounded(folder: Folder, writes: int, most: int) -> None:
    data = data_of(1, 3 * MIB)
    folder.offer((file("f", data), data))
    folder.peers.slow = True
    workers = Held(store_blocks)
    assert pull_with(folder, workers, PullOptions(FOLDER, max_writes=writes)).failed == ()
    assert workers.most == most
    assert folder.read("f") == data


@pytest.mark.parametrize(("writes", "most"), [(1, 1), (2, 2)])
def test_small_files_are_written_one_batch_at_a_time_only_if_asked(
    folder: Folder, writes: int, most: int
) -> None:
    for number in range(300):
        data = b"%d" % number
        folder.offer((file(f"{number:03}", data, number + 1), data))
    workers = Held(place_files)
    options = PullOptions(FOLDER, max_writes=writes, order=PullOrder.ALPHABETIC)
    assert pull_with(folder, workers, options).failed == ()
    assert min(workers.most, 2) == most
    assert len(folder.names()) == 300


# Room.


def roomy(total: int, free: MinFree = MinFree(0.0)) -> Folder:
    memory = MemoryFilesystem(lambda: NOW, total=total)
    folder = Folder(memory, PullOptions(FOLDER, place='"Docs" (docs) (/docs)', min_free=free))
    folder.memory = memory
    return folder


@pytest.mark.parametrize("size", [100_000, 3 * MIB])
def test_what_does_not_fit_is_told_with_its_remedy_and_comes_when_it_does(size: int) -> None:
    folder = roomy(4 * MIB, MinFree(50.0) if size > MIB else MinFree(0.0, 4 * MIB - 50_000))
    data = data_of(1, size)
    folder.offer((file("f", data), data), (file("small", b"tiny", 2), b"tiny"))
    (error,) = folder.pull().failed
    assert (error.path, error.cause) == ("f", "no-space")
    sentence = 'syncing: insufficient space in folder "Docs" (docs) (/docs): current '
    assert error.error.startswith(sentence)
    assert error.error.endswith(" < required 100 KB" if size < MIB else " < required 3.15 MB")
    assert error.remedy == "free some room or lower minDiskFree"
    assert folder.names() == ["small"]
    folder.memory.resize(12 * MIB)
    assert folder.pull().failed == ()
    assert folder.read("f") == data
    folder.close()


def test_a_file_of_which_most_is_here_needs_room_only_for_the_rest() -> None:
    folder = roomy(4 * MIB, MinFree(0.0, MIB // 2))
    data = data_of(1, 3 * MIB)
    folder.memory.put(temporary_name("f"), data[: 2 * MIB + MIB // 2 + BLOCK])
    folder.memory.resize(3 * MIB + MIB // 2 + BLOCK)
    folder.offer((file("f", data), data))
    assert folder.pull().failed == ()
    assert folder.read("f") == data
    folder.close()


def test_room_is_promised_once() -> None:
    """Of two files that fit alone one comes."""
    folder = roomy(4 * MIB)
    for name in "ab":
        data = data_of(name, 2 * MIB + BLOCK)
        folder.offer((file(name, data, ord(name)), data))
    folder.peers.slow = True
    running = folder.start()
    while folder.peers.waiting:
        folder.peers.go_on()
    (error,) = answer(running).failed
    assert error.cause == "no-space"
    assert folder.names() == ["b" if error.path == "a" else "a"]
    folder.close()


# The order of files.


def many(folder: Folder, count: int) -> None:
    for start in range(0, count, 500):
        files = [
            (file(f"{number:04}", b"%d" % number, number + 1), b"%d" % number)
            for number in range(start, min(start + 500, count))
        ]
        folder.offer(*files)


@pytest.mark.parametrize("order", [PullOrder.ALPHABETIC, PullOrder.OLDEST_FIRST])
def test_a_file_of_a_later_page_is_brought_to_the_front_while_others_come(order: PullOrder) -> None:
    folder = Folder(options=PullOptions(FOLDER, order=order, window=16))
    many(folder, 600)
    folder.peers.slow = True
    running = folder.start()
    folder.peers.go_on(2)
    folder.puller.bring_to_front(WireName("0555"))
    before = len(folder.peers.asked)
    while folder.peers.waiting:
        folder.peers.go_on()
    assert answer(running).failed == ()
    asked = [str(block.name) for _, block in folder.peers.asked]
    # What had been begun comes first: as many blocks as wait for the window.
    assert asked.index("0555") < before + 200
    assert sorted(asked) == [f"{number:04}" for number in range(600)]  # each once
    folder.close()


@pytest.mark.parametrize("name", ["0000", "nobody has this", "have"])
def test_what_is_under_way_or_needs_nothing_is_not_begun_again(folder: Folder, name: str) -> None:
    folder.offer((file("have", b"have"), b"have"))
    folder.pull()
    many(folder, 10)
    folder.peers.slow = True
    running = folder.start()
    folder.puller.bring_to_front(WireName(name))
    while folder.peers.waiting:
        folder.peers.go_on(1)
    assert answer(running).failed == ()
    assert len(folder.peers.asked) == 11


def test_random_is_no_order_of_names() -> None:
    folder = Folder(options=PullOptions(FOLDER, order=PullOrder.RANDOM))
    seams = dataclasses.replace(folder.seams, random=Random(1).random)
    many(folder, 100)
    answer(FolderPuller(seams, PullOptions(FOLDER)).pull(folder.matcher, lambda: None))
    asked = [str(block.name) for _, block in folder.peers.asked]
    assert asked != sorted(asked)
    assert len(set(asked)) == 100
    folder.close()


# Holes and times.


@pytest.mark.parametrize("sparse", [True, False])
def test_zeros_are_holes_unless_they_are_forbidden(tmp_path: Path, sparse: bool) -> None:
    data = bytes(2 * MIB) + b"end" + bytes(2 * MIB)
    folder = Folder(DiskFilesystem(str(tmp_path)), PullOptions(FOLDER, sparse=sparse))
    folder.offer((file("f", data), data))
    assert folder.pull().failed == ()
    assert folder.read("f") == data
    used = os.stat(tmp_path / "f").st_blocks * 512
    assert used < MIB if sparse else used >= len(data)
    folder.close()


@pytest.mark.parametrize(("window", "cause"), [(0, "changed-locally"), (2_000_000_000, "")])
def test_times_within_the_window_are_no_local_change(window: int, cause: str) -> None:
    """A disk that keeps even seconds only, say: size and bytes are those of the index."""
    folder = Folder(options=PullOptions(FOLDER, time_window=window))
    mine = folder.scan("f", b"old")
    answer(folder.index.update_local([mine._replace(modified=mine.modified + 1_999_999_999)]))
    folder.offer((file("f", b"new", 5, knows=1), b"new"))
    assert [error.cause for error in folder.pull().failed] == ([cause] if cause else [])
    assert folder.read("f") == (b"old" if cause else b"new")
    assert ANN in folder.peers.data
    folder.close()

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.bep.messages import Index, IndexUpdate
from txsyncthing.cluster.index_sender import Core, Sender, new_sender
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

F = FolderID("f")


class World:
    """An index and a connection, both as slow as the test wants."""

    def __init__(self, sequence: int = 0) -> None:
        self.files = {name: name for name in range(1, sequence + 1)}  # name to sequence
        self.sequence = sequence
        self.reads: list[int] = []
        self.sent: list[Index | IndexUpdate] = []
        self.room = True
        self.waits = 0

    def read(self, after: int) -> None:
        self.reads.append(after)

    def send(self, message: Index | IndexUpdate) -> bool:
        self.sent.append(message)
        return self.room

    def wait(self) -> None:
        self.waits += 1

    def change(self, name: int) -> int:
        self.sequence += 1
        self.files[name] = self.sequence
        return self.sequence

    def after(self, sequence: int, limit: int = 3) -> Sequence[FileInfo]:
        found = sorted((at, name) for name, at in self.files.items() if at > sequence)
        return [FileInfo(WireName(str(name)), sequence=at) for at, name in found[:limit]]

    def answer(self, sender: Sender) -> None:
        """Give what was asked for first."""
        sender.batch(self.after(self.reads.pop(0)))


def start(world: World, known: int = 0) -> Sender:
    sender = new_sender(Core(world, F, known, world.sequence, known == 0))
    sender.start()
    return sender


def shapes(world: World) -> list[tuple[str, int, int, int]]:
    """Kind, previous sequence, last sequence, count."""
    return [
        (
            type(message).__name__,
            getattr(message, "prev_sequence", 0),
            message.last_sequence,
            len(message.files),
        )
        for message in world.sent
    ]


def test_an_empty_folder_sends_nothing() -> None:
    world = World()
    start(world)
    assert world.sent == [] and world.reads == []


def test_only_the_first_batch_is_an_index() -> None:
    world = World(7)
    sender = start(world)
    while world.reads:
        world.answer(sender)
    assert shapes(world) == [
        ("Index", 0, 3, 3),
        ("IndexUpdate", 3, 6, 3),
        ("IndexUpdate", 6, 7, 1),
    ]
    sender.grew(world.change(100))
    world.answer(sender)
    assert shapes(world)[3:] == [("IndexUpdate", 7, 8, 1)]


def test_a_delta_begins_with_an_update() -> None:
    world = World(7)
    sender = start(world, known=5)
    world.answer(sender)
    assert shapes(world) == [("IndexUpdate", 5, 7, 2)]
    assert world.reads == []


def test_nothing_is_sent_when_the_peer_has_all() -> None:
    world = World(7)
    start(world, known=7)
    assert world.reads == []


def test_the_first_file_of_an_empty_folder_is_an_index() -> None:
    world = World()
    sender = start(world)
    sender.grew(world.change(1))
    world.answer(sender)
    assert shapes(world) == [("Index", 0, 1, 1)]


def test_a_full_connection_is_waited_for_and_nothing_is_read() -> None:
    world = World(7)
    world.room = False
    sender = start(world)
    world.answer(sender)
    assert (world.waits, world.reads) == (1, [])
    sender.grew(world.change(1))
    assert world.reads == []
    world.room = True
    sender.room()
    while world.reads:
        world.answer(sender)
    assert world.sent[-1].last_sequence == 8


def test_holes_in_the_sequence_are_no_end() -> None:
    world = World(3)
    sender = start(world, known=2)
    world.change(3)  # sequence 3 is gone, and 4 was not there when we began to read
    files = world.after(2)
    sender.grew(4)
    world.reads.clear()
    sender.batch([])  # an old view of the database
    assert world.reads == [2]
    sender.batch(files)
    assert shapes(world) == [("IndexUpdate", 2, 4, 1)]


def test_after_its_stop_it_does_nothing() -> None:
    world = World(7)
    sender = start(world)
    sender.stop()
    world.answer(sender)
    sender.grew(world.change(1))
    sender.room()
    assert world.sent == [] and world.reads == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(1, 9)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("full"), st.just(0)),
        st.tuples(st.just("room"), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 5), st.integers(0, 5))
def test_in_the_end_the_peer_has_all(steps: list[tuple[str, int]], before: int, known: int) -> None:
    world = World(before)
    known = min(known, before)
    sender = start(world, known)
    for step, name in steps:
        if step == "change":
            sender.grew(world.change(name))
        elif step == "answer" and world.reads:
            world.answer(sender)
        elif step == "full":
            world.room = False
        elif step == "room":
            world.room = True
            sender.room()
    world.room = True
    sender.room()
    while world.reads:
        world.answer(sender)
    have = {number: number for number in range(1, known + 1)}
    last = known
    for count, message in enumerate(world.sent):
        assert isinstance(message, Index) == (count == 0 and known == 0)
        if isinstance(message, IndexUpdate):
            assert message.prev_sequence == last
        for file in message.files:
            assert file.sequence > last
            last = file.sequence
            have[int(file.name)] = last
        assert message.last_sequence == last
    assert have == world.files


def test_every_public_input_is_answered_in_every_state() -> None:
    machine = new_sender.__automat_automaton__  # type: ignore[attr-defined]
    told = {(state, name) for state, name, *_ in machine.allTransitions()}
    public = [name for name in vars(Sender) if not name.startswith("_")]
    missing = [
        (state.name, name)
        for state in machine.states()
        for name in public
        if (state, name) not in told
    ]
    assert missing == []

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.bep.messages import FileProgress, UpdateType
from txsyncthing.cluster.progress import ReceivedProgress, SentProgress, messages
from txsyncthing.cluster.tables import Unfinished
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

F = FolderID("f")
V1, V2 = Vector.of([(1, 1)]), Vector.of([(1, 2)])
BIG = 20
A = WireName("a")


@dataclass(frozen=True)
class File:
    name: WireName = A
    version: Vector = V1
    created: float = 1.0
    block_size: int = 131072
    total: int = BIG
    available: frozenset[int] = frozenset()


def said(updates: list[FileProgress]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(one.type.name, one.name, one.block_indexes) for one in updates]


def test_only_what_is_new_is_told() -> None:
    sent = SentProgress()
    assert said(sent.updates([File(available=frozenset({2, 1}))], 10)) == [("APPEND", "a", (1, 2))]
    assert sent.updates([File(available=frozenset({1, 2}))], 10) == []
    assert said(sent.updates([File(available=frozenset({1, 2, 3}))], 10)) == [("APPEND", "a", (3,))]


def test_small_files_are_not_told() -> None:
    assert SentProgress().updates([File(total=10, available=frozenset({1}))], 10) == []


def test_another_version_or_attempt_is_told_anew() -> None:
    sent = SentProgress()
    one = frozenset({1})
    sent.updates([File(available=one)], 10)
    for other in (File(version=V2, available=one), File(A, V2, 2.0)):
        updates = sent.updates([other], 10)
        assert updates[0].type is UpdateType.FORGET
    assert sent.updates([], 10)[0].version == V2


def test_a_finished_file_is_forgotten() -> None:
    sent = SentProgress()
    sent.updates([File(available=frozenset({1}))], 10)
    assert said(sent.updates([], 10)) == [("FORGET", "a", ())]
    assert sent.updates([], 10) == []


def test_blocks_of_another_version_are_not_offered() -> None:
    received = ReceivedProgress()
    received.received([FileProgress(UpdateType.APPEND, WireName("a"), V1, (1, 2), 1024)])
    assert received.blocks(WireName("a"), V1) == {1, 2}
    assert received.blocks(WireName("a"), V2) == frozenset()
    assert received.bytes == 2048
    received.forget([WireName("a"), WireName("b")])
    assert received.blocks(WireName("a"), V1) == frozenset()
    assert received.counts() == {}


def test_a_folder_that_no_longer_runs_between_us_is_not_told() -> None:
    sent: dict[FolderID, SentProgress] = {}
    files: list[Unfinished] = [File(available=frozenset({1}))]
    (message,) = messages({F: files}, sent, 10)
    assert message.folder == F
    assert messages({}, sent, 10) == []
    assert messages({F: files}, sent, 10) != []


STATES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.tuples(st.sampled_from([V1, V2]), st.frozensets(st.integers(0, BIG - 1))),
)


@given(st.lists(STATES, max_size=8))
def test_the_receiver_knows_what_the_sender_has(
    states: list[dict[str, tuple[Vector, frozenset[int]]]],
) -> None:
    sent, received = SentProgress(), ReceivedProgress()
    for state in states:
        files = [
            File(WireName(name), version, available=blocks)
            for name, (version, blocks) in state.items()
        ]
        received.received(sent.updates(files, 10))
        for name, (version, blocks) in state.items():
            # A temporary file only grows; should one shrink, a request for its block just fails.
            assert received.blocks(WireName(name), version) >= blocks
        assert received.counts().keys() <= state.keys()

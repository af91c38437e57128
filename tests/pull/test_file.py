from __future__ import annotations

from txsyncthing.pull.failure import Cause
from txsyncthing.pull.file import Core, PulledFile, new_file
from txsyncthing.vocabulary.error import ItemError


class Work:
    """Remembers what the machine wants."""

    def __init__(self) -> None:
        self.wanted: list[str] = []
        self.error: ItemError | None = None

    def prepare(self, pulled: PulledFile) -> None:
        self.wanted.append("prepare")

    def copy(self, pulled: PulledFile) -> None:
        self.wanted.append("copy")

    def fetch(self, pulled: PulledFile) -> None:
        self.wanted.append("fetch")

    def finish(self, pulled: PulledFile) -> None:
        self.wanted.append("finish")

    def close(self, error: ItemError | None) -> None:
        self.wanted.append("close")
        self.error = error


def test_a_file_is_prepared_copied_fetched_and_finished() -> None:
    work = Work()
    file = new_file(Core(work))
    file.start()
    file.prepared()
    file.copied(3)
    file.stored(1)
    file.stored(1)
    assert work.wanted == ["prepare", "copy", "fetch"]
    file.stored(1)
    file.finished()
    assert work.wanted == ["prepare", "copy", "fetch", "finish", "close"]


def test_a_file_that_is_all_here_is_not_fetched() -> None:
    work = Work()
    file = new_file(Core(work))
    file.start()
    file.prepared()
    file.copied(0)
    assert work.wanted == ["prepare", "copy", "finish"]


def test_a_failure_ends_it_once_whenever_it_comes() -> None:
    for steps in range(5):
        work = Work()
        file = new_file(Core(work))
        names = ["start", "prepared", "copied", "stored"][:steps]
        for name in names:
            getattr(file, name)(*([1] if name in ("copied", "stored") else []))
        file.failed(Cause.NO_PEER.of("f"))
        file.failed(Cause.DISK.of("f"))
        file.stored(1)
        assert work.wanted.count("close") == 1
        assert work.error is not None
        assert work.error.cause == "no-peer"


def test_a_file_that_is_being_placed_is_placed() -> None:
    work = Work()
    file = new_file(Core(work))
    file.start()
    file.prepared()
    file.copied(0)
    file.stop()
    assert "close" not in work.wanted
    file.finished()
    assert work.wanted[-1] == "close"


def test_every_public_input_is_answered_in_every_state() -> None:
    machine = new_file.__automat_automaton__
    told = {(state, name) for state, name, *_ in machine.allTransitions()}
    public = [name for name in vars(PulledFile) if not name.startswith("_")]
    missing = [
        (state.name, name)
        for state in machine.states()
        for name in public
        if (state, name) not in told
    ]
    assert missing == []

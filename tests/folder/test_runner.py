from __future__ import annotations

from twisted.internet.task import Clock

from txsyncthing.folder.runner import Core, Runner, new_runner
from txsyncthing.folder.schedule import HEALTH_PAUSE
from txsyncthing.vocabulary.folder import FolderState


class Work:
    """Does nothing by itself; remembers."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.states: list[str] = []
        self.needed = True

    def ask(self, runner: Runner) -> None:
        self.done.append("ask")

    def leave(self) -> None:
        self.done.append("leave")

    def scan(self, runner: Runner) -> None:
        self.done.append("scan")

    def pull(self, runner: Runner) -> None:
        self.done.append("pull")

    def clean(self, runner: Runner) -> None:
        self.done.append("clean")

    def check(self, runner: Runner) -> None:
        self.done.append("check")

    def needs(self) -> bool:
        return self.needed

    def cancel(self) -> None:
        self.done.append("cancel")

    def entered(self, state: FolderState, error: str) -> None:
        self.states.append(f"{state}: {error}" if error else state.value)


def made() -> tuple[Runner, Work, Clock]:
    clock, work = Clock(), Work()
    return new_runner(Core(work, clock)), work, clock


def test_a_folder_scans_before_it_pulls() -> None:
    runner, work, _ = made()
    runner.pull_wanted()
    runner.start()
    runner.granted()
    assert work.done == ["ask", "scan"]
    runner.scanned()
    runner.granted()
    runner.syncing()
    runner.pulled()
    assert work.done == ["ask", "scan", "leave", "ask", "pull", "leave"]
    assert work.states == [
        "scan-waiting",
        "scanning",
        "idle",
        "sync-waiting",
        "sync-preparing",
        "syncing",
        "idle",
    ]


def test_what_was_wanted_meanwhile_is_done_afterwards() -> None:
    runner, work, _ = made()
    runner.start()
    runner.granted()
    runner.scan_wanted()
    runner.pull_wanted()
    runner.scanned()
    assert work.states[-1] == "scan-waiting"
    runner.granted()
    runner.scanned()
    assert work.states[-1] == "sync-waiting"
    runner.granted()
    runner.scan_wanted()
    runner.pulled()
    assert work.states[-1] == "scan-waiting"


def test_nothing_is_pulled_where_nothing_is_needed_any_more() -> None:
    runner, work, _ = made()
    runner.start()
    runner.granted()
    runner.pull_wanted()
    work.needed = False
    runner.scanned()
    assert work.states[-1] == "idle"


def test_an_error_is_looked_at_again_until_it_is_mended() -> None:
    runner, work, clock = made()
    runner.start()
    runner.granted()
    runner.failed("folder path missing")
    assert work.states[-1] == "error: folder path missing"
    runner.pull_wanted()
    assert "pull" not in work.done
    clock.advance(HEALTH_PAUSE)
    assert work.done[-1] == "check"
    runner.failed("folder path missing")
    runner.failed("folder marker missing")
    assert work.states[-2:] == ["error: folder path missing", "error: folder marker missing"]
    clock.advance(HEALTH_PAUSE)
    runner.well()
    assert work.states[-1] == "scan-waiting"
    assert clock.getDelayedCalls() == []
    runner.granted()
    runner.scanned()
    assert work.states[-1] == "sync-waiting"


def test_a_scan_that_is_asked_for_tries_at_once() -> None:
    runner, work, clock = made()
    runner.failed("damaged")
    runner.scan_wanted()
    assert work.states == ["error: damaged", "scan-waiting"]
    assert clock.getDelayedCalls() == []


def test_a_stopped_folder_does_nothing_more() -> None:
    for steps in ([], ["start"], ["start", "granted"], ["failed"]):
        runner, work, clock = made()
        for step in steps:
            getattr(runner, step)(*(["text"] if step == "failed" else []))
        runner.stop()
        before = list(work.states)
        runner.start()
        runner.granted()
        runner.scanned()
        runner.scan_wanted()
        runner.pull_wanted()
        runner.failed("late")
        assert work.states == before
        assert clock.getDelayedCalls() == []
        assert ("cancel" in work.done) == ("start" in steps)


def test_versions_are_cleaned_up_when_there_is_time() -> None:
    runner, work, _ = made()
    runner.clean_wanted()
    runner.start()
    runner.granted()
    runner.clean_wanted()
    runner.scanned()
    assert work.states[-1] == "clean-waiting"
    runner.granted()
    assert work.states[-1] == "cleaning"
    runner.clean_wanted()
    runner.pull_wanted()
    runner.cleaned()
    assert work.states[-1] == "sync-waiting"  # what peers changed comes first
    work.needed = False
    runner.granted()
    runner.pulled()
    assert work.states[-1] == "clean-waiting"
    runner.granted()
    runner.cleaned()
    assert work.states[-1] == "idle"
    asked, left = work.done.count("ask"), work.done.count("leave")
    assert (asked, left) == (4, 4)


def test_a_clean_up_ends_with_the_folder() -> None:
    runner, work, _ = made()
    runner.start()
    runner.granted()
    runner.scanned()
    runner.clean_wanted()
    runner.granted()
    runner.stop()
    assert work.done[-2:] == ["cancel", "leave"]
    runner.cleaned()
    assert work.states[-1] == "cleaning"


def test_a_folder_that_is_not_well_is_not_cleaned_up() -> None:
    runner, work, clock = made()
    runner.start()
    runner.granted()
    runner.scanned()
    runner.clean_wanted()
    runner.granted()
    runner.failed("folder marker missing")
    assert work.states[-1] == "error: folder marker missing"
    runner.clean_wanted()
    runner.stop()
    assert work.done.count("clean") == 1
    assert clock.getDelayedCalls() == []


def test_every_public_input_is_answered_in_every_state() -> None:
    machine = new_runner.__automat_automaton__
    told = {(state, name) for state, name, *_ in machine.allTransitions()}
    public = [name for name in vars(Runner) if not name.startswith("_")]
    missing = [
        (state.name, name)
        for state in machine.states()
        for name in public
        if (state, name) not in told
    ]
    assert missing == []

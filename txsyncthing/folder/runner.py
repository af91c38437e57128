"""
What a folder does, one thing at a time, in the words that REST shows.

A folder waits for the node's gate before it scans or pulls, scans first, never pulls before the first scan
is complete, and does not pull while it is in error; from an error only a scan leads out.

Source: reference 5.1 ("States"), 5.2 ("When", "Initial scan gate"); lib/model/folder.go, folderstate.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from automat import TypeMachineBuilder

from txsyncthing.clock import Clock, Timer
from txsyncthing.folder.schedule import HEALTH_PAUSE
from txsyncthing.vocabulary.folder import FolderState


class FolderWork(Protocol):
    """What a runner does to the world; each answer comes as an input, perhaps at once."""

    def ask(self, runner: Runner) -> None:
        """Ask for the node's gate; then ``granted``."""

    def leave(self) -> None:
        """Give the gate back, or stop waiting for it."""

    def scan(self, runner: Runner) -> None:
        """Scan what is wanted; then ``scanned`` or ``failed``."""

    def pull(self, runner: Runner) -> None:
        """Pull; ``syncing`` when that touches the disk, then ``pulled`` or ``failed``."""

    def clean(self, runner: Runner) -> None:
        """Clean the old versions up; then ``cleaned`` or ``failed``."""

    def check(self, runner: Runner) -> None:
        """See whether the folder is well again; then ``well`` or ``failed``."""

    def needs(self) -> bool:
        """Whether there is anything to pull."""

    def cancel(self) -> None:
        """Stop the scan, pull or clean-up that runs, as soon as that can be."""

    def entered(self, state: FolderState, error: str) -> None:
        """The folder's state has another name now; ``error`` is empty but in ``error``."""


class Runner(Protocol):
    """What can happen to a folder."""

    def start(self) -> None:
        """The index is open: begin, with a scan."""

    def scan_wanted(self) -> None:
        """Somebody wants a scan; what of, the work knows."""

    def pull_wanted(self) -> None:
        """There may be something to pull."""

    def clean_wanted(self) -> None:
        """It is time to clean the old versions up."""

    def granted(self) -> None:
        """The gate is open for us."""

    def scanned(self) -> None:
        """The scan is over, and the folder is well."""

    def syncing(self) -> None:
        """The pull has planned and begins on the disk."""

    def pulled(self) -> None:
        """The pull is over, with or without failed items."""

    def cleaned(self) -> None:
        """The clean-up is over, whatever came of it."""

    def failed(self, error: str) -> None:
        """The folder is not well: marker, path, ignores or index."""

    def well(self) -> None:
        """What was wrong is mended, as far as a look can tell."""

    def stop(self) -> None:
        """The folder is paused or removed, or the node goes down."""

    def _look(self) -> None:
        """In error: see whether the folder is well again."""


@dataclass
class Wants:
    """What was asked for while something else was done."""

    scan: bool = False
    pull: bool = False
    clean: bool = False


@dataclass
class Core:
    """What all states share."""

    work: FolderWork
    clock: Clock
    wants: Wants = field(default_factory=Wants)


@dataclass
class Trouble:
    """What is wrong, and the timer of the next look."""

    error: str
    timer: Timer


def trouble(inputs: Runner, core: Core, error: str) -> Trouble:
    core.wants.pull = True
    core.work.entered(FolderState.ERROR, error)
    return Trouble(error, core.clock.callLater(HEALTH_PAUSE, inputs._look))


builder = TypeMachineBuilder(Runner, Core)
starting = builder.state("starting")
idle = builder.state("idle")
scan_waiting = builder.state("scan-waiting")
scanning = builder.state("scanning")
sync_waiting = builder.state("sync-waiting")
sync_preparing = builder.state("sync-preparing")
syncing = builder.state("syncing")
clean_waiting = builder.state("clean-waiting")
cleaning = builder.state("cleaning")
error = builder.state("error", trouble)
stopped = builder.state("stopped")

working = (
    scan_waiting,
    scanning,
    sync_waiting,
    sync_preparing,
    syncing,
    clean_waiting,
    cleaning,
)
waiting = (scan_waiting, sync_waiting, clean_waiting)
everywhere: tuple[Any, ...] = (starting, idle, *working, error, stopped)


def answered_late(input: Callable[..., object], *states: Any) -> None:
    """Nothing comes of it in any state but these."""
    for state in everywhere:
        if state not in states:
            state.upon(input).loop().returns(None)


scan_waiting.upon(Runner.scan_wanted).loop().returns(None)  # it will scan all that is wanted then
sync_waiting.upon(Runner.pull_wanted).loop().returns(None)
clean_waiting.upon(Runner.clean_wanted).loop().returns(None)
error.upon(Runner.clean_wanted).loop().returns(None)  # the next time will do
answered_late(Runner.start, starting)
answered_late(Runner.granted, *waiting)
answered_late(Runner.scanned, scanning)
answered_late(Runner.syncing, sync_preparing)
answered_late(Runner.pulled, sync_preparing, syncing)
answered_late(Runner.cleaned, cleaning)
answered_late(Runner.well, error)
for wanted in (Runner.scan_wanted, Runner.pull_wanted, Runner.clean_wanted):
    stopped.upon(wanted).loop().returns(None)
stopped.upon(Runner.failed).loop().returns(None)
stopped.upon(Runner.stop).loop().returns(None)


@starting.upon(Runner.start).to(scan_waiting)
@idle.upon(Runner.scan_wanted).to(scan_waiting)
def wait_to_scan(inputs: Runner, core: Core) -> None:
    core.wants.scan = False
    core.work.entered(FolderState.SCAN_WAITING, "")
    core.work.ask(inputs)


@error.upon(Runner.scan_wanted).to(scan_waiting)
@error.upon(Runner.well).to(scan_waiting)
def try_again(inputs: Runner, core: Core, trouble: Trouble) -> None:
    if trouble.timer.active():
        trouble.timer.cancel()
    core.wants.scan = False
    core.work.entered(FolderState.SCAN_WAITING, "")
    core.work.ask(inputs)


@error.upon(Runner._look).loop()
def look(inputs: Runner, core: Core, trouble: Trouble) -> None:
    trouble.timer = core.clock.callLater(HEALTH_PAUSE, inputs._look)
    core.work.check(inputs)


@error.upon(Runner.failed).loop()
def note_error(inputs: Runner, core: Core, trouble: Trouble, error: str) -> None:
    if error != trouble.error:
        trouble.error = error
        core.work.entered(FolderState.ERROR, error)


@scan_waiting.upon(Runner.granted).to(scanning)
def scan(inputs: Runner, core: Core) -> None:
    core.work.entered(FolderState.SCANNING, "")
    core.work.scan(inputs)


@idle.upon(Runner.pull_wanted).to(sync_waiting)
def wait_to_pull(inputs: Runner, core: Core) -> None:
    core.wants.pull = False
    core.work.entered(FolderState.SYNC_WAITING, "")
    core.work.ask(inputs)


@sync_waiting.upon(Runner.granted).to(sync_preparing)
def pull(inputs: Runner, core: Core) -> None:
    core.work.entered(FolderState.SYNC_PREPARING, "")
    core.work.pull(inputs)


@sync_preparing.upon(Runner.syncing).to(syncing)
def sync(inputs: Runner, core: Core) -> None:
    core.work.entered(FolderState.SYNCING, "")


@idle.upon(Runner.clean_wanted).to(clean_waiting)
def wait_to_clean(inputs: Runner, core: Core) -> None:
    core.wants.clean = False
    core.work.entered(FolderState.CLEAN_WAITING, "")
    core.work.ask(inputs)


@clean_waiting.upon(Runner.granted).to(cleaning)
def clean(inputs: Runner, core: Core) -> None:
    core.work.entered(FolderState.CLEANING, "")
    core.work.clean(inputs)


@scanning.upon(Runner.scanned).to(idle)
@sync_preparing.upon(Runner.pulled).to(idle)
@syncing.upon(Runner.pulled).to(idle)
@cleaning.upon(Runner.cleaned).to(idle)
def rest(inputs: Runner, core: Core) -> None:
    core.work.leave()
    core.work.entered(FolderState.IDLE, "")
    if core.wants.scan:
        inputs.scan_wanted()
        return
    if core.wants.pull:
        core.wants.pull = False
        if core.work.needs():
            inputs.pull_wanted()
            return
    if core.wants.clean:
        inputs.clean_wanted()


@starting.upon(Runner.scan_wanted).loop()
@scanning.upon(Runner.scan_wanted).loop()
@sync_waiting.upon(Runner.scan_wanted).loop()
@sync_preparing.upon(Runner.scan_wanted).loop()
@syncing.upon(Runner.scan_wanted).loop()
@clean_waiting.upon(Runner.scan_wanted).loop()
@cleaning.upon(Runner.scan_wanted).loop()
def note_scan(inputs: Runner, core: Core) -> None:
    core.wants.scan = True


@starting.upon(Runner.pull_wanted).loop()
@scan_waiting.upon(Runner.pull_wanted).loop()
@scanning.upon(Runner.pull_wanted).loop()
@sync_preparing.upon(Runner.pull_wanted).loop()
@syncing.upon(Runner.pull_wanted).loop()
@clean_waiting.upon(Runner.pull_wanted).loop()
@cleaning.upon(Runner.pull_wanted).loop()
def note_pull(inputs: Runner, core: Core) -> None:
    core.wants.pull = True


@starting.upon(Runner.clean_wanted).loop()
@scan_waiting.upon(Runner.clean_wanted).loop()
@scanning.upon(Runner.clean_wanted).loop()
@sync_waiting.upon(Runner.clean_wanted).loop()
@sync_preparing.upon(Runner.clean_wanted).loop()
@syncing.upon(Runner.clean_wanted).loop()
@cleaning.upon(Runner.clean_wanted).loop()
def note_clean(inputs: Runner, core: Core) -> None:
    core.wants.clean = True


@error.upon(Runner.pull_wanted).loop()
def note_pull_in_error(inputs: Runner, core: Core, trouble: Trouble) -> None:
    core.wants.pull = True


@starting.upon(Runner.failed).to(error)
@idle.upon(Runner.failed).to(error)
def fail(inputs: Runner, core: Core, error: str) -> None:
    pass  # the state's data tells


@scan_waiting.upon(Runner.failed).to(error)
@scanning.upon(Runner.failed).to(error)
@sync_waiting.upon(Runner.failed).to(error)
@sync_preparing.upon(Runner.failed).to(error)
@syncing.upon(Runner.failed).to(error)
@clean_waiting.upon(Runner.failed).to(error)
@cleaning.upon(Runner.failed).to(error)
def fail_busy(inputs: Runner, core: Core, error: str) -> None:
    core.work.leave()


@starting.upon(Runner.stop).to(stopped)
@idle.upon(Runner.stop).to(stopped)
def stop(inputs: Runner, core: Core) -> None:
    pass


@scan_waiting.upon(Runner.stop).to(stopped)
@scanning.upon(Runner.stop).to(stopped)
@sync_waiting.upon(Runner.stop).to(stopped)
@sync_preparing.upon(Runner.stop).to(stopped)
@syncing.upon(Runner.stop).to(stopped)
@clean_waiting.upon(Runner.stop).to(stopped)
@cleaning.upon(Runner.stop).to(stopped)
def stop_busy(inputs: Runner, core: Core) -> None:
    core.work.cancel()
    core.work.leave()


@error.upon(Runner.stop).to(stopped)
def stop_in_error(inputs: Runner, core: Core, trouble: Trouble) -> None:
    if trouble.timer.active():
        trouble.timer.cancel()


new_runner = builder.build()

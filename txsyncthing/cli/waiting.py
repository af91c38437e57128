"""
``txsyncthing wait``: scan a folder, then block until it, or other devices, have all of it.

The node is asked again only when one of its events says that something changed, at most twice a second,
and once a minute without any.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from txsyncthing.cli.hindrances import failures, hindrances
from txsyncthing.cli.look import (
    DeviceLook,
    Exit,
    Look,
    Rate,
    Verdict,
    device_look,
    document,
    folder_look,
    held_sentence,
    judge,
    progress_line,
)
from txsyncthing.cli.output import amount, go_json, percent, printable, say, span
from txsyncthing.cli.running import connection_options, run
from txsyncthing.cli.seam import FOREVER, Node, NodeError, Refused, Unreachable

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IReactorTime

POLL = 60  # seconds that the node holds a question for events
BRIEF = 5  # the same where it seems that none will come
BREATH = 0.5  # seconds between two looks, however many events there are
PATIENCE = 30.0  # seconds that a node may be away, for a restart
EVENTS = (
    "StateChanged,FolderSummary,FolderCompletion,FolderErrors,FolderScanProgress,FolderPaused,FolderResumed,"
    "DeviceConnected,DeviceDisconnected,DevicePaused,DeviceResumed,RemoteIndexUpdated,ConfigSaved,"
    "ClusterConfigReceived"
)

CONFIG = {"ConfigSaved", "FolderPaused", "FolderResumed", "DevicePaused", "DeviceResumed"}


class Wanted(click.ClickException):
    """A folder or device that is not there: wrong usage."""

    exit_code = int(Exit.USAGE)


class Wait:
    """
    One wait.

    :param devices: for whom; names, IDs or beginnings of IDs; ``all`` is each that shares the folder. Without
        any it is for the node itself.
    :param show: takes the progress line, after each look.
    """

    def __init__(
        self,
        node: Node,
        clock: IReactorTime,
        folder: str,
        devices: tuple[str, ...] = (),
        *,
        scan: bool = True,
        show: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.look = Look()
        self._node = node
        self._clock = clock
        self._folder = folder
        self._asked = devices
        self._scan = scan
        self._show = show
        self._names: dict[str, str] = {}  # of the devices for whom we wait, by ID
        self._rate = Rate()
        self._stuck_since: float | None = None
        self._paused: frozenset[str] = frozenset()
        self._shared: frozenset[str] = frozenset()  # with whom, perhaps ourselves among them
        self._stale = True  # whether the configuration may have changed
        self._only_sends = False
        self._guards = True  # until the node says that it has no guard

    async def finish(self) -> Verdict:
        """
        Wait without end.

        :raises NodeError: the node stays away, or says no.
        :raises Wanted: it has no such folder or device.
        """
        since = await self._newest()
        await self._configured()
        if self._scan and not self.look.paused:
            await self._scanned(since)
        while True:
            try:
                if self._stale:
                    await self._configured()
                await self._see()
                verdict = self._verdict()
                if verdict is not None and self._names and verdict.code is Exit.IN_SYNC:
                    # An official daemon may answer a scan a moment before it counts what was found.
                    await self._sleep(BREATH)
                    await self._see()
                    verdict = self._verdict()
                if verdict is not None:
                    return verdict
                since = await self._something(since)
            except Unreachable:
                since = await self._back()

    # Questions.

    async def _newest(self) -> int:
        """The number of the newest event; from here on none is missed."""
        events = await self._node.get("/rest/events", since=0, limit=1, timeout=0, events=EVENTS)
        return int(events[-1]["id"]) if events else 0

    async def _configured(self) -> None:
        folders = await self._node.get("/rest/config/folders")
        config = next((one for one in folders if one["id"] == self._folder), None)
        if config is None:
            known = ", ".join(one["id"] for one in folders[:20]) or "none"
            raise Wanted(f"there is no folder {self._folder!r}: the node has {known}")
        self.look = replace(self.look, paused=bool(config["paused"]))
        self._stale = False
        self._only_sends = config.get("type") == "sendonly"
        self._shared = frozenset(one["deviceID"] for one in config["devices"])
        if not self._asked:
            return
        devices = {one["deviceID"]: one for one in await self._node.get("/rest/config/devices")}
        me = (await self._node.get("/rest/system/status"))["myID"]
        shared = set(self._shared) - {me}
        self._names = {
            id: devices.get(id, {}).get("name") or id[:7]
            for word in self._asked
            for id in _meant(word, devices, shared, self._folder)
        }
        self._paused = frozenset(id for id in self._names if devices.get(id, {}).get("paused"))

    async def _see(self) -> None:
        paused = self.look.paused
        status: dict[str, Any] = {}
        looks: tuple[DeviceLook, ...] = ()
        here: set[str] = set()
        held = ""
        if not paused:
            try:
                status = await self._node.get("/rest/db/status", folder=self._folder)
                held = await self._held(status)
                here = await self._connected()
                looks = tuple([await self._device(id, id in here) for id in self._names])
            except Refused as refused:
                if refused.status != 404:  # paused or removed in this moment: the next look tells
                    raise
                await self._configured()
                self._stale = True
        alone = not here & self._shared
        self.look = folder_look(
            self.look.paused, status, looks, alone, only_sends=self._only_sends, held=held
        )
        now = self._clock.seconds()
        self._rate.saw(now, self.look.left[1])
        if not self.look.stuck and self.look.state == "idle":
            self._stuck_since = None
        elif self.look.stuck and self._stuck_since is None:
            self._stuck_since = now
        self._show(progress_line(self._folder, self.look, self._rate.speed))

    async def _held(self, status: dict[str, Any]) -> str:
        """What waits for somebody's word. Only our nodes hold anything, and tell it as a failed item."""
        if self._names or not (self._guards and status.get("pullErrors")):
            return ""
        try:
            guard = await self._node.get("/rest/x/guard", folder=self._folder)
        except Refused as refused:
            if refused.status not in (404, 405):
                raise
            self._guards = False
            return ""
        return held_sentence(guard)

    async def _connected(self) -> set[str]:
        connections = (await self._node.get("/rest/system/connections"))["connections"]
        return {id for id, one in connections.items() if one["connected"]}

    async def _device(self, id: str, connected: bool) -> DeviceLook:
        completion = await self._node.get("/rest/db/completion", folder=self._folder, device=id)
        return device_look(id, self._names[id], connected, id in self._paused, completion)

    def _verdict(self) -> Verdict | None:
        since = self._stuck_since
        return judge(self.look, 0.0 if since is None else self._clock.seconds() - since)

    async def _something(self, since: int) -> int:
        """Wait until something happened to the folder or to a device, or the minute is over."""
        breath = self._sleep(BREATH)
        try:
            while True:
                events = await self._events(since)
                since = int(events[-1]["id"]) if events else since
                self._stale |= not events or any(one["type"] in CONFIG for one in events)
                if not events or any(concerns(event, self._folder) for event in events):
                    break
            await breath
        finally:
            breath.cancel()
        return since

    async def _events(self, since: int) -> list[dict[str, Any]]:
        timeout = BRIEF if self.look.stuck and self.look.only_sends else POLL
        found: list[dict[str, Any]] = await self._node.get(
            "/rest/events", patience=timeout + 30.0, since=since, timeout=timeout, events=EVENTS
        )
        return found

    async def _back(self) -> int:
        """
        Wait for a node that went away.

        :raises Unreachable: it does not come back.
        """
        end = self._clock.seconds() + PATIENCE
        while True:
            self._show(f"{self._folder}: the node does not answer")
            await self._sleep(1.0)
            try:
                since = await self._newest()
                self._stale = True
                return since
            except Unreachable:
                if self._clock.seconds() >= end:
                    raise

    def _sleep(self, seconds: float) -> Deferred[None]:
        from twisted.internet.task import deferLater

        slept: Deferred[None] = deferLater(self._clock, seconds)
        slept.addErrback(_quiet)
        return slept

    # The scan.

    async def _scanned(self, since: int) -> None:
        from twisted.internet.defer import Deferred

        self._show(f"{self._folder}: scanning")
        told = Deferred.fromCoroutine(self._tell_scan(since))
        told.addErrback(_quiet)  # the scan itself meets what went wrong
        try:
            await self._node.post("/rest/db/scan", patience=FOREVER, folder=self._folder)
        except Refused as refused:
            await self._see()
            if self._verdict() is None:
                raise NodeError(f"the scan failed: {refused.body or refused.message}") from None
        finally:
            told.cancel()

    async def _tell_scan(self, since: int) -> None:
        while True:
            events = await self._events(since)
            for event in events:
                since, data = int(event["id"]), event["data"]
                if event["type"] == "FolderScanProgress" and data["folder"] == self._folder:
                    self._show(
                        f"{self._folder}: scanning · {percent(data['current'], data['total'])}"
                        f" · {amount(data['current'])} of {amount(data['total'])}"
                        f" · {amount(data['rate'])}/s"
                    )


def _quiet(failure: Any) -> None:
    from twisted.internet.defer import CancelledError

    failure.trap(CancelledError, NodeError)


def concerns(event: dict[str, Any], folder: str) -> bool:
    """Whether an event may change what we see of the folder."""
    data = event.get("data")
    if not isinstance(data, dict) or event.get("type") == "FolderScanProgress":
        return False
    named = data.get("folder") or (data.get("id") if event["type"].startswith("Folder") else None)
    return named is None or named == folder


def _meant(word: str, devices: dict[str, Any], shared: set[str], folder: str) -> list[str]:
    """The devices that a word means."""
    if word == "all":
        if not shared:
            raise Wanted(f"the folder {folder!r} is shared with no device")
        return sorted(shared)
    plain = word.upper()
    found = [id for id in devices if id == plain or devices[id].get("name") == word]
    found = found or [id for id in devices if len(plain) >= 4 and id.startswith(plain)]
    if len(found) != 1:
        names = ", ".join(f"{one.get('name')} ({id[:7]})" for id, one in devices.items())
        said = "there is no device" if not found else "more than one device is called"
        raise Wanted(f"{said} {word!r}: the node knows {names}")
    if found[0] not in shared:
        raise Wanted(f"the folder {folder!r} is not shared with {word}")
    return found


async def timed(wait: Wait, clock: IReactorTime, timeout: float | None) -> tuple[Verdict, float]:
    """The end of a wait that lasts so many seconds at most, and how many it was."""
    from twisted.internet.defer import Deferred, TimeoutError

    begun = clock.seconds()
    finished = Deferred.fromCoroutine(wait.finish())
    if timeout is not None:
        finished.addTimeout(timeout, clock)
    try:
        verdict = await finished
    except TimeoutError:
        verdict = Verdict(Exit.TIMED_OUT, f"not in sync after {span(timeout or 0)}")
    return verdict, clock.seconds() - begun


@click.command()
@click.argument("folder")
@click.option(
    "--device",
    "-d",
    "devices",
    multiple=True,
    metavar="DEVICE",
    help="Wait for this device: a name, an ID or its beginning, or `all`. May be repeated.",
)
@click.option("--timeout", "-t", type=click.FloatRange(min=0), help="Seconds to wait at most.")
@click.option("--no-scan", is_flag=True, help="Do not scan before.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@connection_options
def wait(
    folder: str,
    devices: tuple[str, ...],
    timeout: float | None,
    no_scan: bool,
    quiet: bool,
    as_json: bool,
    **options: str,
) -> None:
    """
    Scan FOLDER, then wait until this node, or each DEVICE, has all of it.

    Ends with 0 in sync, 1 an error, 2 wrong usage, 3 timed out, 4 when waiting is in vain: the folder or
    device is paused, the folder stopped with an error, or items fail again and again.
    """
    shown = sys.stderr.isatty() and not quiet

    def show(line: str) -> None:
        if shown:
            click.echo(f"\r{printable(line)}\x1b[K", nl=False, err=True)

    async def job(node: Node) -> int:
        from twisted.internet import reactor

        clock: IReactorTime = reactor
        waited = Wait(node, clock, folder, devices, scan=not no_scan, show=show)
        try:
            verdict, seconds = await timed(waited, clock, timeout)
        finally:
            show("")
        if as_json:
            click.echo(go_json(document(folder, waited.look, verdict, seconds)))
        elif verdict.code:
            said = [f"{folder}: {verdict.sentence}"]
            if verdict.code is Exit.TIMED_OUT:
                said.append(progress_line(folder, waited.look, 0))
                said += await hindrances(node, waited.look)
            if waited.look.failing:
                said += await failures(node, folder)
            say(said, err=True)
        elif not quiet:
            click.echo(f"{folder}: in sync ({span(seconds)})")
        return int(verdict.code)

    run(job, options)

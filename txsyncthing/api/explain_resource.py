"""
``/rest/x/explain``: why a folder, or one item, is not in step, and what happens next.

What has to be asked is asked of the index's reader, in pieces, and of a disk worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from txsyncthing.api import explain_shapes as shapes
from txsyncthing.api.db_resource import NO_FOLDER, PAUSED, page_of
from txsyncthing.api.device_reasons import DeviceFacts, away, device_reasons
from txsyncthing.api.exchange import Answer, Question, Refused, Route, encoded, json
from txsyncthing.api.seams import (
    CareView,
    ClusterView,
    ConnectionsView,
    FoldersView,
    FolderView,
)
from txsyncthing.api.system_resource import device_of
from txsyncthing.cluster.status import DeviceStatus
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.folder.failures import Failures, count_failures
from txsyncthing.folder.item_reasons import ItemFacts, explain_item, known
from txsyncthing.folder.look import look_at
from txsyncthing.folder.reasons import FolderFacts, explain
from txsyncthing.index import risk
from txsyncthing.index.missing import Missing, missing
from txsyncthing.index.values import IndexFailed
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.vocabulary.device import LOCAL_DEVICE, DeviceID, ShortID, short_text
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.folder import FolderID, FolderState, RemoteState
from txsyncthing.vocabulary.name import BadName, WireName, check_name

_BUSY = frozenset(
    {
        FolderState.SCANNING,
        FolderState.SYNC_PREPARING,
        FolderState.SYNCING,
        FolderState.CLEANING,
    }
)


class ExplainResource:
    """
    :param lane: where the disk is looked at and long lists become JSON.
    :param me: our own device.
    :param unix: wall clock, Unix seconds.
    """

    def __init__(
        self,
        *,
        folders: FoldersView,
        holder: ConfigHolder,
        cluster: ClusterView,
        connections: ConnectionsView,
        care: CareView,
        lane: Lane,
        me: DeviceID,
        unix: Callable[[], float],
    ) -> None:
        self._folders = folders
        self._holder = holder
        self._cluster = cluster
        self._connections = connections
        self._care = care
        self._lane = lane
        self._me = me
        self._unix = unix

    def routes(self) -> list[Route]:
        return [
            Route("/rest/x/explain", {"GET": self.explain}),
            Route("/rest/x/errors", {"GET": self.errors}),
        ]

    def _config(self, question: Question) -> FolderConfig:
        config = self._holder.current.folder(question.get("folder"))
        if config is None:
            raise Refused(404, NO_FOLDER)
        return config

    def _running(self, config: FolderConfig) -> FolderView:
        folder = self._folders.get(config.id)
        if folder is None:
            raise Refused(404, PAUSED)
        return folder

    async def explain(self, question: Question) -> Answer:
        if name := question.get("device"):
            return self._device(device_of(name, 400))
        config = self._config(question)
        if name := question.get("file"):
            return await self._item(config, self._folders.get(config.id), name)
        facts = await self._facts(config, self._folders.get(config.id))
        devices = self._devices(config)
        return json(shapes.folder(config.label, facts, explain(facts), devices))

    async def errors(self, question: Question) -> Answer:
        """What ``/rest/folder/errors`` lists, with cause and remedy."""
        config = self._config(question)
        page, perpage = page_of(question)
        status = self._running(config).status()
        return encoded([await self._lane.run(shapes.errors_body, status, page, perpage)])

    # Devices.

    def _device(self, device: DeviceID) -> Answer:
        configuration = self._holder.current
        status = self._cluster.devices().get(device)
        if status is None:
            raise Refused(404, "no such device")
        facts = self._device_facts(device, status, configuration.folders_shared_with(device))
        return json(shapes.device(self._name(device), facts, device_reasons(facts)))

    def _devices(self, folder: FolderConfig) -> list[dict[str, object]]:
        """With whom a folder is shared, each with what is in the way of that."""
        known = self._cluster.devices()
        found = []
        for member in folder.devices:
            status = known.get(member.id)
            if status is not None:
                facts = self._device_facts(member.id, status, [folder])
                found.append(shapes.device(self._name(member.id), facts, device_reasons(facts)))
        return found

    def _device_facts(
        self, device: DeviceID, status: DeviceStatus, folders: Iterable[FolderConfig]
    ) -> DeviceFacts:
        config = self._holder.current.device(device)
        dials = self._connections.dial_status()
        return DeviceFacts(
            self._me,
            device,
            status,
            {
                one.id: self._cluster.remote_state(device, one.id)
                for one in folders
                if not one.paused
            },
            {
                address: error
                for address in (config.addresses if config else ())
                if address in dials and (error := dials[address].error)
            },
        )

    # Folders.

    async def _facts(
        self, config: FolderConfig, folder: FolderView | None, whole: bool = True
    ) -> FolderFacts:
        """:param whole: also what is missing, which takes a while."""
        id = config.id
        facts = FolderFacts(
            id=id,
            type=config.type,
            paused=config.paused,
            status=None,
            now=self._unix(),
            care=self._care.care(id),
            care_trouble=self._care.trouble(id),
            busy=self._busy(),
            connected=self._connected(config),
            away=lambda device: self._away(id, device),
            seen=self._seen,
            name=self._name,
            paused_since=self._folders.paused_since(id),
        )
        if folder is None:
            return facts
        status, progress = folder.status(), folder.progress()
        errors = status.pull_errors, status.scan_errors
        facts = facts._replace(
            status=status,
            failures=await self._lane.run(count_failures, *errors) if whole else Failures(),
            since=folder.since.of,
            in_progress=len(progress.in_progress),
            queued=len(progress.queued),
            bytes_done=sum(one.bytes_done for one in progress.files),
            bytes_total=sum(one.bytes_total for one in progress.files),
        )
        try:
            held = await folder.guard.look()
            lacks = status.need.items - status.need.deleted
            lost = await self._missing(folder, facts) if whole and lacks else Missing()
        except IndexFailed:
            return facts  # the state tells
        return facts._replace(held=held, refusing=folder.guard.refusing, missing=lost)

    async def _missing(self, folder: FolderView, facts: FolderFacts) -> Missing:
        total, after = Missing(), ""
        while (last := await folder.index.ask(risk.next_piece, after)) is not None:
            total = total.plus(await folder.index.ask(missing, after, last, facts.connected))
            after = last
        return total

    def _busy(self) -> list[FolderID]:
        running = ((one.id, self._folders.get(one.id)) for one in self._holder.current.folders)
        return [id for id, one in running if one is not None and one.status().state in _BUSY]

    def _connected(self, config: FolderConfig) -> frozenset[DeviceID]:
        """With whom the folder is exchanged now."""
        members = (member.id for member in config.devices if member.id != self._me)
        state = self._cluster.remote_state
        return frozenset(one for one in members if state(one, config.id) is RemoteState.VALID)

    def _away(self, folder: FolderID, device: DeviceID) -> str:
        """Why nothing can be had from a device."""
        status = self._cluster.devices().get(device)
        if status is None:
            return "is not known here any more"
        if status.paused:
            return "is paused here"
        if not status.connected:
            return away(status)
        state = self._cluster.remote_state(device, folder)
        if state is RemoteState.PAUSED:
            return "has paused the folder"
        return "does not share the folder with us" if state is not RemoteState.VALID else "is here"

    def _seen(self, device: DeviceID) -> float:
        status = self._cluster.devices().get(device)
        return status.statistics.last_seen if status is not None else 0.0

    def _name(self, device: DeviceID) -> str:
        return self._who(device.short)

    def _who(self, short: ShortID) -> str:
        """A device as people know it."""
        text = short_text(short)
        found = (one.name for one in self._holder.current.devices if one.id.short == short)
        name = next(found, "")
        if short == self._me.short:
            return f"{name or text} (this device)"
        return f"{name} ({text})" if name else text

    # Items.

    async def _item(self, config: FolderConfig, folder: FolderView | None, name: str) -> Answer:
        try:
            path = check_name(name.strip("/"))
        except BadName:
            raise Refused(404, f"{name!r} cannot be the name of an item in a folder") from None
        try:
            facts = await self._item_facts(config, folder, path)
        except IndexFailed:
            facts = await self._closed_facts(config, folder, path)
        if not known(facts):
            raise Refused(
                404,
                f"no device has told of {path!r} in folder {config.id}, and there is no such item on this"
                " device's disk",
            )
        members = [member.id for member in config.devices if member.id != self._me]
        told = [device for device in facts.versions if device not in members]
        return json(
            shapes.item(facts, explain_item(facts), [*members, *told], self._holder.current)
        )

    async def _closed_facts(
        self, config: FolderConfig, folder: FolderView | None, name: WireName
    ) -> ItemFacts:
        """Of a folder that is paused or could not start: its index is not open."""
        storage = self._folders.filesystem(config.id)
        sight = await self._lane.run(look_at, storage, name)
        return ItemFacts(
            folder=await self._facts(config, folder, whole=False),
            name=name,
            ours=None,
            world=None,
            versions={},
            sight=sight,
            who=self._who,
            ignored=sight.place is not None and sight.place.ignored,
            closed=True,
        )

    async def _item_facts(
        self, config: FolderConfig, folder: FolderView | None, name: WireName
    ) -> ItemFacts:
        """:raises IndexFailed: of a folder that does not run, too."""
        if folder is None:
            raise IndexFailed("the folder does not run")
        index, status, progress = folder.index, folder.status(), folder.progress()
        versions = dict(await index.versions(name))
        ours = versions.pop(LOCAL_DEVICE, None)
        world = (await index.global_([name])).get(name)
        needed = bool(await index.ask(risk.needed, [name]))
        about = await self._facts(config, folder, whole=False)
        risky = False
        if about.held is not None:
            risky = bool(await index.ask(risk.at_risk, [name], folder.guard.released))
        moving = next((one for one in progress.files if one.name == name), None)
        return ItemFacts(
            folder=about,
            name=name,
            ours=ours,
            world=world,
            versions=versions,
            sight=await self._lane.run(look_at, folder.filesystem, name),
            needed=needed,
            risky=risky,
            errors=await self._lane.run(_errors_of, name, status.pull_errors, status.scan_errors),
            in_progress=name in progress.in_progress,
            queued=name in progress.queued,
            progress=moving,
            who=self._who,
            ignore_delete=config.ignore_delete,
            ignored=folder.matcher().match(name).ignored,
        )


def _errors_of(name: WireName, *lists: tuple[ItemError, ...]) -> tuple[ItemError, ...]:
    """A worker's job: there may be very many."""
    return tuple(one for errors in lists for one in errors if one.path == name)

"""
``/rest/db`` and ``/rest/folder``: what folders have, need and do.

Source: reference 7.4, 11.9.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import orjson
from twisted.internet.defer import CancelledError, Deferred

from txsyncthing.api import shapes
from txsyncthing.api.encoding import body
from txsyncthing.api.exchange import (
    DONE,
    TEXT,
    Answer,
    Question,
    Refused,
    Route,
    encoded,
    json,
)
from txsyncthing.api.file_shapes import NeedPage, file_details, need_body
from txsyncthing.api.seams import ClusterView, FoldersView, FolderView
from txsyncthing.api.system_resource import device_of
from txsyncthing.cluster.completion import Completion
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.folder.ignores import Ignores
from txsyncthing.folder.service import FolderFailed
from txsyncthing.folder.status import FolderStatus
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, FolderState, PullOrder
from txsyncthing.vocabulary.name import BadName, WireName, check_name

T = TypeVar("T")

PER_PAGE = 65536
CHUNK = 10_000  # needed items asked for at a time
NO_FOLDER = "no such folder"
PAUSED = "folder is paused"


class DbResource:
    """
    :param lane: where long lists become JSON.
    :param me: our own device.
    """

    def __init__(
        self,
        *,
        folders: FoldersView,
        holder: ConfigHolder,
        cluster: ClusterView,
        lane: Lane,
        me: DeviceID,
    ) -> None:
        self._folders = folders
        self._holder = holder
        self._cluster = cluster
        self._lane = lane
        self._me = me

    def routes(self) -> list[Route]:
        return [
            Route("/rest/db/status", {"GET": self.status}),
            Route("/rest/db/completion", {"GET": self.completion}),
            Route("/rest/db/scan", {"POST": self.scan}),
            Route("/rest/db/need", {"GET": self.need}),
            Route("/rest/db/prio", {"POST": self.prio}),
            Route("/rest/db/file", {"GET": self.file}),
            Route("/rest/db/ignores", {"GET": self.ignores, "POST": self.set_ignores}),
            Route("/rest/folder/errors", {"GET": self.errors}),
            Route("/rest/folder/pullerrors", {"GET": self.errors}),
            Route("/rest/system/reset", {"POST": self.reset}),
        ]

    def _known(self, question: Question, status: int = 404) -> FolderID:
        """The configured folder that a question names."""
        id = FolderID(question.get("folder"))
        if self._holder.current.folder(id) is None:
            raise Refused(status, NO_FOLDER)
        return id

    def _running(self, question: Question, status: int = 404, paused: str = PAUSED) -> FolderView:
        """The folder that a question names, which must run."""
        folder = self._folders.get(self._known(question, status))
        if folder is None:
            raise Refused(status, paused)
        return folder

    def status(self, question: Question) -> Answer:
        id = self._known(question)
        folder = self._folders.get(id)
        if folder is None:
            nothing = FolderStatus(id, FolderState.PAUSED, 0)
            return json(shapes.paused_status(nothing))
        return json(shapes.folder_status(folder.status()))

    def completion(self, question: Question) -> Answer:
        name = question.get("device")
        device = device_of(name, 400) if name else self._me
        folder = FolderID(question.get("folder")) or None
        if folder is not None:
            self._running(question)
        try:
            found = self._cluster.completion(device, folder)
        except KeyError:  # it starts, or is stopped and nothing can be known of it
            found = Completion()
        return json(shapes.completion(found))

    async def reset(self, question: Question) -> Answer:
        """Rebuild the databases of one folder, or of all; the node need not restart for it."""
        name = FolderID(question.get("folder"))
        if name and self._holder.current.folder(name) is None:
            raise Refused(500, "Invalid folder ID")
        ids = [name] if name else [folder.id for folder in self._holder.current.folders]
        try:
            for id in ids:
                await shielded(self._folders.reset(id))
        except OSError as failed:
            raise Refused(500, f"{failed.filename}: {failed.strerror}") from None
        return json({"ok": f"resetting folder {name}" if name else "resetting database"})

    async def scan(self, question: Question) -> Answer:
        if not question.get("folder"):
            return await self._scan_all()
        folder = self._running(question, 500)
        if (delay := question.number("next")) is not None and delay > 0:
            folder.delay_scan(delay)
        subs = scan_names(question.all("sub"))
        if subs is None:
            return DONE
        try:
            await shielded(folder.scan(subs))
        except FolderFailed as failed:
            raise Refused(500, str(failed)) from None
        return DONE

    async def _scan_all(self) -> Answer:
        folders = {one.id: self._folders.get(one.id) for one in self._holder.current.folders}
        scans = {id: shielded(one.scan()) for id, one in folders.items() if one is not None}
        failed: dict[str, str] = {}
        for id, scan in scans.items():
            try:
                await scan
            except FolderFailed as error:
                failed[id] = str(error)
        if not failed:
            return DONE
        text = b"Error scanning folders\n" + body(dict(sorted(failed.items())))
        return Answer(500, text, TEXT)

    async def need(self, question: Question) -> Answer:
        folder = self._running(question, 404, NO_FOLDER)
        return encoded(await self._need(question, folder))

    async def prio(self, question: Question) -> Answer:
        folder = self._running(question, 404, NO_FOLDER)
        folder.bring_to_front(WireName(question.get("file")))
        return encoded(await self._need(question, folder))

    async def _need(self, question: Question, folder: FolderView) -> list[bytes]:
        config = self._holder.current.folder(self._known(question))
        deletions = config is None or not config.ignore_delete
        content = await need_page(folder, *page_of(question), deletions)
        return await self._lane.run(need_body, content)

    async def file(self, question: Question) -> Answer:
        folder = self._running(question, 404, NO_FOLDER)
        name = WireName(question.get("file"))
        local = (await folder.index.local([name])).get(name)
        world = (await folder.index.global_([name])).get(name)
        if local is None and world is None:
            raise Refused(404, "No such object in the index")
        availability = await self._cluster.availability(FolderID(question.get("folder")), name)
        return json(file_details(local, world, availability))

    async def ignores(self, question: Question) -> Answer:
        id = FolderID(question.get("folder"))
        if self._holder.current.folder(id) is None:
            return _ignores(Ignores((), (), f"folder {id} does not exist"))
        return _ignores(await self._folders.ignores(id))

    async def set_ignores(self, question: Question) -> Answer:
        lines = ignore_lines(question.body)
        id = FolderID(question.get("folder"))
        if self._holder.current.folder(id) is None:
            raise Refused(500, f"folder {id} does not exist")
        try:
            return _ignores(await shielded(self._folders.set_ignores(id, lines)))
        except (FolderFailed, OSError) as failed:
            raise Refused(500, str(failed)) from None

    async def errors(self, question: Question) -> Answer:
        status = self._running(question).status()
        page, perpage = page_of(question)
        return encoded([await self._lane.run(shapes.errors_body, status, page, perpage)])


def _ignores(value: Ignores) -> Answer:
    # A file that cannot be parsed has no patterns, which Go shows as an empty list.
    expanded = list(value.expanded) or ([] if value.error and value.lines else None)
    return json(
        {
            "error": value.error or None,
            "expanded": expanded,
            "ignore": list(value.lines) or None,
        }
    )


def ignore_lines(text: bytes) -> list[str]:
    """
    The lines in the body of ``POST /rest/db/ignores``.

    :raises Refused: it is not ``{"ignore": [text, ...]}``.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as bad:
        raise Refused(500, f"the body is no JSON: {bad}") from None
    lines: Any = document.get("ignore") if isinstance(document, dict) else text
    lines = [] if lines is None else lines
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Refused(500, 'the body must be {"ignore": ["pattern", ...]}')
    if any("\n" in line or "\0" in line for line in lines):
        raise Refused(500, "a pattern must be one line, without NUL")
    return lines


def scan_names(subs: Sequence[str]) -> list[str] | None:
    """
    What to scan of a folder: no names mean all of it, None means nothing.

    Names that cannot be in a folder are left out, as the official daemon does.
    """
    names = [sub.strip("/") for sub in subs]
    if not names or any(name in ("", ".") for name in names):
        return []
    good: list[str] = []
    for name in names:
        try:
            good.append(check_name(name))
        except BadName:
            continue
    return good or None


def page_of(question: Question) -> tuple[int, int]:
    """Page (from 1) and items per page; nonsense becomes the default."""
    page, perpage = question.number("page"), question.number("perpage")
    return max(page or 1, 1), perpage if perpage is not None and perpage > 0 else PER_PAGE


async def need_page(
    folder: FolderView, page: int, perpage: int, deletions: bool = True
) -> NeedPage:
    """
    One page over the three lists: being pulled, queued, and the rest in order of the names.

    :param deletions: whether these are listed; not where the folder does not make them.
    """
    progress = folder.progress()
    first, moving = sorted(progress.in_progress), progress.in_progress
    second = [name for name in progress.queued if name not in moving]
    skip, room = (page - 1) * perpage, min(perpage, PER_PAGE)
    lists: list[list[FileInfo]] = []
    for names in (first, second):
        some = names[skip : skip + room]
        skip, room = max(skip - len(names), 0), room - len(some)
        known = await folder.index.global_(some) if some else {}
        lists.append([known[name]._replace(hashes=b"") for name in some if name in known])
    rest = await _rest(folder, frozenset([*first, *second]), skip, room, deletions)
    return NeedPage(page, perpage, lists[0], lists[1], rest)


async def _rest(
    folder: FolderView, listed: frozenset[WireName], skip: int, room: int, deletions: bool
) -> list[FileInfo]:
    """Needed items that are not listed yet: ``room`` of them after the first ``skip``."""
    found: list[FileInfo] = []
    offset = 0
    if not listed and deletions:
        offset, skip = skip, 0
    while room > len(found):
        limit = min(room - len(found) + skip + len(listed), CHUNK)
        some = await folder.index.need_queue(PullOrder.ALPHABETIC, offset, limit)
        offset += len(some)
        fresh = [one for one in some if one.name not in listed and (deletions or not one.deleted)]
        found += fresh[skip:]
        skip = max(skip - len(fresh), 0)
        if len(some) < limit:
            break
    return found[:room]  # they came without hashes


def shielded(work: Awaitable[T]) -> Deferred[T]:
    """Wait for work that goes on when its asker is gone."""
    gone: list[bool] = []
    waiting: Deferred[T] = Deferred(lambda _: gone.append(True))

    async def run() -> None:
        try:
            result = await work
        except CancelledError:
            if not gone:
                waiting.cancel()
        except Exception:
            if not gone:
                waiting.errback()
        else:
            if not gone:
                waiting.callback(result)

    Deferred.fromCoroutine(run())
    return waiting

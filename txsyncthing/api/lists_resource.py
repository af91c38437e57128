"""
``/rest/db`` where it lists what the index knows, and what users ask of send-only and receive-only folders.

Source: reference 5.9, 7.4; the official daemon 1.29.5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from txsyncthing.api.browse import browse_body, depth_of
from txsyncthing.api.db_resource import NO_FOLDER, PER_PAGE, page_of
from txsyncthing.api.exchange import DONE, Answer, Question, Refused, Route, encoded
from txsyncthing.api.file_shapes import list_part
from txsyncthing.api.seams import FoldersView, FolderView, IndexView
from txsyncthing.api.system_resource import device_of
from txsyncthing.folder.requests import Chore
from txsyncthing.index.lists import (
    Entry,
    browse,
    changed_page,
    global_without_hashes,
    lacking,
)
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.vocabulary.device import EMPTY_DEVICE, DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID

SLICE = 5000  # items that one question to the index looks at, a few milliseconds
READ = 250  # records in one answer of the index: two milliseconds of work to become JSON


class ListsResource:
    """
    :param lane: where long lists become JSON.
    """

    def __init__(self, *, folders: FoldersView, lane: Lane) -> None:
        self._folders = folders
        self._lane = lane

    def routes(self) -> list[Route]:
        return [
            Route("/rest/db/browse", {"GET": self.browse}),
            Route("/rest/db/remoteneed", {"GET": self.remote_need}),
            Route("/rest/db/localchanged", {"GET": self.local_changed}),
            Route("/rest/db/override", {"POST": self.override}),
            Route("/rest/db/revert", {"POST": self.revert}),
        ]

    def _running(self, question: Question, status: int = 404) -> FolderView:
        folder = self._folders.get(FolderID(question.get("folder")))
        if folder is None:
            raise Refused(status, NO_FOLDER)
        return folder

    async def browse(self, question: Question) -> Answer:
        index = self._running(question, 500).index
        prefix = question.get("prefix")
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        levels = question.number("levels")
        depth = depth_of(prefix, -1 if levels is None else levels)
        directories = bool(question.get("dirsonly"))
        pages: list[list[Entry]] = []
        after = ""
        while True:
            page = await index.ask(browse, prefix, after, depth, directories, SLICE)
            pages.append(page)
            if len(page) < SLICE:
                break
            after = page[-1][0]
        return encoded(await self._lane.run(browse_body, prefix, pages))

    async def remote_need(self, question: Question) -> Answer:
        name = question.get("device")
        device = device_of(name, 500) if name else EMPTY_DEVICE
        folder = self._running(question)
        return await self._listed(question, partial(remote_need, folder.index, device))

    async def local_changed(self, question: Question) -> Answer:
        folder = self._running(question)
        return await self._listed(question, partial(local_changed, folder.index))

    async def _listed(
        self, question: Question, files: Callable[[int, int], AsyncIterator[list[FileInfo]]]
    ) -> Answer:
        """
        One page of a list. Each part becomes JSON as it comes, so that records are never many at once.

        :param files: gives so many behind the first so many.
        """
        page, perpage = page_of(question)
        parts: list[bytes] = [b'{\n  "files": [']
        async for some in files((page - 1) * perpage, min(perpage, PER_PAGE)):
            parts.append(b",\n" if len(parts) > 1 else b"\n")
            parts.append(await self._lane.run(list_part, some))
        end = "\n  ]" if len(parts) > 1 else "]"
        parts.append(f'{end},\n  "page": {page},\n  "perpage": {perpage}\n}}\n'.encode())
        return encoded(parts)

    def override(self, question: Question) -> Answer:
        return self._do(question, Chore.OVERRIDE)

    def revert(self, question: Question) -> Answer:
        return self._do(question, Chore.REVERT)

    def _do(self, question: Question, chore: Chore) -> Answer:
        """Asked of a folder that does not run, the official daemon says nothing of it either."""
        folder = self._folders.get(FolderID(question.get("folder")))
        if folder is not None:
            folder.do(chore)
        return DONE


async def remote_need(
    index: IndexView, device: DeviceID, skip: int, room: int
) -> AsyncIterator[list[FileInfo]]:
    """What a device lacks, by name, behind the first ``skip``; without hashes."""
    after: str | None = ""
    while after is not None and room:
        names, after = await index.ask(lacking, device, after, SLICE)
        wanted = names[skip : skip + room]
        skip = max(0, skip - len(names))
        room -= len(wanted)
        for start in range(0, len(wanted), READ):
            yield await index.ask(global_without_hashes, wanted[start : start + READ])


async def local_changed(index: IndexView, skip: int, room: int) -> AsyncIterator[list[FileInfo]]:
    """What was changed here in a receive-only folder, by name, behind the first ``skip``."""
    while room:
        limit = min(READ, room)
        some = await index.ask(changed_page, skip, limit)
        if some:
            yield some
        if len(some) < limit:
            return
        skip, room = skip + limit, room - limit

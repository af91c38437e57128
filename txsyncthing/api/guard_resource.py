"""
``/rest/x/guard``: what is held, and what the folder's owner says of it.

None of it is the official daemon's.
"""

from __future__ import annotations

from typing import Any

import orjson

from txsyncthing.api import explain_shapes as shapes
from txsyncthing.api.db_resource import NO_FOLDER, PAUSED, shielded
from txsyncthing.api.exchange import Answer, Question, Refused, Route, json
from txsyncthing.api.seams import CareView, FoldersView, FolderView, OwnerView
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.own_service import OwnUnsaved
from txsyncthing.folder.care import BadCare
from txsyncthing.folder.owner_service import CannotRefuse, NothingHeld
from txsyncthing.folder.reasons import error_code
from txsyncthing.index.values import IndexFailed
from txsyncthing.vocabulary.folder import FolderID


class GuardResource:
    """Answers for all folders."""

    def __init__(self, *, folders: FoldersView, holder: ConfigHolder, care: CareView) -> None:
        self._folders = folders
        self._holder = holder
        self._care = care

    def routes(self) -> list[Route]:
        return [
            Route("/rest/x/guard", {"GET": self.show, "PUT": self.change}),
            Route("/rest/x/guard/release", {"POST": self.release}),
            Route("/rest/x/guard/refuse", {"POST": self.refuse}),
        ]

    def _known(self, question: Question) -> FolderID:
        id = FolderID(question.get("folder"))
        if self._holder.current.folder(id) is None:
            raise Refused(404, NO_FOLDER)
        return id

    async def show(self, question: Question) -> Answer:
        return await self._shown(self._known(question))

    async def _shown(self, id: FolderID) -> Answer:
        folder = self._folders.get(id)
        held, refusing, root = None, False, None
        if folder is not None:
            try:
                held, refusing = await folder.guard.look(), folder.guard.refusing
            except IndexFailed as failed:
                raise Refused(500, str(failed)) from None
            root = _root(folder)
        care, trouble = self._care.care(id), self._care.trouble(id)
        return json(shapes.guard(id, care, trouble, held, refusing, root, self._holder.current))

    async def change(self, question: Question) -> Answer:
        """Set what the body names; what it does not name stays."""
        id = self._known(question)
        try:
            values: Any = orjson.loads(question.body)
        except orjson.JSONDecodeError as bad:
            raise Refused(400, f"the body is no JSON: {bad}") from None
        if not isinstance(values, dict):
            raise Refused(400, 'the body must be an object, like {"maxItems": 1000}')
        try:
            await shielded(self._care.change(id, values))
        except BadCare as bad:
            raise Refused(400, str(bad)) from None
        except OwnUnsaved as unsaved:
            raise Refused(409, str(unsaved)) from None
        if (folder := self._folders.get(id)) is not None:
            folder.owner.reconsider()
        return await self._shown(id)

    async def release(self, question: Question) -> Answer:
        id, owner = self._owner(question)
        try:
            await shielded(owner.release(question.get("id")))
        except NothingHeld as nothing:
            raise Refused(409, str(nothing)) from None
        except IndexFailed as failed:
            raise Refused(500, str(failed)) from None
        return await self._shown(id)

    async def refuse(self, question: Question) -> Answer:
        id, owner = self._owner(question)
        try:
            await shielded(owner.refuse(question.get("id")))
        except (NothingHeld, CannotRefuse) as no:
            raise Refused(409, str(no)) from None
        except IndexFailed as failed:
            raise Refused(500, str(failed)) from None
        return await self._shown(id)

    def _owner(self, question: Question) -> tuple[FolderID, OwnerView]:
        id = self._known(question)
        folder = self._folders.get(id)
        if folder is None:
            raise Refused(404, PAUSED)
        return id, folder.owner


def _root(folder: FolderView) -> tuple[str, str] | None:
    """What is wrong with a folder's root that its owner may accept."""
    trouble = folder.owner.trouble
    return (error_code(trouble)[0], trouble) if trouble else None

"""
``/rest/folder/versions`` and ``/rest/x/restore``: old versions, listed and brought back.

Source: reference 5.7, 7.4. What begins with ``/rest/x`` is ours alone; see docs/versions.md.
"""

from __future__ import annotations

from txsyncthing.api.db_resource import NO_FOLDER, PAUSED, shielded
from txsyncthing.api.encoding import parse_time
from txsyncthing.api.exchange import Answer, Question, Refused, Route, encoded, json
from txsyncthing.api.seams import FoldersView, VersionsView
from txsyncthing.api.version_shapes import rewind_body, versions_body, wanted_versions
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.filesystem.metadata import FolderUnhealthy
from txsyncthing.folder.versions_service import NoVersions, RestoreRuns
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.versions.restoring import CannotRestore, check_path
from txsyncthing.vocabulary.folder import FolderID


class VersionsResource:
    """
    :param lane: where long lists become JSON.
    """

    def __init__(self, *, folders: FoldersView, holder: ConfigHolder, lane: Lane) -> None:
        self._folders = folders
        self._holder = holder
        self._lane = lane

    def routes(self) -> list[Route]:
        return [
            Route("/rest/folder/versions", {"GET": self.versions, "POST": self.restore}),
            Route("/rest/x/restore", {"POST": self.rewind}),
        ]

    def _of(self, question: Question, status: int) -> VersionsView:
        id = FolderID(question.get("folder"))
        if self._holder.current.folder(id) is None:
            raise Refused(status, NO_FOLDER)
        folder = self._folders.get(id)
        if folder is None:
            raise Refused(status, PAUSED)
        return folder.versions

    async def versions(self, question: Question) -> Answer:
        try:
            return encoded([await self._of(question, 500).read(versions_body)])
        except (NoVersions, OSError) as failed:
            raise Refused(500, str(failed)) from None

    async def restore(self, question: Question) -> Answer:
        versions = self._of(question, 500)
        wanted = wanted_versions(question.body)
        try:
            return json(await shielded(versions.restore(wanted)))
        except (NoVersions, FolderUnhealthy, OSError) as failed:
            raise Refused(500, str(failed)) from None

    async def rewind(self, question: Question) -> Answer:
        """Restore a directory as it was at a time, or only tell what that would do."""
        versions = self._of(question, 404)
        path = question.get("path").strip("/")
        try:
            if path:
                check_path(path)
        except CannotRestore as error:
            raise Refused(400, f"path: {error}") from None
        at = parse_time(question.get("at"))
        if at is None:
            text = "at: a time as in RFC 3339 is needed, such as 2026-01-31T12:00:00Z"
            raise Refused(400, text)
        dry = question.get("dry") not in ("", "0", "false")
        try:
            report = await shielded(versions.rewind(path, at, dry=dry))
        except RestoreRuns as busy:
            raise Refused(409, str(busy)) from None
        except (NoVersions, FolderUnhealthy, OSError) as failed:
            raise Refused(500, str(failed)) from None
        folder = question.get("folder")
        return encoded([await self._lane.run(rewind_body, folder, path, at, dry, report)])

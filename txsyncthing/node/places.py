"""
Directories for folders that come without a path: made below the default folder's path, never taken over.

Source: reference 3.5 ("Auto-accept").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from txsyncthing.cluster.auto_accept import Candidate
from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.ignores import store_ignores
from txsyncthing.ignore.lines import IGNORE_FILE
from txsyncthing.node.world import World
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.folder import FolderID

Storage = Callable[[FolderConfig], Filesystem]
OWN = (
    0o700  # mode of what is made: nobody here asked for the folder, so nobody else may look into it
)


class FolderPlaces:
    """Satisfies ``cluster.sharing_service.Places``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._log: Log = world.logs.area("folders")

    async def claim(
        self, configuration: Configuration, wanted: Sequence[Candidate]
    ) -> Mapping[FolderID, str]:
        world = self._world
        run = world.workers.disk.run
        claimed, troubles = await run(
            claim, world.filesystem, world.whereabouts, configuration, tuple(wanted)
        )
        for trouble in troubles:
            self._log.warn("{trouble}", trouble=trouble)
        return claimed

    def release(self, paths: Sequence[str]) -> Awaitable[None]:
        return self._world.workers.disk.run(release, self._world.filesystem, tuple(paths))


def claim(
    storage: Storage,
    whereabouts: Callable[[str], str],
    configuration: Configuration,
    wanted: Sequence[Candidate],
) -> tuple[dict[FolderID, str], list[str]]:
    """
    A worker's job.

    :returns: the path of each folder that got a directory, and what went wrong.
    """
    template, lines = configuration.defaults.folder, configuration.defaults.ignores.lines
    claimed: dict[FolderID, str] = {}
    troubles: list[str] = []
    if not template.path:
        return claimed, ["the default folder has no path: folders cannot be accepted by themselves"]
    # A folder whose disk is not there now must not get another one's directory in its place.
    busy = {whereabouts(folder.path) for folder in configuration.folders}
    above = template.path.rstrip("/")
    root = storage(template)
    try:
        root.make_directory("", OWN)
    except OSError as error:
        return claimed, [f"{template.path}: {error.strerror or error}"]
    for one in wanted:
        for name in one.names:
            path = f"{above}/{name}"
            if whereabouts(path) in busy:
                continue
            try:
                root.make_directory(name, OWN)
            except FileExistsError:
                continue
            except OSError as error:
                troubles.append(f"{path}: {error.strerror or error}")
                continue
            folder = storage(replace(template, path=path))
            try:
                if lines and not one.encrypted:
                    folder.make_directory("", OWN)  # there already, but for storages of their own
                    store_ignores(folder, lines)
            except OSError as error:
                troubles.append(f"{path}: {error.strerror or error}")
                release(storage, [path])
                break
            claimed[one.folder] = path
            break
    with suppress(OSError):
        root.sync_directory("")
    return claimed, troubles


def release(storage: Storage, paths: Sequence[str]) -> None:
    """A worker's job: remove directories that hold nothing but their ignores."""
    for path in paths:
        above, _, name = path.rpartition("/")
        with suppress(OSError):
            folder = storage(FolderConfig(path=path))
            if set(folder.names("")) <= {IGNORE_FILE}:
                with suppress(FileNotFoundError):
                    folder.remove(IGNORE_FILE)
                storage(FolderConfig(path=above or "/")).remove_directory(name)

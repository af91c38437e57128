"""
What the options say to each folder, as they are at the moment of asking.

Source: reference 5.1 ("Home disk"), 6.4 (``keepTemporariesH``, ``minHomeDiskFree``).
"""

from __future__ import annotations

import os

from txsyncthing.config.holder import ConfigHolder
from txsyncthing.folder.surroundings import Surroundings
from txsyncthing.node.world import NODE_DATABASE, World

HOUR = 3600.0  # seconds


class FolderOptions:
    """The ``Surroundings`` of all folders."""

    def __init__(self, world: World, holder: ConfigHolder) -> None:
        self._world = world
        self._holder = holder

    def surroundings(self) -> Surroundings:
        return Surroundings(self.keep_temporaries, self.trouble)

    def keep_temporaries(self) -> float:
        """Seconds."""
        return self._holder.current.options.keep_temporaries_h * HOUR

    async def trouble(self) -> str:
        """Whether the disk of the databases is too full for any folder to go on; empty if not."""
        floor = self._holder.current.options.min_home_disk_free
        if floor.value <= 0:
            return ""
        try:
            space = await self._world.workers.disk.run(self._world.home_space)
        except OSError:
            return ""  # what cannot be asked is no reason to stop; SQLite tells if the disk is full
        if space is None or not (lack := floor.lack(space.free, space.total)):
            return ""
        where = os.path.dirname(self._world.databases.path(NODE_DATABASE))
        return f"insufficient space on disk for database ({where}): {lack}"

"""
How a folder's index is opened over the place where the folder is.

Source: reference 5.1 ("Marker creation").
"""

from __future__ import annotations

from dataclasses import replace

from txsyncthing.config.folder import FolderConfig
from txsyncthing.folder.ground import Ground, disk_text
from txsyncthing.folder.root import make_folder
from txsyncthing.folder.rules import unsupported
from txsyncthing.index.values import IndexFailed
from txsyncthing.scan.values import ScanOptions
from txsyncthing.vocabulary.device import ShortID

_PATH = "path"  # fact of the index: where the folder was
_SURVEYED = "surveyed"  # fact of the index: all that was there when it was new is in it


class Opening:
    """
    One folder's.

    :param trouble: a setting that stops the folder; empty if there is none. Its index is opened all the
        same: what the devices have can be asked for, as of each folder that is stopped by an error.
    :ivar opened: whether the index is open.
    :ivar damage: what is wrong with it for good.
    """

    def __init__(self, config: FolderConfig, ground: Ground, trouble: str = "") -> None:
        self._config = config
        self._ground = ground
        self._made = False  # the folder; only once, a marker that goes missing later is an error
        self._unsupported = unsupported(config)
        self._trouble = trouble
        self.opened = False
        self.damage = ""

    async def open(self) -> str:
        """
        Open the index; make root and marker of a folder that is new.

        :returns: why that cannot be; empty if it is done.
        """
        ground = self._ground
        if trouble := self.damage or self._unsupported:
            return trouble
        try:
            if not self.opened:
                await ground.index.open()
                await self._settle_path()
                self.opened = True
            if self._trouble:
                return self._trouble
            if not self._made and not ground.index.sequence:
                await ground.workers.disk.run(make_folder, ground.filesystem, self._config)
            self._made = True
        except IndexFailed as error:
            return str(error)
        except OSError as error:
            return disk_text(error)
        return ""

    async def _settle_path(self) -> None:
        """
        See that the index is one of this very place.

        One of another place would take all files that are not here for deleted, and tell that to the
        peers. Without an index what is here is merged with what they have.
        """
        index, here = self._ground.index, self._config.path.rstrip("/").encode()
        there = await index.fact(_PATH)
        if there is not None and there != here:
            await index.rebuild(keep=False)
        if there != here:
            await index.set_fact(_PATH, here)

    async def author(self, options: ScanOptions) -> ScanOptions:
        """
        The options with who is to be named as the author of what the scan finds.

        Into a new database all comes as another author's: peers may know versions of ours from one that is
        gone, and nobody can say whether what is here now comes before or after those.
        """
        index = self._ground.index
        keep = self._ground.surroundings.keep_temporaries()
        options = replace(options, keep_temporaries=keep)
        if await index.fact(_SURVEYED) is not None:
            return options
        return replace(options, author=ShortID(index.index_id))

    async def surveyed(self) -> None:
        """All that was there when the database was new is in it."""
        await self._ground.index.set_fact(_SURVEYED, b"1")

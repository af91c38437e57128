"""
``txsyncthing.json`` on disk: read once, changed one value at a time.

A file that is damaged is told of, and left alone until somebody mends it or moves it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed

from txsyncthing.config.file_service import Lane, replace_file
from txsyncthing.config.own import (
    MAX_BYTES,
    Document,
    OwnDamaged,
    changed,
    parse,
    section,
    text_of,
)


class OwnUnsaved(Exception):
    """A setting could not be kept and is not in force; says which file, why, and what to do."""


def read_own(path: str) -> Document:
    """
    Blocks. A file that is not there says nothing.

    :raises OwnDamaged: it cannot be read, or not be understood.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OwnDamaged(error.strerror or str(error)) from None
    return parse(data)


def change_own(path: str, folder: str, name: str, values: Mapping[str, Any]) -> Document:
    """
    Change a section in the file as it is now, which somebody may have edited. Blocks.

    :returns: what it says now.
    :raises OwnDamaged: see ``read_own``.
    :raises OSError: it cannot be written.
    """
    document = changed(read_own(path), folder, name, values)
    replace_file(path, text_of(document))
    return document


class OwnSettings:
    """
    Our own settings of all folders.

    :param path: empty: they are kept in memory only.
    :param lane: where the disk is waited for.
    """

    def __init__(self, path: str = "", lane: Lane | None = None) -> None:
        self.path = path
        self.trouble = ""  # what is wrong with the file; then it says nothing
        self._lane = lane
        self._document: Document = {}
        self._last: Deferred[None] = succeed(None)

    def load(self) -> str:
        """
        Read the file; blocks.

        :returns: what is wrong with it and what to do; empty: nothing.
        """
        try:
            self._document, self.trouble = read_own(self.path), ""
        except OwnDamaged as error:
            self._document, self.trouble = {}, self._told(error)
        return self.trouble

    def section(self, folder: str, name: str) -> Mapping[str, Any]:
        """What the file says of a folder under a name; nothing if it is damaged."""
        return section(self._document, folder, name)

    def change(self, folder: str, name: str, values: Mapping[str, Any]) -> Deferred[None]:
        """
        Set values; they are in force when they are on disk. One change after the other.

        :raises OwnUnsaved: they are not, and all is as it was.
        """
        self._last = done = Deferred.fromCoroutine(self._change(self._last, folder, name, values))
        answer: Deferred[None] = Deferred()
        done.addCallbacks(answer.callback, answer.errback)
        return answer

    async def _change(
        self, before: Deferred[None], folder: str, name: str, values: Mapping[str, Any]
    ) -> None:
        await before
        if self._lane is None:
            self._document = changed(self._document, folder, name, values)
            return
        try:
            self._document = await self._lane.run(change_own, self.path, folder, name, values)
            self.trouble = ""
        except OwnDamaged as error:
            self.trouble = self._told(error)
            raise OwnUnsaved(self.trouble) from None
        except OSError as error:
            raise OwnUnsaved(f"{self.path}: {error.strerror or error}; nothing changed") from None

    def _told(self, error: OwnDamaged) -> str:
        return (
            f"{self.path}: {error}; until it is mended or moved away, the defaults are in force for all"
            " folders, and no setting in it can be changed"
        )

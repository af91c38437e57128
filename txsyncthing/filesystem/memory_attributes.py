"""Owners and extended attributes of a folder in memory; see memory.py."""

from __future__ import annotations

from collections.abc import Sequence

from txsyncthing.filesystem.memory_file import Node, change_owner, put_xattr, take_xattr, xattr


class MemoryAccounts:
    """
    Satisfies ``Accounts``.

    :ivar users: numbers and names; may be changed.
    """

    def __init__(self) -> None:
        self.users = {0: "root"}
        self.groups = {0: "root"}

    def user(self, uid: int) -> str:
        return self.users.get(uid, "")

    def group(self, gid: int) -> str:
        return self.groups.get(gid, "")

    def uid(self, user: str) -> int | None:
        return next((uid for uid, name in self.users.items() if name == user), None)

    def gid(self, group: str) -> int | None:
        return next((gid for gid, name in self.groups.items() if name == group), None)


class MemoryAttributes:
    """Those of a folder's items; whoever asks may do anything."""

    people: MemoryAccounts

    def _find(self, operation: str, name: str) -> Node:
        raise NotImplementedError

    def tick(self) -> int:
        raise NotImplementedError

    def accounts(self) -> MemoryAccounts:
        return self.people

    def chown(self, name: str, uid: int, gid: int) -> None:
        change_owner(self._find("chown", name), uid, gid, self.tick())

    def list_xattrs(self, name: str) -> Sequence[str]:
        return list(self._find("list_xattrs", name).xattrs)

    def get_xattr(self, name: str, attribute: str) -> bytes:
        return xattr(self._find("get_xattr", name), attribute, name)

    def set_xattr(self, name: str, attribute: str, value: bytes) -> None:
        put_xattr(self._find("set_xattr", name), attribute, value, name, self.tick())

    def remove_xattr(self, name: str, attribute: str) -> None:
        take_xattr(self._find("remove_xattr", name), attribute, name, self.tick())

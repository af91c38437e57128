"""
The users and groups of this machine. They may live in a directory service far away: for workers only.
"""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class MachineAccounts:
    """Satisfies ``Accounts``; each name and number is looked up once, so it is for one job."""

    def __init__(self) -> None:
        self._users: dict[int, str | None] = {}
        self._groups: dict[int, str | None] = {}
        self._uids: dict[str, int | None] = {}
        self._gids: dict[str, int | None] = {}

    def user(self, uid: int) -> str:
        return _once(self._users, uid, lambda: _text(pwd.getpwuid(uid).pw_name)) or ""

    def group(self, gid: int) -> str:
        return _once(self._groups, gid, lambda: _text(grp.getgrgid(gid).gr_name)) or ""

    def uid(self, user: str) -> int | None:
        return _once(self._uids, user, lambda: pwd.getpwnam(user).pw_uid)

    def gid(self, group: str) -> int | None:
        return _once(self._gids, group, lambda: grp.getgrnam(group).gr_gid)


def _text(name: str) -> str:
    """:raises ValueError: no peer could read it."""
    name.encode()
    return name


def _once(known: dict[K, V | None], key: K, look_up: Callable[[], V]) -> V | None:
    """What there is under a key; None if there is nothing, or nothing that could be looked for."""
    if key not in known:
        try:
            known[key] = look_up()
        except (KeyError, ValueError, OSError):
            known[key] = None
    return known[key]

"""
Passwords of the GUI's user: checked and hashed in a worker, since that takes a tenth of a second.

Source: reference 7.1 "Static auth", "LoginAttempt event" (lib/api/api_auth.go).
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest

import bcrypt
from twisted.internet.defer import Deferred

from txsyncthing.api.session import Password
from txsyncthing.config.gui import AuthMode, GuiConfig
from txsyncthing.events.types import Emit, EventType
from txsyncthing.runtime.log_service import Log
from txsyncthing.runtime.worker_service import Lane

COST = 10  # of new hashes, as Go's default
MOST = 72  # bytes that bcrypt looks at
NOBODY = b"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
"""Compared where there is no such user, so that the time tells nothing."""


def hash_password(password: str) -> str:
    """The stored form of a password; a job for a worker."""
    return bcrypt.hashpw(password.encode()[:MOST], bcrypt.gensalt(COST, prefix=b"2a")).decode()


def fits(gui: GuiConfig, user: str, password: str) -> bool:
    """Whether these are the configured user and password; a job for a worker."""
    stored = gui.password.encode() or NOBODY
    try:
        right = bcrypt.checkpw(password.encode()[:MOST], stored)
    except ValueError:  # not a bcrypt hash
        return False
    return compare_digest(user.encode(), gui.user.encode()) and right and bool(gui.user)


class Passwords:
    """
    :param gui: the configuration of now.
    :param lane: where hashes are computed.
    """

    def __init__(self, gui: Callable[[], GuiConfig], lane: Lane, emit: Emit, log: Log) -> None:
        self._gui = gui
        self._lane = lane
        self._emit = emit
        self._log = log

    def check(self, password: Password, remote: str) -> Deferred[bool]:
        """Whether a login is right; it is told as an event either way."""
        return Deferred.fromCoroutine(self._check(password, remote))

    async def _check(self, password: Password, remote: str) -> bool:
        gui = self._gui()
        right, user = False, password.user
        if gui.auth_mode is AuthMode.STATIC:
            right = await self._lane.run(fits, gui, password.user, password.password)
            if not right and password.second is not None:
                right = await self._lane.run(fits, gui, *password.second)
        if not right:
            self._log.warn("wrong user or password from {remote}", remote=remote)
        self._emit(
            EventType.LOGIN_ATTEMPT, {"remoteAddress": remote, "success": right, "username": user}
        )
        return right

    def hash(self, password: str) -> Deferred[str]:
        """The stored form of a new password."""
        return self._lane.run(hash_password, password)

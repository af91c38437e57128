"""What the owner of a folder says to its guard: go on, or keep what we have."""

from __future__ import annotations

from txsyncthing.folder.guard_service import FolderGuard, NothingHeld
from txsyncthing.folder.jobs_service import Jobs
from txsyncthing.folder.rules import rules
from txsyncthing.folder.runner import Runner
from txsyncthing.vocabulary.file import LocalFlag
from txsyncthing.vocabulary.folder import FolderType


class CannotRefuse(Exception):
    """A folder whose changes are not sent cannot put its versions on top; the text says what to do."""


class FolderOwner:
    """Of one folder that runs."""

    def __init__(self, type: FolderType, jobs: Jobs, runner: Runner, guard: FolderGuard) -> None:
        self._type = type
        self._jobs = jobs
        self._runner = runner
        self._guard = guard

    @property
    def trouble(self) -> str:
        """What is wrong with the root that ``release`` could accept; empty: nothing."""
        trouble = self._jobs.root.trouble
        return "" if trouble is None else str(trouble)

    async def release(self, id: str = "") -> None:
        """
        Accept a root that is another one or empty, and let a batch that is held be done.

        :param id: of the batch that is meant; empty for whatever is held.
        :raises NothingHeld: there is neither, or the batch is another one.
        :raises IndexFailed: that could not be noted; nothing changes.
        """
        accepted = self._jobs.root.accept()
        if accepted:
            self._jobs.check(self._runner)
        if id or not accepted or self._guard.held is not None:
            await self._guard.release(id)
            self._jobs.soon(self._runner)

    async def refuse(self, id: str = "") -> None:
        """
        Keep our versions of what is held and put them on top, so that all devices take them back.

        See ``release``.

        :raises CannotRefuse: the folder's changes are not sent.
        """
        if rules(self._type).local_flags & LocalFlag.RECEIVE_ONLY:
            raise CannotRefuse(
                "a receive-only folder cannot put its versions on top of the others'; nothing is taken while"
                " the batch is held, so leave it, release it, or make the folder send and receive first"
            )
        await self._guard.refuse(id)
        self._jobs.soon(self._runner)

    def reconsider(self) -> None:
        """The settings of the guard are others now."""
        self._guard.reconsider()
        if self._guard.held is not None:
            self._jobs.soon(self._runner)


__all__ = ["CannotRefuse", "FolderOwner", "NothingHeld"]

"""
Permits for bytes or slots, first come first served.

A request that is too large for the room that is left makes all behind it wait: nobody is passed
by, so nobody starves. Source: reference 2.7; lib/semaphore.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol


class Permit(Protocol):
    """What somebody asked for: waiting, held or given back."""

    @property
    def held(self) -> bool:
        """Granted and not given back yet."""

    def release(self) -> None:
        """Give it back, or stop waiting for it; a second time changes nothing."""


Granted = Callable[[Permit], object]


class Permits(Protocol):
    """Where permits come from."""

    def acquire(self, size: int, granted: Granted) -> Permit:
        """
        Ask for room; ``granted(permit)`` is called once there is, perhaps before this returns.

        Whoever asked must call ``permit.release()`` in the end, granted or not.

        :param size: how much, not negative. More than all there is counts as all there is.
        """


class _Permit:
    """One permit of one limiter."""

    def __init__(self, limiter: Limiter, size: int, granted: Granted) -> None:
        self._limiter = limiter
        self._granted: Granted | None = granted  # None: no longer waiting
        self.wanted = size
        self.taken: int | None = None  # what must go back

    @property
    def held(self) -> bool:
        return self.taken is not None

    @property
    def waiting(self) -> bool:
        return self._granted is not None

    def grant(self, size: int) -> None:
        """The limiter's door."""
        granted, self._granted, self.taken = self._granted, None, size
        assert granted is not None
        granted(self)

    def release(self) -> None:
        if self.waiting:
            self._granted = None
            self._limiter.forget(self)
        elif self.taken is not None:
            size, self.taken = self.taken, None
            self._limiter.give_back(size)


class Limiter:
    """
    So much room and no more.

    :param capacity: bytes or slots; 0 means no limit.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = max(capacity, 0)
        self._used = 0
        self._queue: deque[_Permit] = deque()  # permits that were released stay till their turn
        self._waiting = 0
        self._granting = False

    @property
    def capacity(self) -> int:
        return self._capacity

    @property
    def used(self) -> int:
        """What is granted now."""
        return self._used

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return self._waiting

    def acquire(self, size: int, granted: Granted) -> Permit:
        if size < 0:
            raise ValueError(f"a permit of {size}")
        permit = _Permit(self, size, granted)
        self._queue.append(permit)
        self._waiting += 1
        self._grant()
        return permit

    def resize(self, capacity: int) -> None:
        """Change the room; what is granted stays granted."""
        self._capacity = max(capacity, 0)
        self._grant()

    def forget(self, permit: _Permit) -> None:
        """A waiting permit was released: those behind it may go."""
        self._waiting -= 1
        self._grant()

    def give_back(self, size: int) -> None:
        """A held permit was released."""
        self._used -= size
        self._grant()

    def _grant(self) -> None:
        # What a granted one does may come back here; the loop that runs already sees the change.
        if self._granting:
            return
        self._granting = True
        try:
            while self._queue:
                first = self._queue[0]
                if first.waiting:
                    size = min(first.wanted, self._capacity) if self._capacity else first.wanted
                    if self._capacity and self._used + size > self._capacity:
                        return
                    self._queue.popleft()
                    self._waiting -= 1
                    self._used += size
                    first.grant(size)
                else:
                    self._queue.popleft()
        finally:
            self._granting = False


class _ChainPermit:
    """A permit of the first limiter, then of the second."""

    def __init__(self, second: Permits, size: int, granted: Granted) -> None:
        self._second = second
        self._size = size
        self._granted = granted
        self._parts: list[Permit] = []
        self._over = False
        self._held = False

    @property
    def held(self) -> bool:
        return self._held

    def begin(self, first: Permits) -> None:
        self._add(first.acquire(self._size, self._halfway))

    def _halfway(self, permit: Permit) -> None:
        if not self._over:
            self._add(self._second.acquire(self._size, self._whole))

    def _whole(self, permit: Permit) -> None:
        if not self._over:
            self._held = True
            self._granted(self)

    def _add(self, permit: Permit) -> None:
        # The permit may come back from ``acquire`` when all is over already.
        if self._over:
            permit.release()
        else:
            self._parts.append(permit)

    def release(self) -> None:
        self._over, self._held = True, False
        parts, self._parts = self._parts, []
        for part in parts:
            part.release()


class Chain:
    """
    Two limits at once, the narrow one first: a device that waits for its own room takes nothing
    of what all share.
    """

    def __init__(self, first: Permits, second: Permits) -> None:
        self._first = first
        self._second = second

    def acquire(self, size: int, granted: Granted) -> Permit:
        permit = _ChainPermit(self._second, size, granted)
        permit.begin(self._first)
        return permit

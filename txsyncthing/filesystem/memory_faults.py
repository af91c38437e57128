"""What can be made to happen when an operation reaches a folder in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class _Trap:
    """Something that happens when an operation reaches a name."""

    operation: str
    name: str
    action: Callable[[], object]
    times: int  # -1: always


class Faults:
    """
    Traps for operations.

    :ivar observe: called before each operation with its name and the item's; may raise, or not return
        before other things have happened.
    """

    def __init__(self) -> None:
        self._traps: list[_Trap] = []
        self._quiet = False
        self.observe: Callable[[str, str], object] | None = None

    def fail(self, operation: str, name: str, failure: OSError, times: int = 1) -> None:
        """
        Let an operation raise.

        :param operation: the name of a method of Filesystem or WriteFile.
        :param name: the item; ``*`` for any.
        :param times: how often; -1 for always.
        """

        def raise_it() -> None:
            raise failure

        self.intercept(operation, name, raise_it, times)

    def intercept(
        self, operation: str, name: str, action: Callable[[], object], times: int = 1
    ) -> None:
        """Call ``action`` just before an operation, e.g. to change a file while it is being read."""
        self._traps.append(_Trap(operation, name, action, times))

    def heal(self) -> None:
        """Forget all that ``fail`` and ``intercept`` asked for."""
        self._traps.clear()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Operations inside spring no trap, and nobody observes them: a user's own."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def spring(self, operation: str, name: str) -> None:
        """Run what was asked to happen here."""
        if self._quiet:
            return
        if self.observe is not None:
            self.observe(operation, name)
        for trap in list(self._traps):
            if trap.operation == operation and trap.name in (name, "*"):
                if trap.times > 0:
                    trap.times -= 1
                if trap.times == 0:
                    self._traps.remove(trap)
                trap.action()

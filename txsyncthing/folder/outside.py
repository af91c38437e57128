"""What a folder asks of the node beside its disk and its peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from txsyncthing.folder.care import DEFAULT_CARE, Care
from txsyncthing.runtime.log_service import Log, Logs
from txsyncthing.vocabulary.device import ShortID, short_text


def _nowhere() -> Log:
    return Logs(lambda: 0.0).area("folder")


@dataclass(frozen=True, slots=True)
class Outside:
    """
    All of it.

    ``care`` gives our own settings of now, ``who`` a device as people know it. ``log`` is for the folder's
    owner, ``changes`` takes a line for each item that a remote change took away.
    """

    care: Callable[[], Care] = lambda: DEFAULT_CARE
    who: Callable[[ShortID], str] = short_text
    log: Log = field(default_factory=_nowhere)
    changes: Log = field(default_factory=_nowhere)

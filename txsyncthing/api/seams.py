"""
All that REST may ask of a node; node/ satisfies it.

Source: reference 7.2 to 7.4 name what is shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from txsyncthing.cluster.completion import Completion
from txsyncthing.cluster.pending import PendingDevice, PendingFolder
from txsyncthing.cluster.status import Bytes, DeviceStatus
from txsyncthing.connections.service import DialStatus, ListenerStatus
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.care import Care
from txsyncthing.folder.guard import Held
from txsyncthing.folder.ignores import Ignores
from txsyncthing.folder.requests import Chore
from txsyncthing.folder.status import FolderStatus
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.reader import FolderReader
from txsyncthing.index.risk import Marks
from txsyncthing.pull.progress import FileProgress
from txsyncthing.runtime.lines import Level, Line
from txsyncthing.versions.listing import FileVersions
from txsyncthing.versions.rewind import Report
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, PullOrder, RemoteState
from txsyncthing.vocabulary.name import WireName

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version:
    """What ``/rest/system/version`` tells of the program."""

    version: str  # v0.1.0
    long_version: str
    codename: str = ""
    os: str = "linux"
    arch: str = "amd64"  # as Go names it
    date: str = "0001-01-01T00:00:00Z"  # of the build
    stamp: str = "0"  # the same in Unix seconds
    user: str = ""
    tags: tuple[str, ...] = ("noupgrade",)  # as builds that leave upgrades to others are tagged
    container: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What the process takes now."""

    alloc: int = 0  # bytes resident
    sys: int = 0  # bytes of address space that we asked for
    tasks: int = 0  # shown as goroutines


class LogView(Protocol):
    """The node's log (runtime/log_service.py: Logs)."""

    def lines(self, since: float = ...) -> list[Line]: ...

    def errors(self, since: float = ...) -> list[Line]: ...

    def clear_errors(self) -> None: ...

    def report(self, message: str) -> None:
        """A line that a user brings, at level ERROR."""

    def levels(self) -> dict[str, Level]: ...

    def set_level(self, level: Level, area: str | None = None) -> None: ...


class NodeView(Protocol):
    """The node as a whole."""

    @property
    def id(self) -> DeviceID:
        """Our own device."""

    @property
    def version(self) -> Version: ...

    @property
    def started(self) -> float:
        """Unix seconds."""

    @property
    def home(self) -> str:
        """The user's home directory; what ``~`` means in paths."""

    def paths(self) -> Mapping[str, str]:
        """``/rest/system/paths``: the official keys and absolute paths."""

    def usage(self) -> Usage: ...

    def discovery(self) -> Mapping[str, str | None] | None:
        """Why each way to discover devices fails, None where it works; None: discovery is off."""

    def config_saved(self) -> Awaitable[None]:
        """Fires when the configuration of now is on disk."""

    def restart(self) -> None:
        """End so that the node starts again; answers are written already."""

    def shutdown(self) -> None:
        """End for good; answers are written already."""


class ClusterView(Protocol):
    """The other devices (cluster/service.py: ClusterService)."""

    def devices(self) -> Mapping[DeviceID, DeviceStatus]: ...

    def total_traffic(self) -> Bytes: ...

    def completion(self, device: DeviceID, folder: FolderID | None) -> Completion:
        """:raises KeyError: the folder is unknown, paused or not running."""

    def remote_state(self, device: DeviceID, folder: FolderID) -> RemoteState:
        """What the device says of a folder; ``unknown`` while it is away."""

    def availability(
        self, folder: FolderID, name: WireName
    ) -> Awaitable[list[tuple[DeviceID, bool]]]: ...

    def pending_devices(self) -> Mapping[DeviceID, PendingDevice]: ...

    def pending_folders(
        self, device: DeviceID | None = None
    ) -> Mapping[FolderID, Mapping[DeviceID, PendingFolder]]: ...

    def dismiss_device(self, device: DeviceID) -> None:
        """:raises KeyError: not pending."""

    def dismiss_folder(self, folder: FolderID, device: DeviceID | None = None) -> None:
        """:raises KeyError: not pending."""


class ConnectionsView(Protocol):
    """Listeners and dialling (connections/service.py: ConnectionsService)."""

    def listeners(self) -> Mapping[str, ListenerStatus]: ...

    def dial_status(self) -> Mapping[str, DialStatus]: ...


class IndexView(Protocol):
    """One folder's index (index/service.py: FolderIndex)."""

    def local(self, names: Sequence[WireName]) -> Awaitable[dict[WireName, FileInfo]]: ...

    def global_(self, names: Sequence[WireName]) -> Awaitable[dict[WireName, FileInfo]]: ...

    def versions(self, name: WireName) -> Awaitable[dict[DeviceID, FileInfo]]:
        """What each device says of an item; LOCAL_DEVICE for us."""

    def ask(
        self,
        question: Callable[Concatenate[FolderReader, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Awaitable[T]:
        """One of the questions of ``index/risk.py``, ``index/missing.py`` or ``index/lists.py``."""

    def need_queue(self, order: PullOrder, offset: int, limit: int) -> Awaitable[list[FileInfo]]:
        """Needed items in this order, without hashes."""


class GuardView(Protocol):
    """What a folder holds (folder/guard_service.py: FolderGuard)."""

    def look(self) -> Awaitable[Held | None]:
        """:raises IndexFailed: the index could not be read."""

    @property
    def refusing(self) -> bool: ...

    @property
    def released(self) -> Marks: ...


class OwnerView(Protocol):
    """What a folder's owner may say (folder/owner_service.py: FolderOwner)."""

    @property
    def trouble(self) -> str:
        """What is wrong with the root that ``release`` could accept."""

    def release(self, id: str = ...) -> Awaitable[None]:
        """:raises NothingHeld: there is nothing to say it of."""

    def refuse(self, id: str = ...) -> Awaitable[None]:
        """:raises NothingHeld: or ``CannotRefuse``."""

    def reconsider(self) -> None: ...


class SinceView(Protocol):
    """Since when something is wrong (folder/since.py: Since)."""

    def of(self, what: str) -> float:
        """Unix seconds; 0 while it is not."""


class CareView(Protocol):
    """Our own settings of folders (node/care.py: CareBook)."""

    def care(self, folder: FolderID) -> Care: ...

    def trouble(self, folder: FolderID) -> str:
        """Why the defaults are in force; empty if they are not."""

    def change(self, folder: FolderID, values: Mapping[str, Any]) -> Awaitable[None]:
        """:raises BadCare: or ``OwnUnsaved``."""


class Progress(Protocol):
    """What a folder pulls (pull/progress.py: PullProgress)."""

    @property
    def files(self) -> Sequence[FileProgress]: ...

    @property
    def in_progress(self) -> frozenset[WireName]: ...

    @property
    def queued(self) -> Sequence[WireName]: ...


class VersionsView(Protocol):
    """One folder's old versions (folder/versions_service.py: FolderVersions)."""

    def read(self, shape: Callable[[Iterator[FileVersions]], T]) -> Awaitable[T]:
        """
        All of them, given to a worker's job.

        :raises NoVersions: the folder keeps none that can be listed.
        """

    def restore(self, wanted: Mapping[str, float]) -> Awaitable[dict[str, str]]:
        """
        Bring back versions by path and time (Unix seconds).

        :returns: why some could not be, by path.
        :raises NoVersions: the folder keeps none.
        """

    def rewind(self, path: str, at: float, *, dry: bool) -> Awaitable[Report]:
        """
        Restore a directory as it was at a time (Unix seconds); or only tell.

        :raises NoVersions: the folder keeps none that can be restored.
        :raises RestoreRuns: another is being restored.
        """


class FolderView(Protocol):
    """A folder that runs (folder/service.py: FolderService, with its index)."""

    @property
    def index(self) -> IndexView: ...

    @property
    def versions(self) -> VersionsView: ...

    @property
    def guard(self) -> GuardView: ...

    @property
    def owner(self) -> OwnerView: ...

    @property
    def since(self) -> SinceView: ...

    @property
    def filesystem(self) -> Filesystem: ...

    def matcher(self) -> Matcher:
        """The ignore patterns in force."""

    def status(self) -> FolderStatus: ...

    def progress(self) -> Progress: ...

    def scan(self, subs: Sequence[str] = ...) -> Awaitable[None]:
        """:raises FolderFailed: the folder is in error or stopped."""

    def delay_scan(self, seconds: float) -> None: ...

    def bring_to_front(self, name: WireName) -> None: ...

    def do(self, chore: Chore) -> None:
        """Override or revert, soon, where the folder's type has such a thing."""


class FoldersView(Protocol):
    """All configured folders."""

    def get(self, id: FolderID) -> FolderView | None:
        """The folder if it runs."""

    def filesystem(self, id: FolderID) -> Filesystem:
        """
        Where the folder is, paused or not.

        :raises KeyError: there is no such folder.
        """

    def paused_since(self, id: FolderID) -> float:
        """Unix seconds; at the earliest our own start. 0: it is not."""

    def ignores(self, id: FolderID) -> Awaitable[Ignores]:
        """The ignore patterns of a configured folder, paused or not."""

    def set_ignores(self, id: FolderID, lines: Sequence[str]) -> Awaitable[Ignores]:
        """Replace them, and scan if the folder runs."""

    def reset(self, id: FolderID) -> Awaitable[None]:
        """
        Rebuild the folder's database.

        :raises KeyError: there is no such folder.
        """

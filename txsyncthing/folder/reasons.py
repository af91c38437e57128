"""
Why a folder is not idle and complete: since when, what helps, and what happens next.

Codes are for programs and stay; sentences are for people. All times are unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from txsyncthing.folder.care import DEFAULT_CARE, Care
from txsyncthing.folder.failures import SAMPLE, Failures, count_failures
from txsyncthing.folder.guard import Held
from txsyncthing.folder.schedule import HEALTH_PAUSE
from txsyncthing.folder.since import NEEDED, PULL_FAILED, RECEIVE_ONLY, SCAN_FAILED
from txsyncthing.folder.status import FolderStatus
from txsyncthing.index.missing import Missing
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderState, FolderType

OVERRIDE = "txsyncthing cli operations folder-override"
REVERT = "txsyncthing cli operations folder-revert"
_SETTINGS = frozenset({"versioning", "unsupported"})  # codes of folders that a setting has stopped
_TOLD = frozenset({"held", "no-peer"})  # causes which are reasons of their own


class Next(NamedTuple):
    """
    What happens next by itself.

    :ivar at: when; None: as soon as what is waited for comes.
    """

    at: float | None
    sentence: str


class Reason(NamedTuple):
    """One reason; ``data`` holds what else a program may want to know."""

    code: str
    sentence: str
    since: float = 0.0  # 0: nobody knows
    remedy: str = ""  # empty: there is nothing to be done
    next: Next | None = None
    data: Mapping[str, Any] = {}


class FolderFacts(NamedTuple):
    """
    What there is to know of a folder.

    :ivar status: None: it does not run.
    :ivar failures: what failed, by cause; None: it is still to be counted.
    :ivar busy: the folders that have the node's gate.
    :ivar missing: what nobody who is connected has.
    :ivar away: why a device is not connected; ``seen``: when it was last.
    :ivar since: since when something is wrong, see ``since.py``.
    :ivar name: what people call a device.
    """

    id: FolderID
    type: FolderType
    paused: bool
    status: FolderStatus | None
    now: float
    failures: Failures | None = None
    held: Held | None = None
    refusing: bool = False
    care: Care = DEFAULT_CARE
    care_trouble: str = ""
    busy: Sequence[FolderID] = ()
    missing: Missing = Missing()
    connected: frozenset[DeviceID] = frozenset()
    away: Callable[[DeviceID], str] = lambda device: "is not connected"
    seen: Callable[[DeviceID], float] = lambda device: 0.0
    since: Callable[[str], float] = lambda what: 0.0
    paused_since: float = 0.0
    name: Callable[[DeviceID], str] = str
    in_progress: int = 0
    queued: int = 0
    bytes_done: int = 0
    bytes_total: int = 0  # of the larger files in progress


class Explanation(NamedTuple):
    """:ivar complete: idle, and nothing is missing here or wrong."""

    complete: bool
    sentence: str
    reasons: tuple[Reason, ...]


def explain(facts: FolderFacts) -> Explanation:
    """All reasons, the one that matters most first."""
    reasons = tuple(_reasons(facts))
    if not reasons:
        return Explanation(True, "Up to date.", ())
    return Explanation(False, reasons[0].sentence, reasons)


def _reasons(facts: FolderFacts) -> Iterable[Reason]:
    if facts.care_trouble:
        yield Reason("settings", facts.care_trouble, remedy="Mend the file, or move it away.")
    if facts.paused:
        yield paused_reason(facts)
        return
    status = facts.status
    if status is None:
        yield Reason("starting", "The folder is being started or stopped.")
        return
    if status.state is FolderState.ERROR:
        yield error_reason(status, facts.now)
        return
    if facts.failures is None:
        counted = count_failures(status.pull_errors, status.scan_errors)
        facts = facts._replace(failures=counted)
    if facts.held is not None:
        yield held_reason(facts.held, facts.care, facts.refusing, facts.id)
    yield from _failed(facts, status)
    if facts.missing.total.items and not _sends_only(facts):
        yield missing_reason(facts)
    yield from _state(facts, status)
    if status.state is FolderState.IDLE:
        yield from _left(facts, status)
    if status.receive_only.items:
        count = status.receive_only.items
        yield Reason(
            "receive-only-changed",
            f"{_items(count)} changed here in a receive-only folder, and {_are(count)} not sent.",
            facts.since(RECEIVE_ONLY),
            f"Revert the changes ({REVERT} {facts.id}), or make the folder send and receive.",
            data={"items": count},
        )


def _state(facts: FolderFacts, status: FolderStatus) -> Iterable[Reason]:
    state, since = status.state, status.state_changed
    if state is FolderState.STARTING:
        yield Reason("starting", "The index is being opened.", since, next=Next(None, "a scan"))
    elif state in (FolderState.SCAN_WAITING, FolderState.SYNC_WAITING):
        busy = [id for id in facts.busy if id != facts.id]
        what = "scan" if state is FolderState.SCAN_WAITING else "pull"
        who = f"folder{'' if len(busy) == 1 else 's'} {', '.join(busy)}" if busy else "others"
        yield Reason(
            "waiting-for-gate",
            f"Waits for its turn to {what}: {who} at work.",
            since,
            remedy="Raise maxFolderConcurrency if the disks can bear more at once.",
            next=Next(None, f"a {what} when one of them is done"),
            data={"folders": busy},
        )
    elif state is FolderState.SCANNING:
        yield Reason("scanning", "Being scanned.", since)
    elif state is FolderState.SYNC_PREPARING:
        yield Reason("preparing", "What is needed is being looked through.", since)
    elif state is FolderState.SYNCING:
        need = status.need
        yield Reason(
            "syncing",
            f"Pulling: {_items(need.items)} needed, {facts.in_progress} in progress.",
            since,
            data={
                "items": need.items,
                "bytes": status.need_bytes,
                "inProgress": facts.in_progress,
                "queued": facts.queued,
                "bytesDone": facts.bytes_done,
                "bytesTotal": facts.bytes_total,
            },
        )
    elif state in (FolderState.CLEANING, FolderState.CLEAN_WAITING):
        yield Reason("cleaning", "Old versions are being tidied.", since)


def _left(facts: FolderFacts, status: FolderStatus) -> Iterable[Reason]:
    """What is needed and none of the other reasons says why."""
    need = status.need.items
    if not need:
        return
    if _sends_only(facts):
        yield Reason(
            "send-only",
            f"{_items(need)} {_are(need)} not as the other devices have {_them(need)}; this folder only"
            " sends.",
            facts.since(NEEDED),
            f"Override the changes ({OVERRIDE} {facts.id}) to send our versions, or make the folder send"
            " and receive.",
            data={"items": need},
        )
        return
    pull = facts.failures.pull if facts.failures is not None else {}
    failed = sum(one.items for cause, one in pull.items() if cause not in _TOLD)
    told = failed + facts.missing.total.items
    if facts.held is not None:
        told += facts.held.lost.items
    if told < need:
        yield Reason(
            "needed",
            f"{_items(need)} {_are(need)} needed.",
            facts.since(NEEDED),
            next=_next_try(status),
            data={"items": need, "bytes": status.need_bytes},
        )


def _sends_only(facts: FolderFacts) -> bool:
    return facts.type is FolderType.SEND_ONLY


def _failed(facts: FolderFacts, status: FolderStatus) -> Iterable[Reason]:
    failures = facts.failures or Failures()
    for phase, by_cause, next, since in (
        ("pull", failures.pull, _next_try(status), facts.since(PULL_FAILED)),
        ("scan", failures.scan, _next_scan(status), facts.since(SCAN_FAILED)),
    ):
        for cause, some in sorted(by_cause.items(), key=lambda one: -one[1].items):
            if cause in _TOLD:
                continue
            verb = "pulled" if phase == "pull" else "scanned"
            yield Reason(
                "failed-items",
                f"{_items(some.items)} could not be {verb}: {some.first.error.partition(': ')[2]}.",
                since,
                _sentence(some.first.remedy),
                next,
                {
                    "phase": phase,
                    "cause": cause,
                    "items": some.items,
                    "sample": list(some.sample),
                },
            )


def _next_try(status: FolderStatus) -> Next | None:
    if status.next_try is None:
        return Next(None, "tried again when a device tells of changes")
    return Next(status.next_try, "tried again, or earlier when a device tells of changes")


def _next_scan(status: FolderStatus) -> Next:
    if status.next_scan is None:
        return Next(None, "the next scan; none is scheduled")
    return Next(status.next_scan, "the next scan")


def paused_reason(facts: FolderFacts) -> Reason:
    return Reason(
        "paused",
        "The folder is paused.",
        facts.paused_since,
        f"Resume it: txsyncthing cli config folders {facts.id} paused set false",
        Next(None, "a scan, and a pull of what is needed, when it is resumed"),
    )


def held_reason(held: Held, care: Care, refusing: bool, folder: FolderID) -> Reason:
    lost = held.lost
    return Reason(
        "held",
        f"Held by the guard: {held.sentence(care)}. Nothing of it is done until you say so.",
        held.since,
        ""
        if refusing
        else (
            f"To let it be done: POST /rest/x/guard/release?folder={folder}; to keep what is here and"
            f" send it to the others: POST /rest/x/guard/refuse?folder={folder}"
        ),
        Next(None, "refused: our versions are put on top") if refusing else None,
        {
            "id": held.id,
            "deletions": lost.deletions,
            "overwrites": lost.overwrites,
            "sample": [one.name for one in held.sample[:SAMPLE]],
        },
    )


def missing_reason(facts: FolderFacts) -> Reason:
    """No device that is connected has what is needed."""
    missing = facts.missing
    has = [
        {
            "device": str(device),
            "name": facts.name(device),
            "items": amount.items,
            "bytes": amount.bytes,
            "why": facts.away(device),
        }
        for device, amount in sorted(missing.by.items(), key=lambda one: -one[1].items)
    ]
    who = "; ".join(f"{one['name']} has {one['items']} and {one['why']}" for one in has[:SAMPLE])
    count = missing.total.items
    return Reason(
        "waiting-for-peers",
        f"{_items(count)} {_are(count)} on no device that is connected"
        + (f": {who}." if who else "; no known device has them any more."),
        max(map(facts.seen, missing.by), default=0.0) or facts.since(NEEDED),
        "Connect a device which has them.",
        next=Next(None, "pulled when such a device connects"),
        data={
            "items": count,
            "bytes": missing.total.bytes,
            "devices": has,
            "sample": list(missing.sample),
        },
    )


_ERRORS = (  # what the text begins with, code, remedy
    ("folder path missing", "path-missing", "Bring the folder's directory back: mount its disk."),
    ("folder path not a directory", "path-missing", "Put the folder's directory back."),
    ("folder path unreadable", "path-unreadable", "See that the node's user may read it."),
    (
        "folder marker missing",
        "marker-missing",
        "If the right disk is mounted and the files are there, make the marker anew (mkdir .stfolder in"
        " the folder), or bring back the item that markerName names.",
    ),
    ("folder marker unreadable", "marker-missing", "See that the node's user may read it."),
    ("folder root is on another", "root-moved", ""),
    ("folder root is empty", "root-emptied", ""),
    ("versioning/", "versioning", "Give that setting another value; then the folder starts."),
    ("folder root holds none", "root-emptied", ""),
    ("loading ignores", "ignores", "Mend the ignore file, or take it away."),
    ("the folder's disk failed", "disk", "Look at the disk and its file system."),
    ("the folder became unhealthy", "path-missing", "See that the folder's directory is there."),
    ("internal error", "internal", "Report it with the log."),
)


def error_code(text: str) -> tuple[str, str]:
    """Code and remedy of what a folder in error says."""
    for start, code, remedy in _ERRORS:
        if text.startswith(start):
            return code, remedy
    if "is damaged" in text or "not a database" in text:
        return "index-damaged", ""  # the text itself says it
    if "disk is full" in text or "insufficient space" in text:
        return "no-space", "Free some space."
    return ("unsupported", "") if "not supported" in text else ("error", "")


def error_reason(status: FolderStatus, now: float) -> Reason:
    code, remedy = error_code(status.error)
    looks = int(max(0.0, now - status.state_changed) / HEALTH_PAUSE) + 1
    look = status.state_changed + looks * HEALTH_PAUSE
    next = Next(look, "a look whether it is well again; then a scan")
    if code in _SETTINGS:  # no look changes that
        next = Next(None, "the folder starts when its settings are changed")
    return Reason(code, f"Stopped: {status.error}", status.state_changed, remedy, next)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _items(count: int) -> str:
    return f"{count} item{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"

"""
How ``/rest/x`` shows explanations and the guard. These documents are ours alone: no official client knows
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from txsyncthing.api.device_reasons import DeviceFacts
from txsyncthing.api.encoding import body, exact_text, moment_text
from txsyncthing.config.config import Configuration
from txsyncthing.filesystem.seam import Kind
from txsyncthing.folder.care import Care
from txsyncthing.folder.failures import Failures
from txsyncthing.folder.guard import Held
from txsyncthing.folder.item_reasons import ItemExplanation, ItemFacts, changed_here, has
from txsyncthing.folder.reasons import Explanation, FolderFacts, Next, Reason
from txsyncthing.folder.status import FolderStatus
from txsyncthing.vocabulary.device import DeviceID, ShortID, short_text
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.folder import FolderID

_TYPES = {FileType.FILE: "file", FileType.DIRECTORY: "directory", FileType.SYMLINK: "symlink"}
_KINDS = {
    Kind.FILE: "file",
    Kind.DIRECTORY: "directory",
    Kind.SYMLINK: "symlink",
    Kind.OTHER: "special",
}


def when(unix: float | None) -> str | None:
    """Null for a time that nobody knows."""
    return exact_text(unix) if unix else None


def folder(
    label: str, facts: FolderFacts, value: Explanation, devices: Sequence[Mapping[str, object]]
) -> dict[str, Any]:
    """``/rest/x/explain?folder=``; ``devices``: with whom it is shared, as ``device`` shows them."""
    status = facts.status
    return {
        "folder": facts.id,
        "label": label,
        "type": facts.type.value,
        "state": "paused" if facts.paused else status.state.value if status else "",
        "since": when(status.state_changed) if status else None,
        "complete": value.complete,
        "sentence": value.sentence,
        "reasons": [reason(one) for one in value.reasons],
        "failed": _failed(facts.failures or Failures()),
        "nextScan": when(status.next_scan) if status else None,
        "devices": devices,
    }


def device(name: str, facts: DeviceFacts, reasons: Sequence[Reason]) -> dict[str, Any]:
    """``/rest/x/explain?device=``."""
    return {
        "device": str(facts.device),
        "name": name,
        "connected": facts.status.connected,
        "sentence": reasons[0].sentence if reasons else "All is well.",
        "reasons": [reason(one) for one in reasons],
        "folders": {id: state.value for id, state in sorted(facts.folders.items())},
    }


def _failed(failures: Failures) -> dict[str, Any]:
    causes: dict[str, int] = {}
    for cause, some in (*failures.scan.items(), *failures.pull.items()):
        causes[cause] = causes.get(cause, 0) + some.items
    return {"items": sum(causes.values()), "causes": dict(sorted(causes.items()))}


def reason(value: Reason) -> dict[str, Any]:
    return {
        "code": value.code,
        "sentence": value.sentence,
        "since": when(value.since),
        "remedy": value.remedy,
        "next": _next(value.next),
        "data": dict(value.data),
    }


def _next(value: Next | None) -> dict[str, Any] | None:
    return None if value is None else {"at": when(value.at), "sentence": value.sentence}


def maker(short: ShortID, configuration: Configuration) -> dict[str, Any]:
    """Who made a version; a device that we do not know has no name and no ID here."""
    found = next((one for one in configuration.devices if one.id.short == short), None)
    return {
        "short": short_text(short),
        "name": found.name if found else "",
        "device": str(found.id) if found else None,
    }


def version(value: FileInfo | None, configuration: Configuration) -> dict[str, Any] | None:
    """One version of an item."""
    if value is None:
        return None
    return {
        "type": _TYPES[value.type],
        "version": value.version.texts(),
        "deleted": value.deleted,
        "invalid": value.invalid,
        "size": value.size,
        "modified": moment_text(value.modified),
        "modifiedBy": maker(value.modified_by, configuration),
        "localFlags": int(value.local_flags),
        "sequence": value.sequence,
    }


def item(
    facts: ItemFacts,
    value: ItemExplanation,
    members: Sequence[DeviceID],
    configuration: Configuration,
) -> dict[str, Any]:
    """``/rest/x/explain?folder=&file=``; ``members``: with whom the folder is shared."""
    sight, moving = facts.sight, facts.progress
    stat, place = sight.stat, sight.place
    temporary: dict[str, int | None] | None = None
    if moving is not None:
        temporary = {"bytesDone": moving.bytes_done, "bytesTotal": moving.bytes_total}
    elif sight.temporary is not None:
        temporary = {"bytesDone": None, "bytesTotal": facts.world.size if facts.world else None}
    return {
        "folder": facts.folder.id,
        "file": facts.name,
        "state": value.code,
        "sentence": value.sentence,
        "wanted": value.wanted,
        "whyNot": value.why_not,
        "reasons": [reason(one) for one in value.blockers],
        "next": _next(value.next),
        "local": version(facts.ours, configuration),
        "global": version(facts.world, configuration),
        "devices": [
            {
                "device": str(one),
                "name": facts.folder.name(one),
                "connected": one in facts.folder.connected,
                "has": _has(told, facts),
                "version": version(told, configuration),
            }
            for one in members
            for told in (facts.versions.get(one),)
        ],
        "disk": {
            "exists": stat is not None,
            "type": _KINDS[stat.kind] if stat else None,
            "size": stat.size if stat else None,
            "modified": moment_text(stat.modified) if stat else None,
            "changed": changed_here(facts),
            "error": sight.error,
        },
        "ignore": None
        if place is None
        else {
            "file": place.file,
            "line": place.number,
            "pattern": place.line,
            "ignored": place.ignored,
        },
        "temporary": temporary,
    }


def _has(told: FileInfo | None, facts: ItemFacts) -> str:
    if told is None:
        return "unknown" if facts.closed else "nothing"
    return has(told, facts.world).value


def errors_body(status: FolderStatus, page: int, perpage: int) -> bytes:
    """``/rest/x/errors`` as JSON; a job for a worker."""
    errors = [("scan", one) for one in status.scan_errors]
    errors += [("pull", one) for one in status.pull_errors]
    errors.sort(key=_by_name)
    return body(
        {
            "folder": status.id,
            "errors": [
                {
                    "path": one.path,
                    "phase": phase,
                    "cause": one.cause,
                    "error": one.error,
                    "remedy": one.remedy,
                }
                for phase, one in errors[(page - 1) * perpage : page * perpage]
            ],
            "page": page,
            "perpage": perpage,
            "total": len(errors),
        }
    )


def guard(
    id: FolderID,
    care: Care,
    trouble: str,
    held: Held | None,
    refusing: bool,
    root: tuple[str, str] | None,
    configuration: Configuration,
) -> dict[str, Any]:
    """``/rest/x/guard``; ``root``: what is wrong with it, as code and sentence."""
    return {
        "folder": id,
        "settings": care.document(),
        "settingsError": trouble or None,
        "held": None if held is None else _held(held, care, refusing, configuration),
        "root": None if root is None else {"code": root[0], "sentence": root[1]},
    }


def _held(held: Held, care: Care, refusing: bool, configuration: Configuration) -> dict[str, Any]:
    lost = held.lost
    return {
        "id": held.id,
        "since": when(held.since),
        "sentence": held.sentence(care),
        "limit": held.excess.limit,
        "deletions": lost.deletions,
        "overwrites": lost.overwrites,
        "takenBefore": held.excess.before,
        "itemsInFolder": held.excess.whole,
        "refused": refusing,
        "devices": [
            {
                **maker(device, configuration),
                "deletions": one.deletions,
                "overwrites": one.overwrites,
            }
            for device, one in sorted(held.by.items(), key=lambda one: -one[1].items)
        ],
        "sample": [
            {
                "path": one.name,
                "action": "delete" if one.deleted else "overwrite",
                "modified": moment_text(one.modified),
                "modifiedBy": maker(one.by, configuration),
            }
            for one in held.sample
        ],
    }


def _by_name(error: tuple[str, ItemError]) -> ItemError:
    return error[1]

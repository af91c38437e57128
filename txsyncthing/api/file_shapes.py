"""
How REST shows files.

Source: reference 7.4 "File JSON"; the official daemon 1.29.5.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from txsyncthing.api.encoding import EPOCH, ZERO_TIME, Times, encode, moment_text
from txsyncthing.bep.bep_pb2 import PlatformPb, XattrPb
from txsyncthing.vocabulary.block import HASH_SIZE
from txsyncthing.vocabulary.device import DeviceID, short_text
from txsyncthing.vocabulary.file import BYTES_WITHOUT_CONTENT, FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName

TYPES = {
    FileType.FILE: "FILE_INFO_TYPE_FILE",
    FileType.DIRECTORY: "FILE_INFO_TYPE_DIRECTORY",
    FileType.SYMLINK: "FILE_INFO_TYPE_SYMLINK",
}
_SYSTEMS = ("Linux", "Darwin", "FreeBSD", "NetBSD")


def platform(raw: bytes) -> dict[str, Any]:
    """PlatformData: an object for each system of which something is said."""
    document: dict[str, Any] = dict.fromkeys(("Unix", "Windows", *_SYSTEMS))
    if not raw:
        return document
    try:
        said = PlatformPb.FromString(raw)
    except DecodeError:
        return document
    if said.HasField("unix"):
        unix = said.unix
        names = {"OwnerName": unix.owner_name, "GroupName": unix.group_name}
        document["Unix"] = {**names, "UID": unix.uid, "GID": unix.gid}
    if said.HasField("windows"):
        owner, group = said.windows.owner_name, said.windows.owner_is_group
        document["Windows"] = {"owner_name": owner, "owner_is_group": group}
    for system in _SYSTEMS:
        if said.HasField(system.lower()):
            xattrs = getattr(said, system.lower()).xattrs
            document[system] = {"Xattrs": [_xattr(one) for one in xattrs]}
    return document


def _xattr(said: XattrPb) -> dict[str, str | None]:
    value = b64encode(said.value).decode() if said.value else None
    return {"Name": said.name, "Value": value}


_AT_ONCE = 500  # files that become JSON in one go, some milliseconds


class NeedPage(NamedTuple):
    """One page of ``/rest/db/need``; the page is cut over the three lists in their order."""

    page: int
    perpage: int
    progress: list[FileInfo]
    queued: list[FileInfo]
    rest: list[FileInfo]


def file(value: FileInfo, text: Callable[[int], str] = moment_text) -> dict[str, Any]:
    """
    One version of one item.

    :param text: how a time in nanoseconds looks.
    """
    document: dict[str, Any] = {
        "blocksHash": b64encode(value.blocks_hash).decode() if value.blocks_hash else None,
        "deleted": value.deleted,
        "ignored": bool(value.local_flags & LocalFlag.IGNORED),
        "inodeChange": text(value.inode_change) if value.inode_change else EPOCH,
        "invalid": value.invalid,
        "localFlags": int(value.local_flags),
        "modified": text(value.modified) if value.modified else EPOCH,
        "modifiedBy": short_text(value.modified_by) if value.modified_by else "",
        "mustRescan": bool(value.local_flags & LocalFlag.MUST_RESCAN),
        "name": value.name,
        "noPermissions": value.no_permissions,
        "numBlocks": len(value.hashes) // HASH_SIZE,
        "permissions": _octal(value.permissions),
        "platform": platform(value.platform),
        "sequence": value.sequence,
        "size": _size(value),
        "type": TYPES[value.type],
        "version": value.version.texts(),
    }
    if value.no_permissions:
        del document["permissions"]
    return document


def _octal(permissions: int) -> str:
    return f"0{permissions:o}" if permissions else "0"


def _size(value: FileInfo) -> int:
    if value.deleted:
        return 0
    return value.size if value.type is FileType.FILE else BYTES_WITHOUT_CONTENT


def file_details(
    local: FileInfo | None,
    world: FileInfo | None,
    availability: Iterable[tuple[DeviceID, bool]],
) -> dict[str, Any]:
    """``/rest/db/file``; a version that nobody has shows as an empty one."""
    empty = FileInfo(name=WireName(""))
    return {
        "availability": [
            {"id": str(id), "fromTemporary": temporary} for id, temporary in availability
        ]
        or None,
        "global": file(world or empty),
        "local": file(local or empty),
        "mtime": {"err": None, "value": {"real": ZERO_TIME, "virtual": ZERO_TIME}},
    }


def need_body(page: NeedPage) -> list[bytes]:
    """
    ``/rest/db/need`` as JSON; a job for a worker, since a page may hold 65536 files.

    Takes the files out of the page: to drop so many at once would keep every thread waiting, and whoever
    holds the page last is the reactor.
    """
    parts = [f'{{\n  "page": {page.page},\n  "perpage": {page.perpage}'.encode()]
    for key, files in (("progress", page.progress), ("queued", page.queued), ("rest", page.rest)):
        parts += [b",\n", *_listed(key, files)]
        while files:
            del files[-_AT_ONCE:]
    return [*parts, b"\n}\n"]


def _listed(key: str, files: Sequence[FileInfo]) -> Iterator[bytes]:
    """One list of a document; in parts, since nobody else runs while JSON is made."""
    times = Times()
    head, tail = f'{{\n  "{key}": [\n', "\n  ]\n}"
    if not files:
        yield f'  "{key}": []'.encode()
        return
    for start in range(0, len(files), _AT_ONCE):
        some = [file(one, times.text) for one in files[start : start + _AT_ONCE]]
        yield f'  "{key}": [\n'.encode() if not start else b",\n"
        yield encode({key: some})[len(head) : -len(tail)]
    yield b"\n  ]"


def list_part(files: Sequence[FileInfo]) -> bytes:
    """Some elements of the list in ``/rest/db/remoteneed`` or ``localchanged``; a job for a worker."""
    return b"".join(list(_listed("files", files))[1:-1])

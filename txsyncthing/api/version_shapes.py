"""
Old versions as the JSON that REST speaks.

What has many items is a worker's job, and is encoded in pieces: one call of the encoder holds up all other
threads until its end.

Source: reference 7.4 ("folder/versions").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from txsyncthing.api.encoding import body, encode, moment_text, parse_time
from txsyncthing.api.exchange import Refused
from txsyncthing.versions.listing import FileVersions, Listed
from txsyncthing.versions.rewind import Line, Report

PIECE = 500  # files that are encoded together
SECOND = 1_000_000_000


def versions_body(files: Iterable[FileVersions]) -> bytes:
    """The body of ``GET /rest/folder/versions``; a worker's job."""
    rest = iter(files)
    pieces: list[bytes] = [b"{\n"]
    while some := list(islice(rest, PIECE)):
        document = {file.path: [_version(one) for one in file.versions] for file in some}
        pieces += encode(document)[2:-2], b",\n"  # without the braces and their ends of line
    if len(pieces) == 1:
        return body({})
    pieces[-1] = b"\n}\n"
    return b"".join(pieces)


def _version(version: Listed) -> dict[str, Any]:
    return {
        "versionTime": moment_text(int(version.when // 1) * SECOND),
        "modTime": moment_text(version.modified // SECOND * SECOND),
        "size": version.size,
    }


def wanted_versions(text: bytes) -> dict[str, float]:
    """
    The body of ``POST /rest/folder/versions``: path to time in Unix seconds.

    :raises Refused: it is something else.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as bad:
        raise Refused(500, f"the body is no JSON: {bad}") from None
    if not isinstance(document, dict):
        raise Refused(500, 'the body must be {"path": "time", ...}')
    wanted: dict[str, float] = {}
    for path, time in document.items():
        when = parse_time(time) if isinstance(time, str) else None
        if when is None:
            raise Refused(500, f"{path}: {time!r} is not a time as in RFC 3339")
        wanted[path] = when
    return wanted


def rewind_body(folder: str, path: str, at: float, dry: bool, report: Report) -> bytes:
    """The body of the answer of ``POST /rest/x/restore``; a worker's job."""
    told = len(report.lines)
    count = sum(report.counts.values())
    head = {
        "folder": folder,
        "path": path,
        "at": moment_text(round(at * 1000) * 1_000_000),
        "dry": dry,
        "counts": {deed.value: number for deed, number in report.counts.items()},
        "bytes": report.bytes,
        "unlisted": count - told,
    }
    items = b",\n".join(_pieces(report.lines))
    return encode(head)[:-2] + b',\n  "items": [\n' + items + b"\n  ]\n}\n"


def _pieces(lines: list[Line]) -> Iterator[bytes]:
    for start in range(0, len(lines), PIECE):
        some = [_line(line) for line in lines[start : start + PIECE]]
        yield encode(some)[2:-2]


def _line(line: Line) -> dict[str, Any]:
    return {
        "path": line.path,
        "action": line.deed.value,
        "versionTime": None if line.when is None else moment_text(int(line.when // 1) * SECOND),
        "certain": line.certain,
        "why": line.why,
    }

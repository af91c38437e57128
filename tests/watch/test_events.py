"""The kernel's events as bytes."""

from __future__ import annotations

from struct import pack

from txsyncthing.watch.events import CLOSE_WRITE, IGNORED, MODIFY, MOVED_FROM, RawEvent, parse


def event(wd: int, mask: int, cookie: int = 0, name: bytes = b"") -> bytes:
    padded = name + bytes(16 - len(name) % 16) if name else b""
    return pack("=iIII", wd, mask, cookie, len(padded)) + padded


def test_events_come_out_as_they_went_in() -> None:
    data = event(1, MODIFY, name=b"exactly 16 chars")
    data += event(2, IGNORED)
    data += event(3, MOVED_FROM, 77, "é".encode() + b"\xff")
    assert parse(data) == [
        RawEvent(1, MODIFY, 0, "exactly 16 chars"),
        RawEvent(2, IGNORED, 0, ""),
        RawEvent(3, MOVED_FROM, 77, "é\udcff"),
    ]


def test_of_temporary_files_only_renames_count() -> None:
    data = event(1, CLOSE_WRITE, name=b".syncthing.f.tmp") + event(1, MODIFY, name=b"~syncthing~f")
    moved = event(1, MOVED_FROM, 5, b".syncthing.f.tmp")
    assert parse(data + moved) == [RawEvent(1, MOVED_FROM, 5, ".syncthing.f.tmp")]

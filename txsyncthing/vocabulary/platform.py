"""
PlatformData: what one system says of an item beyond what all systems have, as protobuf bytes and as a value.

FileInfo keeps the bytes as they came. Only owners and Linux' extended attributes are ever looked at; what
other systems said stays beside them untouched.

Source: reference 2.6 ("Platform", "Xattr order"; bep.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_XATTRS = 4096  # of one item and system; names alone may take 64 KiB on Linux
_UNIX, _WINDOWS, _LINUX = 1, 2, 3
_SYSTEMS = (_LINUX, 4, 5, 6)  # each with extended attributes
_COMMON = 256  # bytes; most items of a folder say the same of their owner, and no more
_NUMBER, _BYTES = 0, 2  # wire types
_FIXED = {1: 8, 5: 4}


class BadPlatform(ValueError):
    """No PlatformData."""


class Owner(NamedTuple):
    """Who owns an item; a name is empty where the number has none."""

    user: str
    group: str
    uid: int
    gid: int


class Xattr(NamedTuple):
    """One extended attribute."""

    name: str
    value: bytes


class Platform(NamedTuple):
    """
    PlatformData.

    :ivar owner: None: nothing is said of it.
    :ivar xattrs: Linux' attributes by name; None: nothing is said of them, empty: there are none.
    :ivar foreign: the fields of other systems, still protobuf.
    """

    owner: Owner | None = None
    xattrs: tuple[Xattr, ...] | None = None
    foreign: bytes = b""


NOTHING = Platform()


def encode_platform(platform: Platform) -> bytes:
    """The protobuf bytes; empty if nothing is said."""
    parts = []
    if platform.owner is not None:
        parts.append(_encode_owner(platform.owner))
    if platform.xattrs is not None:
        listed = b"".join(_message(1, _encode_xattr(one)) for one in platform.xattrs)
        parts.append(_message(_LINUX, listed))
    return b"".join([*parts, platform.foreign])


def decode_platform(raw: bytes) -> Platform:
    """
    The value; attributes in the order of their names, of one name the last.

    Names that are not UTF-8 come with surrogates.

    :raises BadPlatform: broken, or more attributes than any item has.
    """
    return _common(raw) if len(raw) <= _COMMON else _decode(raw)


def clean_platform(raw: bytes) -> bytes:
    """
    What a peer sent, so that every other peer reads it.

    :returns: the very bytes; without the texts that are no UTF-8, at which a whole index would fail.
    :raises BadPlatform: see ``decode_platform``.
    """
    decode_platform(raw)
    sane = True
    out = []
    for number, kind, start, end, value in _fields(raw):
        if number in (_UNIX, _WINDOWS):
            kept = _clean_texts(_bytes(kind, value), (1, 2) if number == _UNIX else (1,))
        elif number in _SYSTEMS:
            kept = _clean_xattrs(_bytes(kind, value))
        else:
            kept = None
        sane = sane and kept is None
        out.append(raw[start:end] if kept is None else _message(number, kept))
    return raw if sane else b"".join(out)


def _decode(raw: bytes) -> Platform:
    owner: Owner | None = None
    xattrs: dict[str, bytes] | None = None
    foreign = []
    for number, kind, start, end, value in _fields(raw):
        if number == _UNIX:
            owner = _owner(owner, _bytes(kind, value))
        elif number == _LINUX:
            xattrs = {} if xattrs is None else xattrs
            xattrs.update(_xattrs(_bytes(kind, value)))
        else:
            foreign.append(raw[start:end])
    listed = None if xattrs is None else tuple(Xattr(*one) for one in sorted(xattrs.items()))
    return Platform(owner, listed, b"".join(foreign))


_common = lru_cache(maxsize=4096)(_decode)


def _clean_texts(raw: bytes, texts: tuple[int, ...]) -> bytes | None:
    """The message without the fields among ``texts`` that are no texts; None if all are."""
    kept = []
    sane = True
    for number, kind, start, end, value in _fields(raw):
        if number in texts and not _is_text(_bytes(kind, value)):
            sane = False
        else:
            kept.append(raw[start:end])
    return None if sane else b"".join(kept)


def _clean_xattrs(raw: bytes) -> bytes | None:
    kept = []
    sane = True
    count = 0
    for number, kind, start, end, value in _fields(raw):
        if number == 1:
            count += 1
            if _clean_texts(_bytes(kind, value), (1,)) is not None:
                sane = False
                continue
        kept.append(raw[start:end])
    _check_count(count)
    return None if sane else b"".join(kept)


def _owner(before: Owner | None, raw: bytes) -> Owner:
    user, group, uid, gid = before or Owner("", "", 0, 0)
    for number, kind, _, _, value in _fields(raw):
        if number == 1:
            user = _text(_bytes(kind, value))
        elif number == 2:
            group = _text(_bytes(kind, value))
        elif number == 3:
            uid = _id(value)
        elif number == 4:
            gid = _id(value)
    return Owner(user, group, uid, gid)


def _xattrs(raw: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    count = 0
    for number, kind, _, _, value in _fields(raw):
        if number != 1:
            continue
        count += 1
        name, content = "", b""
        for inner, inner_kind, _, _, part in _fields(_bytes(kind, value)):
            if inner == 1:
                name = _text(_bytes(inner_kind, part))
            elif inner == 2:
                content = _bytes(inner_kind, part)
        found[name] = content
    _check_count(count)
    return found


def _check_count(count: int) -> None:
    if count > MAX_XATTRS:
        raise BadPlatform(f"{count} extended attributes")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bytes(kind: int, value: bytes | int) -> bytes:
    if kind != _BYTES or not isinstance(value, bytes):
        raise BadPlatform("a field of another type")
    return value


def _id(value: bytes | int) -> int:
    """A user's or group's number; the protocol has it with a sign, the system without."""
    if not isinstance(value, int):
        raise BadPlatform("a number of another type")
    return value & 0xFFFFFFFF


def _fields(raw: bytes) -> Iterator[tuple[int, int, int, int, bytes | int]]:
    """Number, wire type, where it begins and ends, and the value of each field."""
    at = 0
    size = len(raw)
    while at < size:
        start = at
        tag, at = _varint(raw, at)
        number, kind = tag >> 3, tag & 7
        value: bytes | int = b""
        if kind == _BYTES:
            length, at = _varint(raw, at)
            value = raw[at : at + length]
            at += length
        elif kind == _NUMBER:
            value, at = _varint(raw, at)
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise BadPlatform(f"a field of the unknown kind {kind}")
        if at > size or not 0 < number < 1 << 29:
            raise BadPlatform("broken")
        yield number, kind, start, at, value


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, min(at + 10, len(raw))):
        byte = raw[place]
        value |= (byte & 0x7F) << 7 * (place - at)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place + 1
    raise BadPlatform("broken")


def _encode_varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _message(number: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((number << 3 | _BYTES, size)) + body
    return bytes([number << 3 | _BYTES]) + _encode_varint(size) + body


def _encode_number(number: int, value: int) -> bytes:
    if not value:
        return b""
    signed = value | ~0xFFFFFFFF if value & 0x80000000 else value
    return bytes([number << 3]) + _encode_varint(signed & 0xFFFFFFFFFFFFFFFF)


@lru_cache(maxsize=1024)
def _encode_owner(owner: Owner) -> bytes:
    texts = [
        _message(number, _utf8(name))
        for number, name in ((1, owner.user), (2, owner.group))
        if name
    ]
    numbers = _encode_number(3, owner.uid) + _encode_number(4, owner.gid)
    return _message(_UNIX, b"".join(texts) + numbers)


def _encode_xattr(xattr: Xattr) -> bytes:
    name = _utf8(xattr.name)
    return (_message(1, name) if name else b"") + (_message(2, xattr.value) if xattr.value else b"")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

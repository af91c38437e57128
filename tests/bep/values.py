"""Any message an honest peer can send, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from txsyncthing.bep.messages import (
    Close,
    ClusterConfig,
    Compression,
    Device,
    DownloadProgress,
    ErrorCode,
    FileProgress,
    Folder,
    Index,
    IndexUpdate,
    Ping,
    Request,
    Response,
    UpdateType,
)
from txsyncthing.vocabulary.block import block_count, blocks_hash
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import INTERNAL_NAMES, WireName
from txsyncthing.vocabulary.platform import Owner, Platform, Xattr, encode_platform
from txsyncthing.vocabulary.vector import Vector

U64 = st.integers(0, 2**64 - 1)
I63 = st.integers(0, 2**63 - 1)
I31 = st.integers(0, 2**31 - 1)
TEXTS = st.text(max_size=12)
HASHES = st.binary(min_size=32, max_size=32)
PARTS = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=8)
NAMES = (
    st.lists(PARTS.filter(lambda part: part not in (".", "..")), min_size=1, max_size=3)
    .filter(lambda parts: parts[0] not in INTERNAL_NAMES)
    .map(lambda parts: WireName("/".join(parts)))
)
FOLDERS = TEXTS.map(FolderID)
VECTORS = st.lists(st.tuples(U64, U64), max_size=3).map(Vector.of)
TIMES = st.integers(-9_000_000_000 * 10**9, 9_000_000_000 * 10**9)
BYTES = st.binary(max_size=8)
U32 = st.integers(0, 2**32 - 1)
UTF8 = st.text(st.characters(codec="utf-8"), max_size=8)
XATTRS = st.lists(st.builds(Xattr, UTF8, BYTES), max_size=3, unique_by=lambda one: one.name)
PLATFORMS = st.builds(
    Platform,
    st.none() | st.builds(Owner, UTF8, UTF8, U32, U32),
    st.none() | XATTRS.map(lambda each: tuple(sorted(each))),
    st.sampled_from([b"", b"\x22\x06\x0a\x04\x0a\x02io", b"\x12\x02\x10\x01\x32\x00"]),
)
FLAGS = st.sampled_from([LocalFlag.NONE, LocalFlag.REMOTE_INVALID])


@st.composite
def regular_files(draw: st.DrawFn) -> FileInfo:
    cut = draw(st.sampled_from([0, 128 * 1024, 256 * 1024, 131112]))
    size = draw(st.integers(0, 5 * 128 * 1024))
    count = block_count(size, max(cut, 128 * 1024))
    hashes = b"".join(draw(st.lists(HASHES, min_size=count, max_size=count)))
    return draw(items(FileType.FILE))._replace(
        size=size,
        block_size=cut,
        hashes=hashes,
        blocks_hash=blocks_hash(hashes),
        previous_blocks_hash=draw(BYTES),
    )


def items(type: FileType) -> st.SearchStrategy[FileInfo]:
    """Items without content: deleted ones, unless they get some."""
    fields = {
        "name": NAMES,
        "type": st.just(type),
        "modified": TIMES,
        "modified_by": U64,
        "permissions": st.integers(0, 0o777),
        "no_permissions": st.booleans(),
        "version": VECTORS,
        "sequence": I63,
        "platform": PLATFORMS.map(encode_platform),
        "encrypted": BYTES,
        "local_flags": FLAGS,
    }
    return st.fixed_dictionaries(fields).map(lambda values: FileInfo(**values))  # type: ignore[arg-type]


FILES = st.one_of(
    regular_files(),
    items(FileType.DIRECTORY),
    items(FileType.SYMLINK).map(lambda item: item._replace(symlink_target=b"\xff/target")),
    *(items(type).map(lambda item: item._replace(deleted=True)) for type in FileType),
)
DEVICES = st.builds(
    Device,
    st.binary(min_size=32, max_size=32).map(DeviceID),
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
    st.sampled_from(Compression),
    TEXTS,
    I63,
    st.booleans(),
    U64,
    st.booleans(),
    BYTES,
)
SHARED = st.builds(
    Folder, FOLDERS, TEXTS, I31, I31, st.lists(DEVICES, max_size=3).map(lambda each: tuple(each))
)
FILE_LISTS = st.lists(FILES, max_size=4).map(lambda each: tuple(each))
PROGRESS = st.builds(
    FileProgress,
    st.sampled_from(UpdateType),
    NAMES,
    VECTORS,
    st.lists(I31, max_size=4).map(lambda each: tuple(each)),
    I31,
)
MESSAGES = st.one_of(
    st.builds(
        ClusterConfig, st.lists(SHARED, max_size=2).map(lambda each: tuple(each)), st.booleans()
    ),
    st.builds(Index, FOLDERS, FILE_LISTS, I63),
    st.builds(IndexUpdate, FOLDERS, FILE_LISTS, I63, I63),
    st.builds(
        Request,
        st.integers(-(2**31), 2**31 - 1),
        FOLDERS,
        NAMES,
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 32 * 1024 * 1024),
        HASHES,
        st.booleans(),
        I31,
    ),
    st.builds(Response, I31, st.binary(max_size=2000), st.sampled_from(ErrorCode)),
    st.builds(
        DownloadProgress, FOLDERS, st.lists(PROGRESS, max_size=3).map(lambda each: tuple(each))
    ),
    st.just(Ping()),
    st.builds(Close, TEXTS.filter(str.isprintable)),  # others are cleaned on arrival
)

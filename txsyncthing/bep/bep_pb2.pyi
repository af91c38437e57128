from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BlockInfoPb(_message.Message):
    __slots__ = ["hash", "offset", "size"]
    HASH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    offset: int
    size: int
    def __init__(self, offset: _Optional[int] = ..., size: _Optional[int] = ..., hash: _Optional[bytes] = ...) -> None: ...

class ClosePb(_message.Message):
    __slots__ = ["reason"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class ClusterConfigPb(_message.Message):
    __slots__ = ["folders", "secondary"]
    FOLDERS_FIELD_NUMBER: _ClassVar[int]
    SECONDARY_FIELD_NUMBER: _ClassVar[int]
    folders: _containers.RepeatedCompositeFieldContainer[FolderPb]
    secondary: bool
    def __init__(self, folders: _Optional[_Iterable[_Union[FolderPb, _Mapping]]] = ..., secondary: bool = ...) -> None: ...

class CounterPb(_message.Message):
    __slots__ = ["id", "value"]
    ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    id: int
    value: int
    def __init__(self, id: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...

class DevicePb(_message.Message):
    __slots__ = ["addresses", "cert_name", "compression", "encryption_password_token", "id", "index_id", "introducer", "max_sequence", "name", "skip_introduction_removals"]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    CERT_NAME_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_PASSWORD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_ID_FIELD_NUMBER: _ClassVar[int]
    INTRODUCER_FIELD_NUMBER: _ClassVar[int]
    MAX_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SKIP_INTRODUCTION_REMOVALS_FIELD_NUMBER: _ClassVar[int]
    addresses: _containers.RepeatedScalarFieldContainer[str]
    cert_name: str
    compression: int
    encryption_password_token: bytes
    id: bytes
    index_id: int
    introducer: bool
    max_sequence: int
    name: str
    skip_introduction_removals: bool
    def __init__(self, id: _Optional[bytes] = ..., name: _Optional[str] = ..., addresses: _Optional[_Iterable[str]] = ..., compression: _Optional[int] = ..., cert_name: _Optional[str] = ..., max_sequence: _Optional[int] = ..., introducer: bool = ..., index_id: _Optional[int] = ..., skip_introduction_removals: bool = ..., encryption_password_token: _Optional[bytes] = ...) -> None: ...

class DownloadProgressPb(_message.Message):
    __slots__ = ["folder", "updates"]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    folder: str
    updates: _containers.RepeatedCompositeFieldContainer[FileProgressPb]
    def __init__(self, folder: _Optional[str] = ..., updates: _Optional[_Iterable[_Union[FileProgressPb, _Mapping]]] = ...) -> None: ...

class FileInfoPb(_message.Message):
    __slots__ = ["block_size", "blocks", "blocks_hash", "deleted", "encrypted", "invalid", "modified_by", "modified_ns", "modified_s", "name", "no_permissions", "permissions", "platform", "previous_blocks_hash", "sequence", "size", "symlink_target", "type", "version"]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_HASH_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_BY_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_NS_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_S_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NO_PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_BLOCKS_HASH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SYMLINK_TARGET_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    block_size: int
    blocks: _containers.RepeatedScalarFieldContainer[bytes]
    blocks_hash: bytes
    deleted: bool
    encrypted: bytes
    invalid: bool
    modified_by: int
    modified_ns: int
    modified_s: int
    name: str
    no_permissions: bool
    permissions: int
    platform: bytes
    previous_blocks_hash: bytes
    sequence: int
    size: int
    symlink_target: bytes
    type: int
    version: bytes
    def __init__(self, name: _Optional[str] = ..., type: _Optional[int] = ..., size: _Optional[int] = ..., permissions: _Optional[int] = ..., modified_s: _Optional[int] = ..., deleted: bool = ..., invalid: bool = ..., no_permissions: bool = ..., version: _Optional[bytes] = ..., sequence: _Optional[int] = ..., modified_ns: _Optional[int] = ..., modified_by: _Optional[int] = ..., block_size: _Optional[int] = ..., platform: _Optional[bytes] = ..., blocks: _Optional[_Iterable[bytes]] = ..., symlink_target: _Optional[bytes] = ..., blocks_hash: _Optional[bytes] = ..., encrypted: _Optional[bytes] = ..., previous_blocks_hash: _Optional[bytes] = ...) -> None: ...

class FileProgressPb(_message.Message):
    __slots__ = ["block_indexes", "block_size", "name", "type", "version"]
    BLOCK_INDEXES_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    block_indexes: _containers.RepeatedScalarFieldContainer[int]
    block_size: int
    name: str
    type: int
    version: bytes
    def __init__(self, type: _Optional[int] = ..., name: _Optional[str] = ..., version: _Optional[bytes] = ..., block_indexes: _Optional[_Iterable[int]] = ..., block_size: _Optional[int] = ...) -> None: ...

class FolderPb(_message.Message):
    __slots__ = ["devices", "id", "label", "stop_reason", "type"]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    STOP_REASON_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[DevicePb]
    id: str
    label: str
    stop_reason: int
    type: int
    def __init__(self, id: _Optional[str] = ..., label: _Optional[str] = ..., type: _Optional[int] = ..., stop_reason: _Optional[int] = ..., devices: _Optional[_Iterable[_Union[DevicePb, _Mapping]]] = ...) -> None: ...

class HeaderPb(_message.Message):
    __slots__ = ["compression", "type"]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    compression: int
    type: int
    def __init__(self, type: _Optional[int] = ..., compression: _Optional[int] = ...) -> None: ...

class HelloPb(_message.Message):
    __slots__ = ["client_name", "client_version", "device_name", "num_connections", "timestamp"]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    client_name: str
    client_version: str
    device_name: str
    num_connections: int
    timestamp: int
    def __init__(self, device_name: _Optional[str] = ..., client_name: _Optional[str] = ..., client_version: _Optional[str] = ..., num_connections: _Optional[int] = ..., timestamp: _Optional[int] = ...) -> None: ...

class IndexPb(_message.Message):
    __slots__ = ["files", "folder", "last_sequence", "prev_sequence"]
    FILES_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PREV_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[FileInfoPb]
    folder: str
    last_sequence: int
    prev_sequence: int
    def __init__(self, folder: _Optional[str] = ..., files: _Optional[_Iterable[_Union[FileInfoPb, _Mapping]]] = ..., last_sequence: _Optional[int] = ..., prev_sequence: _Optional[int] = ...) -> None: ...

class PlatformPb(_message.Message):
    __slots__ = ["darwin", "freebsd", "linux", "netbsd", "unix", "windows"]
    DARWIN_FIELD_NUMBER: _ClassVar[int]
    FREEBSD_FIELD_NUMBER: _ClassVar[int]
    LINUX_FIELD_NUMBER: _ClassVar[int]
    NETBSD_FIELD_NUMBER: _ClassVar[int]
    UNIX_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    darwin: XattrsPb
    freebsd: XattrsPb
    linux: XattrsPb
    netbsd: XattrsPb
    unix: UnixPb
    windows: WindowsPb
    def __init__(self, unix: _Optional[_Union[UnixPb, _Mapping]] = ..., windows: _Optional[_Union[WindowsPb, _Mapping]] = ..., linux: _Optional[_Union[XattrsPb, _Mapping]] = ..., darwin: _Optional[_Union[XattrsPb, _Mapping]] = ..., freebsd: _Optional[_Union[XattrsPb, _Mapping]] = ..., netbsd: _Optional[_Union[XattrsPb, _Mapping]] = ...) -> None: ...

class RequestPb(_message.Message):
    __slots__ = ["block_no", "folder", "from_temporary", "hash", "id", "name", "offset", "size"]
    BLOCK_NO_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    FROM_TEMPORARY_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    block_no: int
    folder: str
    from_temporary: bool
    hash: bytes
    id: int
    name: str
    offset: int
    size: int
    def __init__(self, id: _Optional[int] = ..., folder: _Optional[str] = ..., name: _Optional[str] = ..., offset: _Optional[int] = ..., size: _Optional[int] = ..., hash: _Optional[bytes] = ..., from_temporary: bool = ..., block_no: _Optional[int] = ...) -> None: ...

class ResponsePb(_message.Message):
    __slots__ = ["code", "data", "id"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    code: int
    data: bytes
    id: int
    def __init__(self, id: _Optional[int] = ..., data: _Optional[bytes] = ..., code: _Optional[int] = ...) -> None: ...

class UnixPb(_message.Message):
    __slots__ = ["gid", "group_name", "owner_name", "uid"]
    GID_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    gid: int
    group_name: str
    owner_name: str
    uid: int
    def __init__(self, owner_name: _Optional[str] = ..., group_name: _Optional[str] = ..., uid: _Optional[int] = ..., gid: _Optional[int] = ...) -> None: ...

class VectorPb(_message.Message):
    __slots__ = ["counters"]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    counters: _containers.RepeatedCompositeFieldContainer[CounterPb]
    def __init__(self, counters: _Optional[_Iterable[_Union[CounterPb, _Mapping]]] = ...) -> None: ...

class WindowsPb(_message.Message):
    __slots__ = ["owner_is_group", "owner_name"]
    OWNER_IS_GROUP_FIELD_NUMBER: _ClassVar[int]
    OWNER_NAME_FIELD_NUMBER: _ClassVar[int]
    owner_is_group: bool
    owner_name: str
    def __init__(self, owner_name: _Optional[str] = ..., owner_is_group: bool = ...) -> None: ...

class XattrPb(_message.Message):
    __slots__ = ["name", "value"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: bytes
    def __init__(self, name: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...

class XattrsPb(_message.Message):
    __slots__ = ["xattrs"]
    XATTRS_FIELD_NUMBER: _ClassVar[int]
    xattrs: _containers.RepeatedCompositeFieldContainer[XattrPb]
    def __init__(self, xattrs: _Optional[_Iterable[_Union[XattrPb, _Mapping]]] = ...) -> None: ...

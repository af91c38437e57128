"""
What the configuration of a folder means for its parts.

Source: reference 6.2.
"""

from __future__ import annotations

from txsyncthing.config.folder import CopyRangeMethod, FolderConfig
from txsyncthing.filesystem.seam import CopyMethod
from txsyncthing.folder.rules import rules
from txsyncthing.pull.keeping import Versioner
from txsyncthing.pull.options import MinFree, PullOptions, window
from txsyncthing.scan.values import ScanOptions
from txsyncthing.vocabulary.attributes import Attributes, XattrRules
from txsyncthing.vocabulary.device import ShortID

_COPIES: dict[CopyRangeMethod, tuple[CopyMethod, ...]] = {
    CopyRangeMethod.STANDARD: (),
    CopyRangeMethod.IOCTL: (CopyMethod.CLONE,),
    CopyRangeMethod.COPY_FILE_RANGE: (CopyMethod.COPY,),
    CopyRangeMethod.SENDFILE: (CopyMethod.SEND,),
    CopyRangeMethod.DUPLICATE_EXTENTS: (),  # a call of Windows alone
    CopyRangeMethod.ALL: (CopyMethod.CLONE, CopyMethod.COPY, CopyMethod.SEND),
}


def pull_options(
    config: FolderConfig, short: ShortID, versioner: Versioner | None = None
) -> PullOptions:
    """
    What the configuration says of pulling.

    :param versioner: keeps old versions, where the configuration asks for that.
    """
    free = config.min_disk_free
    return PullOptions(
        folder=config.id,
        place=f"{config.description} ({config.path})",
        me=short,
        order=config.order,
        window=window(config.puller_max_pending_kib),
        ignore_permissions=config.ignore_perms,
        ignore_delete=config.ignore_delete,
        sync=not config.disable_fsync,
        sparse=not config.disable_sparse_files,
        max_conflicts=config.max_conflicts,
        min_free=MinFree(free.value, 0) if free.percentage else MinFree(0.0, int(free.bytes)),
        copiers=max(0, config.copiers),
        max_writes=config.max_concurrent_writes,
        block_order=config.block_pull_order,
        cross_copy=config.block_indexing,
        copy_methods=_COPIES[config.copy_range_method],
        case_sensitive=config.case_sensitive_fs,
        time_window=config.mod_time_window_s * 1_000_000_000,
        attributes=attributes(config),
        versioner=versioner,
    )


def scan_options(config: FolderConfig) -> ScanOptions:
    """What the configuration says of scanning."""
    return ScanOptions(
        ignore_permissions=config.ignore_perms,
        auto_normalize=config.auto_normalize,
        modified_window=config.mod_time_window_s * 1_000_000_000,
        local_flags=rules(config.type).local_flags,
        hashers=max(0, config.hashers),
        attributes=attributes(config),
    )


def attributes(config: FolderConfig) -> Attributes:
    """What the configuration says of owners and extended attributes; whoever takes them tells them."""
    pulls = rules(config.type).pulls
    filter = config.xattr_filter
    return Attributes(
        tells_owner=config.send_ownership or config.sync_ownership,
        takes_owner=config.sync_ownership and pulls,
        tells_xattrs=config.send_xattrs or config.sync_xattrs,
        takes_xattrs=config.sync_xattrs and pulls,
        inherits_owner=config.copy_ownership_from_parent and not config.sync_ownership,
        rules=XattrRules(
            tuple((entry.match, entry.permit) for entry in filter.entries),
            filter.max_single_entry_size,
            filter.max_total_size,
        ),
    )

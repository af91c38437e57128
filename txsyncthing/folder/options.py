"""
What the configuration of a folder means for its parts.

Source: reference 6.2.
"""

from __future__ import annotations

from txsyncthing.config.folder import FolderConfig
from txsyncthing.folder.rules import rules
from txsyncthing.pull.keeping import Versioner
from txsyncthing.pull.options import MinFree, PullOptions, window
from txsyncthing.scan.values import ScanOptions
from txsyncthing.vocabulary.device import ShortID


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
        me=short,
        order=config.order,
        window=window(config.puller_max_pending_kib),
        ignore_permissions=config.ignore_perms,
        ignore_delete=config.ignore_delete,
        sync=not config.disable_fsync,
        sparse=not config.disable_sparse_files,
        max_conflicts=config.max_conflicts,
        min_free=MinFree(free.value, 0) if free.percentage else MinFree(0.0, int(free.bytes)),
        time_window=config.mod_time_window_s * 1_000_000_000,
        versioner=versioner,
    )


def scan_options(config: FolderConfig) -> ScanOptions:
    """What the configuration says of scanning."""
    return ScanOptions(
        ignore_permissions=config.ignore_perms,
        auto_normalize=config.auto_normalize,
        modified_window=config.mod_time_window_s * 1_000_000_000,
        local_flags=rules(config.type).local_flags,
        hashers=config.hashers,
    )

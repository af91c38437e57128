"""Each setting of a folder reaches the part that it is for."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from txsyncthing.config.folder import BlockPullOrder, CopyRangeMethod, FolderConfig
from txsyncthing.config.size import Size
from txsyncthing.filesystem.seam import CopyMethod, Space
from txsyncthing.folder.options import pull_options, scan_options
from txsyncthing.pull.options import MinFree
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.folder import FolderID, PullOrder

CONFIG = FolderConfig(id=FolderID("docs"), label="Docs", path="/d")
KIB, GIB = 1024, 1024**3

PULL: list[tuple[str, object, str, object]] = [
    ("order", PullOrder.NEWEST_FIRST, "order", PullOrder.NEWEST_FIRST),
    ("puller_max_pending_kib", 0, "window", 32768 * KIB),
    ("puller_max_pending_kib", 1, "window", 16384 * KIB),
    ("puller_max_pending_kib", 50000, "window", 50000 * KIB),
    ("ignore_perms", True, "ignore_permissions", True),
    ("ignore_delete", True, "ignore_delete", True),
    ("disable_fsync", True, "sync", False),
    ("disable_sparse_files", True, "sparse", False),
    ("copiers", 3, "copiers", 3),
    ("copiers", -1, "copiers", 0),
    ("max_concurrent_writes", 1, "max_writes", 1),
    ("block_pull_order", BlockPullOrder.RANDOM, "block_order", BlockPullOrder.RANDOM),
    ("block_indexing", False, "cross_copy", False),
    ("max_conflicts", -1, "max_conflicts", -1),
    ("case_sensitive_fs", True, "case_sensitive", True),
    ("mod_time_window_s", 2, "time_window", 2_000_000_000),
    ("copy_range_method", CopyRangeMethod.STANDARD, "copy_methods", ()),
    ("copy_range_method", CopyRangeMethod.IOCTL, "copy_methods", (CopyMethod.CLONE,)),
    ("copy_range_method", CopyRangeMethod.COPY_FILE_RANGE, "copy_methods", (CopyMethod.COPY,)),
    ("copy_range_method", CopyRangeMethod.SENDFILE, "copy_methods", (CopyMethod.SEND,)),
    ("copy_range_method", CopyRangeMethod.DUPLICATE_EXTENTS, "copy_methods", ()),
    ("copy_range_method", CopyRangeMethod.ALL, "copy_methods", tuple(CopyMethod)),
    ("min_disk_free", Size(0, "%"), "min_free", MinFree(0.0, 0)),
    ("min_disk_free", Size(2.5, "%"), "min_free", MinFree(2.5, 0)),
    ("min_disk_free", Size(3, "kB"), "min_free", MinFree(0.0, 3000)),
    ("min_disk_free", Size(2, "GB"), "min_free", MinFree(0.0, 2_000_000_000)),
    ("label", "Docs", "place", '"Docs" (docs) (/d)'),
]
SCAN: list[tuple[str, object, str, object]] = [
    ("ignore_perms", True, "ignore_permissions", True),
    ("auto_normalize", False, "auto_normalize", False),
    ("mod_time_window_s", 2, "modified_window", 2_000_000_000),
    ("hashers", 3, "hashers", 3),
    ("hashers", -1, "hashers", 0),
]


@pytest.mark.parametrize(("setting", "value", "field", "meant"), PULL)
def test_a_setting_reaches_the_puller(
    setting: str, value: object, field: str, meant: object
) -> None:
    options = pull_options(replace(CONFIG, **{setting: value}), ShortID(7))  # type: ignore[arg-type]
    assert getattr(options, field) == meant


@pytest.mark.parametrize(("setting", "value", "field", "meant"), SCAN)
def test_a_setting_reaches_the_scanner(
    setting: str, value: object, field: str, meant: object
) -> None:
    options = scan_options(replace(CONFIG, **{setting: value}))  # type: ignore[arg-type]
    assert getattr(options, field) == meant


def test_what_must_stay_free_is_a_share_or_an_amount() -> None:
    space = Space(free=GIB, total=100 * GIB)
    assert MinFree(1.0, 0).needed(space) == GIB
    assert MinFree(0.0, 5000).needed(space) == 5000
    assert MinFree(0.0, 0).needed(space) == 0
    assert MinFree(1.0, 0).room(space) == 0
    assert MinFree(0.0, 5000).room(space) == GIB - 5000


@pytest.mark.parametrize("least", [MinFree(1.0, 0), MinFree(0.0, 5000), MinFree(0.0, 0)])
def test_what_does_not_tell_its_size_is_not_full(least: MinFree) -> None:
    """ramfs, for one, and some network file systems."""
    assert least.room(Space(free=0, total=0)) > 1 << 60


# Who honours each setting; a new one must be put here, and honoured.
ELSEWHERE = {
    "id": "config",
    "label": "api",
    "filesystem_type": "folder/rules.py",
    "path": "node",
    "type": "folder/rules.py",
    "devices": "cluster",
    "group": "api",
    "rescan_interval_s": "folder/service.py",
    "fs_watcher_enabled": "watch",
    "fs_watcher_delay_s": "watch",
    "fs_watcher_timeout_s": "watch",
    "versioning": "versions",
    "scan_progress_interval_s": "folder/pace.py",
    "puller_pause_s": "folder/schedule.py",
    "puller_delay_s": "folder/schedule.py",
    "disable_temp_indexes": "folder/service.py",
    "paused": "node",
    "weak_hash_threshold_pct": "kept; the weak hash is gone since 2.0 and was off by then",
    "marker_name": "filesystem/metadata.py",
    "junctions_as_dirs": "kept; Linux has none",
    "copy_ownership_from_parent": "ownership",
    "sync_ownership": "ownership",
    "send_ownership": "ownership",
    "sync_xattrs": "attributes",
    "send_xattrs": "attributes",
    "xattr_filter": "attributes",
}


def test_no_setting_is_silently_ignored() -> None:
    here = {setting for setting, *_ in (*PULL, *SCAN)}
    assert {field.name for field in fields(FolderConfig)} == here | set(ELSEWHERE)

"""
The tables of one folder's database.

Local records lie in order of their sequence number, which is what index senders read; scans walk them by
name over ``local_name``. Remote records lie by name, all devices' versions of one name beside each other,
which is what the choice of the global version reads. A list of more than four hashes is kept once, in
``lists``; shorter ones stand in the row, so that small files cost no second tree.
"""

from __future__ import annotations

APPLICATION = 0x74785379  # "txSy"
VERSION = 1
INLINE_HASHES = 4  # block lists up to this length stand in the row

# What local and remote records share, in the order of rows.py.
_COLUMNS = """
    name TEXT NOT NULL,
    type INTEGER NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,        -- ns
    modified_by INTEGER NOT NULL,     -- u64 as signed
    permissions INTEGER NOT NULL,
    no_permissions INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    version BLOB NOT NULL,            -- canonical, see rows.py
    sequence INTEGER {sequence},
    block_size INTEGER NOT NULL,
    hashes BLOB,                      -- of short block lists
    blocks_hash BLOB,                 -- of long ones: key of lists
    previous_blocks_hash BLOB,
    symlink_target BLOB,
    platform BLOB,
    encrypted BLOB,
    local_flags INTEGER NOT NULL,
    inode_change INTEGER NOT NULL,    -- ns; only local
"""

SCHEMA = f"""
-- Everybody whose records are here; row 0 is us. files: number of records in remote.
CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    device BLOB NOT NULL UNIQUE,
    index_id INTEGER NOT NULL DEFAULT 0,  -- u64 as signed
    sequence INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0
);
-- Our records. global: 1 when ours is the global version.
CREATE TABLE local ({_COLUMNS.format(sequence="PRIMARY KEY")}
    global INTEGER NOT NULL
);
CREATE UNIQUE INDEX local_name ON local (name);
CREATE INDEX local_list ON local (blocks_hash) WHERE blocks_hash IS NOT NULL;
-- The peers' records. state: 1 this one is the global version, 3 and we need it.
CREATE TABLE remote ({_COLUMNS.format(sequence="NOT NULL")}
    device INTEGER NOT NULL,
    state INTEGER NOT NULL,
    PRIMARY KEY (name, device)
) WITHOUT ROWID;
CREATE INDEX remote_needed ON remote (name) WHERE state = 3;
CREATE INDEX remote_list ON remote (blocks_hash) WHERE blocks_hash IS NOT NULL;
-- Long block lists: the hashes behind each other. Unused ones go at maintenance.
CREATE TABLE lists (blocks_hash BLOB PRIMARY KEY, hashes BLOB NOT NULL);
-- Block lookup for local files, filled on the first question after a change, see blocks.py.
CREATE TABLE blocks (
    key INTEGER NOT NULL,
    sequence INTEGER NOT NULL,        -- of the local record
    number INTEGER NOT NULL,          -- of the block; -1: the key is of the whole list
    PRIMARY KEY (key, sequence, number)
) WITHOUT ROWID;
-- Totals, changed with the records in one transaction. kind: see counts.py; device 0 for our own.
CREATE TABLE totals (
    kind INTEGER NOT NULL,
    device INTEGER NOT NULL,
    files INTEGER NOT NULL,
    directories INTEGER NOT NULL,
    symlinks INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (kind, device)
) WITHOUT ROWID;
CREATE TABLE facts (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""

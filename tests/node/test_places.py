"""Directories for folders that are accepted by themselves: on a real disk, and in whole nodes."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from txsyncthing.cluster.auto_accept import Candidate
from txsyncthing.config.config import Configuration, Defaults, Ignores
from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.node.places import claim, release
from txsyncthing.testing.cluster import Cluster
from txsyncthing.vocabulary.folder import FolderID

MUSIC = FolderID("music")
CANDIDATE = Candidate(MUSIC, "Music", False, ("Music", "music"))


def storage(folder: FolderConfig) -> DiskFilesystem:
    return DiskFilesystem(folder.path)


def configured(base: Path, *folders: Path, lines: tuple[str, ...] = ()) -> Configuration:
    return Configuration(
        folders=tuple(FolderConfig(id=FolderID(str(path)), path=str(path)) for path in folders),
        defaults=Defaults(folder=FolderConfig(path=str(base)), ignores=Ignores(lines)),
    )


claimed = partial(claim, storage, os.path.realpath)


def test_a_directory_is_made_with_the_default_ignores_in_it(tmp_path: Path) -> None:
    base = tmp_path / "not" / "yet"
    found, troubles = claimed(configured(base, lines=("*.tmp", "// x")), [CANDIDATE])
    assert (found, troubles) == ({MUSIC: str(base / "Music")}, [])
    assert (base / "Music" / ".stignore").read_text() == "*.tmp\n// x\n"
    assert {path.stat().st_mode & 0o777 for path in (base, base / "Music")} == {0o700}


def test_an_encrypted_folder_has_no_ignores(tmp_path: Path) -> None:
    found, _ = claimed(configured(tmp_path, lines=("x",)), [CANDIDATE._replace(encrypted=True)])
    assert list((tmp_path / "Music").iterdir()) == [] and found


@pytest.mark.parametrize("kind", ["directory", "file", "symlink", "dangling"])
def test_what_exists_is_never_taken_over(tmp_path: Path, kind: str) -> None:
    taken = tmp_path / "Music"
    elsewhere = tmp_path / "elsewhere"
    if kind == "directory":
        taken.mkdir()
    elif kind == "file":
        taken.touch()
    else:
        taken.symlink_to(elsewhere)
        if kind == "symlink":
            elsewhere.mkdir()
    found, _ = claimed(configured(tmp_path), [CANDIDATE])
    assert found == {MUSIC: str(tmp_path / "music")}
    again, _ = claimed(configured(tmp_path), [CANDIDATE])
    assert again == {}


def test_the_place_of_a_folder_whose_disk_is_away_is_not_taken(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.symlink_to(tmp_path)
    configuration = configured(tmp_path, other / "Music")
    found, _ = claimed(configuration, [CANDIDATE])
    assert found == {MUSIC: str(tmp_path / "music")}
    assert not (tmp_path / "Music").exists()


def test_two_of_one_label_get_two_directories(tmp_path: Path) -> None:
    second = Candidate(FolderID("b"), "Music", False, ("Music", "b"))
    found, _ = claimed(configured(tmp_path), [CANDIDATE, second])
    assert found == {MUSIC: str(tmp_path / "Music"), second.folder: str(tmp_path / "b")}


def test_a_base_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found, (trouble,) = claimed(configured(tmp_path / "file" / "x"), [CANDIDATE])
    assert found == {} and "Not a directory" in trouble
    empty = replace(configured(tmp_path), defaults=Defaults(folder=FolderConfig(path="")))
    found, (trouble,) = claimed(empty, [CANDIDATE])
    assert found == {} and "no path" in trouble


def test_what_is_given_back_goes_unless_somebody_used_it(tmp_path: Path) -> None:
    second = Candidate(FolderID("b"), "B", False, ("B",))
    found, _ = claimed(configured(tmp_path, lines=("x",)), [CANDIDATE, second])
    (tmp_path / "B" / "mine").touch()
    release(storage, [*found.values(), str(tmp_path / "gone")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["B"]


def test_whole_nodes_accept_and_sync_a_folder() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    docs = FolderID("docs")
    cluster.share(docs, alice, bob)
    bob.holder.modify(
        lambda old: replace(
            old,
            devices=tuple(replace(one, auto_accept_folders=True) for one in old.devices),
            defaults=Defaults(FolderConfig(path="/sync"), ignores=Ignores(("secret",))),
        )
    )
    cluster.run(5.0)
    bob_only = bob.device

    def share(old: Configuration) -> Configuration:
        members = old.folders[0].devices
        assert any(one.id == bob_only for one in members)
        new = FolderConfig(id=MUSIC, label="My: Music", path="/music", devices=members)
        return replace(old, folders=(*old.folders, new))

    alice.holder.modify(share)
    alice.disk(MUSIC).put("song", b"la")
    alice.disk(MUSIC).put("secret", b"x")
    running = alice.node.folders.get(MUSIC)
    assert running is not None
    running.scan()
    cluster.run_until(lambda: bob.holder.current.folder(MUSIC) is not None, 60.0)
    folder = bob.holder.current.folder(MUSIC)
    assert folder is not None and (folder.path, folder.label) == ("/sync/My Music", "My: Music")
    cluster.run_until(lambda: bob.disk(MUSIC).tree().get("song") == b"la", 60.0)
    assert "secret" not in bob.disk(MUSIC).tree()
    cluster.stop()

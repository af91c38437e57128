"""What must hold between our node and each official daemon, in both directions."""

from __future__ import annotations

import os
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import Daemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import conflicts, temporary
from tests.interop.harness.waiting import wait_until


@dataclass
class Scene:
    """A folder of its own for a test, with the side where changes are made and the side that must follow."""

    pair: Pair
    folder: str
    origin: Daemon
    follower: Daemon

    @property
    def here(self) -> Path:
        return self.origin.folders[self.folder]

    @property
    def there(self) -> Path:
        return self.follower.folders[self.folder]

    def write(self, **files: bytes) -> None:
        for name, content in files.items():
            (self.here / name).write_bytes(content)

    def sync(self, timeout: float = 60.0) -> None:
        """Scan the origin and wait until both agree; nothing unfinished or in conflict stays."""
        self.pair.sync(self.folder, self.origin, timeout=timeout)
        assert temporary(self.there) == []
        assert conflicts(self.there) == []

    def apart(self) -> None:
        """Pause the connection, at the origin only: a resumed device is dialled at once."""
        self.origin.post("/rest/system/pause", device=self.follower.device)
        wait_until(lambda: not self.follower.connected(self.origin.device), "they are apart")

    def together(self) -> None:
        """Scan both sides, resume the connection, wait until both agree."""
        for daemon in self.pair.both:
            daemon.rescan(self.folder)
        self.origin.post("/rest/system/resume", device=self.follower.device)
        self.pair.wait_connected()
        self.pair.wait_in_sync(self.folder)
        self.pair.sync(self.folder)  # a conflict copy may only now be found


@pytest.fixture(params=["from us", "from them"])
def scene(pair: Pair, request: pytest.FixtureRequest) -> Scene:
    origin, follower = pair.both if request.param == "from us" else (pair.right, pair.left)
    return Scene(pair, pair.take_folder(), origin, follower)


def test_new_files_of_all_sizes_arrive(scene: Scene) -> None:
    block = 128 * 1024
    for size in (0, 1, block - 1, block, block + 1, 3 * block, 5 * MIB + 7):
        fill(scene.here / f"{size} bytes", size, seed=size)
    scene.sync()
    assert (scene.there / "0 bytes").read_bytes() == b""


def test_a_file_of_zeros_arrives(scene: Scene) -> None:
    with (scene.here / "zeros").open("wb") as file:
        file.truncate(8 * MIB)
        file.write(b"begin")
        file.seek(5 * MIB + 3)
        file.write(b"middle")
    scene.sync()


def test_edits_arrive(scene: Scene) -> None:
    scene.write(same_length=b"before", longer=b"short", shorter=b"something long", emptied=b"full")
    fill(scene.here / "appended", 3 * MIB, 1)
    fill(scene.here / "truncated", 3 * MIB, 2)
    fill(scene.here / "patched", 3 * MIB, 3)
    scene.sync()
    scene.write(
        same_length=b"behind", longer=b"not so short any more", shorter=b"short", emptied=b""
    )
    with (scene.here / "appended").open("ab") as file:
        file.write(b"and more")
    os.truncate(scene.here / "truncated", MIB + 1)
    with (scene.here / "patched").open("r+b") as file:
        file.seek(MIB)
        file.write(b"changed in the middle")
    scene.sync()
    assert (scene.there / "same_length").read_bytes() == b"behind"


def test_only_the_changed_block_of_a_big_file_travels(scene: Scene) -> None:
    fill(scene.here / "big", 32 * MIB)
    scene.sync()
    before = received(scene.follower, scene.origin)
    with (scene.here / "big").open("r+b") as file:
        file.seek(20 * MIB)
        file.write(b"changed")
    scene.sync()
    assert received(scene.follower, scene.origin) - before < 2 * MIB


def test_deletions_arrive(scene: Scene) -> None:
    fill(scene.here / "gone", 100)
    fill(scene.here / "stays", 100)
    fill(scene.here / "tree" / "with" / "files", 100)
    (scene.here / "tree" / "empty").mkdir()
    os.symlink("nowhere", scene.here / "link")
    scene.sync()
    (scene.here / "gone").unlink()
    (scene.here / "link").unlink()
    shutil.rmtree(scene.here / "tree")
    scene.sync()
    assert sorted(os.listdir(scene.there)) == [".stfolder", "stays"]


def test_what_was_deleted_can_come_back(scene: Scene) -> None:
    scene.write(phoenix=b"first life")
    scene.sync()
    (scene.here / "phoenix").unlink()
    scene.sync()
    scene.write(phoenix=b"second life")
    scene.sync()
    assert (scene.there / "phoenix").read_bytes() == b"second life"


def test_renames_arrive_without_transfer(scene: Scene) -> None:
    fill(scene.here / "old name", 8 * MIB)
    for number in range(20):
        fill(scene.here / "old directory" / f"file {number}", MIB // 2, number)
    scene.sync()
    before = received(scene.follower, scene.origin)
    (scene.here / "old name").rename(scene.here / "new name")
    (scene.here / "old directory").rename(scene.here / "new directory")
    scene.sync()
    assert received(scene.follower, scene.origin) - before < MIB


def test_a_renamed_and_edited_file_arrives(scene: Scene) -> None:
    fill(scene.here / "draft", 3 * MIB)
    scene.sync()
    (scene.here / "draft").rename(scene.here / "final")
    with (scene.here / "final").open("ab") as file:
        file.write(b"the end")
    scene.sync()


def test_two_files_can_swap_names(scene: Scene) -> None:
    scene.write(a=b"was a, and longer", b=b"was b")
    scene.sync()
    (scene.here / "a").rename(scene.here / "c")
    (scene.here / "b").rename(scene.here / "a")
    (scene.here / "c").rename(scene.here / "b")
    scene.sync()


def test_empty_and_deep_directories_arrive(scene: Scene) -> None:
    (scene.here / "empty").mkdir()
    deep = scene.here.joinpath(*["deep"] * 60)
    fill(deep / "bottom", 10)
    (deep / "empty").mkdir()
    for number in range(70):  # else the guard would hold the deletions
        fill(scene.here / "beside" / f"{number}", 10)
    scene.sync()
    shutil.rmtree(scene.here / "deep" / "deep")
    scene.sync()
    assert os.listdir(scene.there / "deep") == []


def test_symlinks_arrive_and_change(scene: Scene) -> None:
    fill(scene.here / "directory" / "file", 10)
    targets = ("directory", "directory/file", "nowhere", "/etc/hostname", "../..", "ünï cödé")
    for number, target in enumerate(targets):
        os.symlink(target, scene.here / f"link {number}")
    scene.sync()
    (scene.here / "link 0").unlink()
    os.symlink("elsewhere", scene.here / "link 0")
    scene.sync()
    assert os.readlink(scene.there / "link 0") == "elsewhere"


def test_modes_arrive_alone_and_with_files(scene: Scene) -> None:
    modes = (0o644, 0o600, 0o755, 0o444, 0o400, 0o777, 0o700, 0o640)
    for mode in modes:
        fill(scene.here / f"file {mode:o}", 10, mode)
        (scene.here / f"file {mode:o}").chmod(mode)
    for mode in (0o755, 0o700, 0o777, 0o500):
        fill(scene.here / f"directory {mode:o}" / "inside", 10, mode)
        (scene.here / f"directory {mode:o}").chmod(mode)
    scene.sync()
    (scene.here / "file 644").chmod(0o755)
    (scene.here / "file 777").chmod(0o600)
    (scene.here / "directory 755").chmod(0o711)
    scene.sync()
    assert (scene.there / "file 644").stat().st_mode & 0o777 == 0o755


def test_files_appear_in_a_directory_without_write_permission(scene: Scene) -> None:
    fill(scene.here / "read only" / "first", 10)
    (scene.here / "read only").chmod(0o555)
    scene.sync()
    fill(scene.here / "read only" / "second", 10)
    scene.sync()


def test_times_alone_arrive(scene: Scene) -> None:
    fill(scene.here / "touched", MIB)
    fill(scene.here / "ancient", 10)
    os.utime(scene.here / "ancient", ns=(0, -86_400_123_456_789))
    scene.sync()
    os.utime(scene.here / "touched", ns=(0, 1_234_567_890_123_456_789))
    scene.sync()


ODD_NAMES = [
    "new\nline",
    "x" * 255,
    "ü" * 127,
    unicodedata.normalize("NFC", "Ångström é ñ"),
    "日本語のファイル",
    "😀 emoji",
    " leading and trailing ",
    "'quotes\" and \\ backslash",
    "-dash",
    "glob*?[a]{b}",
    "CON",
    "trailing.",
    "tab\tand\rreturn",
    "Case",
    "~tilde",
    ".hidden",
    "...",
    "#hash;semicolon:colon",
    "\x7f\x01",
    "a.sync-conflicted",
]


def test_odd_names_arrive(scene: Scene) -> None:
    for number, name in enumerate(ODD_NAMES):
        fill(scene.here / name, 100, number)
        fill(scene.here / "directories" / name / "inside", 10, number)
    scene.sync()
    for name in ODD_NAMES:
        (scene.here / name).write_bytes(b"edited")
    scene.sync()


def test_a_decomposed_name_becomes_composed(scene: Scene) -> None:
    (scene.here / unicodedata.normalize("NFD", "é")).write_bytes(b"accent")
    scene.sync()
    assert (scene.there / unicodedata.normalize("NFC", "é")).read_bytes() == b"accent"


def test_files_directories_and_links_swap_their_kinds(scene: Scene) -> None:
    kinds = ("file", "directory", "link")

    def make(path: Path, kind: str) -> None:
        if kind == "file":
            fill(path, 100)
        elif kind == "directory":
            fill(path / "inside" / "deeper", 100)
        else:
            os.symlink("target", path)

    changes = [(old, new) for old in kinds for new in kinds if old != new]
    for old, new in changes:
        make(scene.here / f"{old} to {new}", old)
    scene.sync()
    for old, new in changes:
        path = scene.here / f"{old} to {new}"
        if old == "directory":
            shutil.rmtree(path)
        else:
            path.unlink()
        make(path, new)
    scene.sync()


def test_a_file_of_300_mib_arrives(scene: Scene) -> None:
    fill(scene.here / "big", 300 * MIB)
    scene.sync(timeout=180)


def test_ten_thousand_small_files_arrive(scene: Scene) -> None:
    for number in range(10_000):
        path = scene.here / f"directory {number % 100}" / f"file {number}"
        if number < 100:
            path.parent.mkdir()
        path.write_bytes(b"%d" % number * 100)
    scene.sync(timeout=180)
    shutil.rmtree(scene.here / "directory 7")
    scene.sync()


def test_both_sides_may_change_different_things(scene: Scene) -> None:
    for number in range(50):
        fill(scene.here / f"file {number}", 1000, number)
    scene.sync()
    scene.apart()
    for number in range(25):
        fill(scene.here / f"file {number}", 2000, number)
        fill(scene.there / f"file {number + 25}", 3000, number)
        fill(scene.there / f"new {number}", 4000, number)
    scene.together()
    assert conflicts(scene.here) == []
    assert (scene.here / "file 30").stat().st_size == 3000
    assert (scene.there / "file 20").stat().st_size == 2000


def test_of_two_edits_the_newer_wins_and_the_other_is_kept(scene: Scene) -> None:
    scene.write(**{"note.txt": b"common"})
    scene.sync()
    scene.apart()
    (scene.here / "note.txt").write_bytes(b"newer")
    (scene.there / "note.txt").write_bytes(b"older edit")
    os.utime(scene.there / "note.txt", (1_500_000_000, 1_500_000_000))
    scene.together()
    assert (scene.here / "note.txt").read_bytes() == b"newer"
    [copy] = conflicts(scene.here)
    assert (scene.here / copy).read_bytes() == b"older edit"
    assert copy.startswith("note.sync-conflict-")
    assert copy.endswith(f"-{scene.origin.device[:7]}.txt")


def test_an_edit_beats_a_deletion(scene: Scene) -> None:
    scene.write(edited_here=b"common", edited_there=b"common")
    scene.sync()
    scene.apart()
    (scene.here / "edited_here").write_bytes(b"edited")
    (scene.there / "edited_here").unlink()
    (scene.there / "edited_there").write_bytes(b"edited")
    (scene.here / "edited_there").unlink()
    scene.together()
    assert (scene.there / "edited_here").read_bytes() == b"edited"
    assert (scene.here / "edited_there").read_bytes() == b"edited"
    assert conflicts(scene.here) == []


def test_the_same_file_made_on_both_sides_is_no_conflict(scene: Scene) -> None:
    scene.apart()
    (scene.here / "same").write_bytes(b"equal")
    (scene.there / "same").write_bytes(b"equal")
    (scene.there / "same").chmod(0o600)
    scene.together()
    assert conflicts(scene.here) == []


def test_both_deleting_is_no_conflict(scene: Scene) -> None:
    scene.write(gone=b"common")
    scene.sync()
    scene.apart()
    (scene.here / "gone").unlink()
    (scene.there / "gone").unlink()
    scene.together()
    assert os.listdir(scene.here) == [".stfolder"]


def test_a_change_during_the_others_change_loses_nothing(scene: Scene) -> None:
    """Both edit, neither has scanned: the follower meets a file that it does not know."""
    scene.write(note=b"common")
    scene.sync()
    (scene.there / "note").write_bytes(b"not yet scanned")
    os.utime(scene.there / "note", (1_500_000_000, 1_500_000_000))
    scene.write(note=b"newer")
    scene.origin.rescan(scene.folder)
    wait_until(lambda: conflicts(scene.here), "the conflict copy arrives", 90)
    scene.pair.sync(scene.folder)
    contents = {path.read_bytes() for path in scene.here.iterdir() if path.is_file()}
    assert contents == {b"newer", b"not yet scanned"}


def test_ignored_files_stay_where_they_are(scene: Scene) -> None:
    lines = ["// made by the test", "!kept.tmp", "*.tmp", "/build", "(?i)upper", "*.[oa]"]
    (scene.here / ".stignore").write_text("\n".join(lines) + "\n")
    for name in ("kept.tmp", "other.tmp", "build/out", "sub/build/in", "UPPER", "x.o", "sub/y.tmp"):
        fill(scene.here / name, 10)
    scene.origin.rescan(scene.folder)
    arrived = {".stfolder", "kept.tmp", "sub"}
    wait_until(lambda: set(os.listdir(scene.there)) == arrived, "what is not ignored arrives")
    scene.pair.wait_in_sync(scene.folder)
    assert sorted(path.name for path in scene.there.rglob("*")) == sorted(
        [".stfolder", "kept.tmp", "sub", "build", "in"]
    )


def test_ignoring_a_synced_file_deletes_nothing(scene: Scene) -> None:
    scene.write(common=b"on both")
    scene.sync()
    (scene.here / ".stignore").write_text("common\n")
    scene.origin.rescan(scene.folder)
    scene.write(marker=b"sent after the ignore")
    scene.origin.rescan(scene.folder)
    wait_until((scene.there / "marker").exists, "the follower heard of it")
    assert (scene.here / "common").read_bytes() == b"on both"
    assert (scene.there / "common").read_bytes() == b"on both"


def test_the_follower_does_not_fetch_what_it_ignores(scene: Scene) -> None:
    (scene.there / ".stignore").write_text("*.iso\n")
    scene.follower.rescan(scene.folder)
    fill(scene.here / "big.iso", MIB)
    fill(scene.here / "small", 10)
    scene.origin.rescan(scene.folder)
    wait_until((scene.there / "small").exists, "what is not ignored arrives")
    wait_until(lambda: scene.follower.status(scene.folder)["state"] == "idle", "it is idle")
    assert scene.follower.status(scene.folder)["needTotalItems"] == 0
    assert not (scene.there / "big.iso").exists()


def received(daemon: Daemon, peer: Daemon) -> int:
    """Bytes it has received from the peer over the present connection."""
    connections = daemon.get("/rest/system/connections")["connections"]
    return int(connections[peer.device]["inBytesTotal"])

"""
Names that begin with a dot are synced like all others.

Young implementations skip "hidden" files, or all that begins like Syncthing's own names: ``.bashrc``,
``.git`` and ``.stfolders`` would be missing on the other devices, unnoticed until the original is lost. Only
the marker, the ignore file, the old versions and unfinished downloads stay where they are.
"""

from __future__ import annotations

import pytest

from tests.pull.folder import Folder as Puller
from tests.pull.folder import directory, file, symlink
from tests.scan.folder import Folder as Scanned

DOTTED = [
    ".bashrc",
    ".git/config",
    ".hidden/.deeper/.file",
    "...",
    ".stfolders",
    ".stfolder.removed",
    ".stignore_global",
    ".stversion",
    ".syncthing",
    "sub/.syncthing/x",
    ".syncthin.x.tmp",
    "sub/.stignore",
    "sub/.stfolder/x",
    "sub/.stversions/x",
    "~backup",
]
OWN = [".stfolder/x", ".stignore", ".stversions/x", ".syncthing.x.tmp", "sub/~syncthing~x.tmp"]


def test_a_scan_finds_them_all_but_our_own() -> None:
    folder = Scanned()
    for name in (*DOTTED, *OWN):
        folder.disk.put(name, name.encode())
    assert folder.scan().errors == ()
    found = {str(file.name) for file in folder.told if file.is_file}
    assert found == set(DOTTED)
    folder.close()


@pytest.mark.parametrize("name", DOTTED)
def test_a_pull_brings_them(name: str) -> None:
    folder = Puller()
    parts = name.split("/")
    for count in range(1, len(parts)):
        folder.offer((directory("/".join(parts[:count]), count), b""))
    folder.offer((file(name, b"bytes", 9), b"bytes"), (symlink(f"{name}-link", b".to", 10), b""))
    assert folder.pull().failed == ()
    assert folder.read(name) == b"bytes"
    assert folder.disk.read_link(f"{name}-link") == b".to"
    folder.close()

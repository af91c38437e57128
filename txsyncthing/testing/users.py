"""
A user of a simulated node: edits of all kinds, each of them noted in the ledger.

An edit is whole between two operations of the node, and durable at once: what a power cut takes of a user's
own bytes before they reach the disk, no program of ours could bring back.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.memory_file import MemoryFile
from txsyncthing.filesystem.seam import Kind
from txsyncthing.testing.ledger import Item, Ledger, look, visible
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import is_conflict, parent

NAMES = ("a", "b", "c.txt", "d", "d/e", "d/f.txt", "d/g", "d/g/h", "i", "i/j", "k/l/m")
SIZES = (
    0,
    150_000,
    300_000,
    1_200_000,
)  # bytes: of one, two and three blocks, and assembled on disk
LARGE = 0.12  # the share of contents that are larger than a line
MODES = (0o644, 0o600, 0o755, 0o444)
HOUR = 3600 * 1_000_000_000

Edit = Callable[["User", Random], "list[str] | None"]
"""Does something and says to which names; None where it does not apply."""


class User:
    """
    :param disk: the storage now; another one may take its place.
    :param record: what the node has on record of a name.
    """

    def __init__(
        self,
        name: str,
        disk: Callable[[], MemoryFilesystem],
        record: Callable[[str], FileInfo | None],
        ledger: Ledger,
        unix: Callable[[], float],
    ) -> None:
        self.name = name
        self.said = ""  # what the last edit was
        self._disk = disk
        self._record = record
        self._ledger = ledger
        self._unix = unix
        self._written = 0
        self._sly = False

    def edit(self, edits: list[Edit], random: Random, sly: bool) -> list[str]:
        """
        Do one of these.

        :param sly: whether times may be set back, so that an edit shows only in the time of the change. Not
            between a job's look and its rename: that sets this time too, and nothing would tell of the edit.
        :returns: the names that have changed; none where nothing was possible.
        """
        disk = self._disk()
        self._sly = sly
        with disk.quiet():
            if not disk.plugged:
                return []
            for _ in range(4):
                changed = random.choice(edits)(self, random)
                if changed is not None:
                    disk.keep(*changed)
                    return changed
        return []

    # What is there.

    def _look(self, name: str) -> Item | None:
        return look(self._disk(), name)

    def _names(self, *kinds: Kind) -> list[str]:
        disk = self._disk()
        there = (name for name in disk.everything() if visible(name))
        return [name for name in there if disk.lstat(name).kind in kinds]

    def _files(self) -> list[str]:
        return [name for name in self._names(Kind.FILE) if not is_conflict(name)]

    def _free(self, name: str) -> bool:
        """Whether something could be made there: all above are directories, or can be made."""
        above = parent(name)
        while above:
            found = self._look(above)
            if found is not None:
                return found.kind is Kind.DIRECTORY
            above = parent(above)
        return True

    def _below(self, name: str) -> list[str]:
        return [one for one in self._disk().everything() if one.startswith(f"{name}/")]

    # The steps of edits.

    def _content(self, random: Random, like: bytes | None = None) -> bytes:
        """Bytes that nobody has written yet."""
        self._written += 1
        text = f"{self.name} {self._written:06} ".encode()
        if like is not None:
            return text.ljust(len(like), b"=")[: max(len(like), len(text))]
        size = 20
        if random.random() < LARGE:
            size = random.choice(SIZES)
        return text.ljust(size, random.choice((b".", b"-", b"\0")))

    def _write(self, name: str, data: bytes) -> None:
        self._lose(name)
        if above := parent(name):
            self._disk().put_directory(above)
        opened = self._open(name)
        opened.truncate(0)
        opened.write(data, 0)
        opened.close()
        self._gain(name)

    def _open(self, name: str) -> MemoryFile:
        disk = self._disk()
        there = self._look(name)
        if there is not None and not there.mode & 0o200:
            disk.chmod(name, there.mode | 0o200)
        return disk.create(name, 0o644)

    def _lose(self, name: str) -> None:
        item = self._look(name)
        if item is not None and visible(name):
            self._ledger.take(name, item, self.name, self._record(name))

    def _gain(self, name: str) -> None:
        item = self._look(name)
        assert item is not None
        if not visible(name):
            return  # an unfinished download that lay in a directory
        self._ledger.put(name, item, self.name, self._record(name))

    def _touched(self, name: str) -> None:
        item = self._look(name)
        assert item is not None
        self._ledger.touch(name, item)

    def _remove(self, name: str) -> None:
        disk = self._disk()
        for one in [*reversed(self._below(name)), name]:
            self._lose(one)
            if disk.lstat(one).kind is Kind.DIRECTORY:
                disk.remove_directory(one)
            else:
                disk.remove(one)

    def _say(self, what: str, name: str) -> None:
        self.said = f"{what} {name}: {self._ledger.label(self._look(name))}"

    # Edits.

    def write(self, random: Random) -> list[str] | None:
        name = random.choice(NAMES)
        there = self._look(name)
        if not self._free(name) or (there is not None and there.kind is not Kind.FILE):
            return None
        self._write(name, self._content(random))
        self._say("writes", name)
        return [name]

    def rewrite(self, random: Random) -> list[str] | None:
        """As many bytes as before; at times by a tool that sets the time back."""
        names = self._files()
        if not names:
            return None
        name = random.choice(names)
        before = self._disk().lstat(name).modified
        self._write(name, self._content(random, like=self._disk().take(name)))
        if self._sly and random.random() < 0.5:
            self._disk().utime(name, before)
            self._touched(name)
        self._say("rewrites", name)
        return [name]

    def append(self, random: Random) -> list[str] | None:
        names = self._files()
        if not names:
            return None
        name = random.choice(names)
        data = self._disk().take(name) + self._content(random)
        self._lose(name)
        opened = self._open(name)
        opened.write(data, 0)
        opened.close()
        self._gain(name)
        self._say("appends to", name)
        return [name]

    def patch(self, random: Random) -> list[str] | None:
        """Some bytes in the middle."""
        names = self._files()
        if not names:
            return None
        name = random.choice(names)
        size = self._disk().lstat(name).size
        self._lose(name)
        opened = self._open(name)
        self._written += 1
        opened.write(f"{self.name} {self._written:06} ".encode(), random.randrange(size + 1))
        opened.close()
        self._gain(name)
        self._say("patches", name)
        return [name]

    def save(self, random: Random) -> list[str] | None:
        """As editors do: a new file takes the place of the old one."""
        names = self._files()
        if not names:
            return None
        name, disk = random.choice(names), self._disk()
        self._lose(name)
        beside = f"{name}.new"
        if self._look(beside) is not None:
            return None
        opened = disk.create(beside, 0o644)
        opened.write(self._content(random), 0)
        opened.close()
        disk.rename(beside, name)
        self._gain(name)
        self._say("saves", name)
        return [name, beside]

    def touch(self, random: Random) -> list[str] | None:
        """Another time: now, or long ago."""
        names = self._files()
        if not names:
            return None
        name = random.choice(names)
        back = random.choice((0, HOUR, 24 * HOUR))
        self._disk().utime(name, int(self._unix() * 1e9) - back + random.randrange(1000))
        self._touched(name)
        self._say("touches", name)
        return [name]

    def chmod(self, random: Random) -> list[str] | None:
        names = self._names(Kind.FILE, Kind.DIRECTORY)
        if not names:
            return None
        name, disk = random.choice(names), self._disk()
        if disk.lstat(name).kind is Kind.DIRECTORY:
            disk.chmod(name, random.choice((0o755, 0o700)))
        else:
            disk.chmod(name, random.choice(MODES))
            self._touched(name)
        self._say("changes the mode of", name)
        return [name]

    def delete(self, random: Random) -> list[str] | None:
        names = self._names(Kind.FILE, Kind.SYMLINK)
        if not names:
            return None
        name = random.choice(names)
        self._say("deletes", name)
        self._remove(name)
        return [name]

    def delete_directory(self, random: Random) -> list[str] | None:
        names = self._names(Kind.DIRECTORY)
        if not names:
            return None
        name = random.choice(names)
        below = self._below(name)
        self._remove(name)
        self.said = f"deletes {name} and {len(below)} items in it"
        return [*below, name]

    def make_directory(self, random: Random) -> list[str] | None:
        name = random.choice(NAMES)
        if not self._free(name) or self._look(name) is not None:
            return None
        self._disk().put_directory(name)
        self._say("makes", name)
        return [name]

    def symlink(self, random: Random) -> list[str] | None:
        name = random.choice(NAMES)
        there = self._look(name)
        if not self._free(name) or (there is not None and there.kind is Kind.DIRECTORY):
            return None
        self._replace_by_symlink(name)
        self._say("links", name)
        return [name]

    def _replace_by_symlink(self, name: str) -> None:
        if self._look(name) is not None:
            self._remove(name)
        if above := parent(name):
            self._disk().put_directory(above)
        self._written += 1
        self._disk().symlink(f"to {self.name} {self._written}".encode(), name)
        self._gain(name)

    def turn(self, random: Random) -> list[str] | None:
        """Something else takes the place of an item: a file of a directory, and so on."""
        names = [name for name in NAMES if self._look(name) is not None]
        if not names:
            return None
        name = random.choice(names)
        there = self._look(name)
        assert there is not None
        others = {Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK} - {there.kind}
        kind = random.choice(sorted(others))
        below = self._below(name)
        if kind is Kind.SYMLINK:
            self._replace_by_symlink(name)
        else:
            self._remove(name)
            if kind is Kind.FILE:
                self._write(name, self._content(random))
            else:
                self._disk().put_directory(name)
                if random.random() < 0.5:
                    self._write(f"{name}/in", self._content(random))
                    below.append(f"{name}/in")
        self._say("turns", name)
        return [name, *below]

    def rename(self, random: Random) -> list[str] | None:
        names = self._names(Kind.FILE, Kind.SYMLINK)
        if not names:
            return None
        old, new = random.choice(names), random.choice(NAMES)
        there = self._look(new)
        if old == new or not self._free(new) or (there and there.kind is Kind.DIRECTORY):
            return None
        if new.startswith(f"{old}/"):
            return None
        self._lose(old)
        self._lose(new)
        if above := parent(new):
            self._disk().put_directory(above)
        self._disk().rename(old, new)
        self._gain(new)
        self._say(f"renames {old} to", new)
        return [old, new]

    def rename_directory(self, random: Random) -> list[str] | None:
        names = self._names(Kind.DIRECTORY)
        if not names:
            return None
        old, new = random.choice(names), random.choice(NAMES)
        if self._look(new) is not None or not self._free(new) or f"{new}/".startswith(f"{old}/"):
            return None
        below = self._below(old)
        for name in below:
            self._lose(name)
        if above := parent(new):
            self._disk().put_directory(above)
        self._disk().rename(old, new)
        moved = [new + name[len(old) :] for name in below]
        for name in moved:
            self._gain(name)
        self.said = f"renames the directory {old} to {new}, with {len(below)} items"
        return [old, new, *below, *moved]

    def copy(self, random: Random) -> list[str] | None:
        names = self._files()
        if not names:
            return None
        old, new = random.choice(names), random.choice(NAMES)
        there = self._look(new)
        if old == new or not self._free(new) or (there and there.kind is not Kind.FILE):
            return None
        self._write(new, self._disk().take(old))
        self._say(f"copies {old} to", new)
        return [new]


EDITS: dict[str, tuple[Edit, int]] = {
    "write": (User.write, 6),
    "rewrite": (User.rewrite, 3),
    "append": (User.append, 2),
    "patch": (User.patch, 2),
    "save": (User.save, 2),
    "touch": (User.touch, 1),
    "chmod": (User.chmod, 1),
    "delete": (User.delete, 3),
    "delete directory": (User.delete_directory, 1),
    "make directory": (User.make_directory, 1),
    "symlink": (User.symlink, 1),
    "turn": (User.turn, 2),
    "rename": (User.rename, 3),
    "rename directory": (User.rename_directory, 1),
    "copy": (User.copy, 1),
}
"""All kinds, and how often they come."""

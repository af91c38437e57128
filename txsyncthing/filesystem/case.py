"""
Names that differ only by upper and lower case: one item on some disks, two on others.

Where case does not matter, a name may reach an item that is spelled otherwise. Whoever took it for the
item that was asked for would overwrite or delete another one. ``CaseFilesystem`` refuses such names.

Where case does matter both names live side by side, as with the official daemon, and what this costs is
one look a directory and job: whether an item is also there under the name with all cases changed.

Source: reference 5.8 (``caseSensitiveFS``); dependencies.md section 18; the official daemon 1.29.5.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from string import ascii_letters
from unicodedata import normalize

from txsyncthing.filesystem.seam import (
    Accounts,
    Entry,
    Filesystem,
    ReadFile,
    Space,
    Stat,
    WriteFile,
)
from txsyncthing.vocabulary.name import base_name, is_temporary, join, parent

_RANGES = (
    range(0x80, 0x3000),
    range(0xA640, 0xAC00),
    range(0xFB00, 0x10000),
    range(0x10400, 0x10E00),
    range(0x11800, 0x11B00),
    range(0x16E00, 0x16F00),
    range(0x1E900, 0x1EA00),
)
"""Where letters with a case lie beyond ASCII; the rest of Unicode would cost 0.2 s to look through."""

_OTHER_CASE = str.maketrans(ascii_letters, ascii_letters.swapcase())


def fold(name: str) -> str:
    """What all spellings of a name have in common: Go's simple case mappings, then NFC."""
    if name.isascii():
        return name.lower()
    return normalize("NFC", name.translate(_mappings()))


@cache
def _mappings() -> dict[int, str]:
    """Lower case of upper case, where each is a single letter; full mappings (ß to SS) are left out."""
    found = {ord(letter): letter.lower() for letter in ascii_letters[26:]}
    for code in chain.from_iterable(_RANGES):
        letter = chr(code)
        upper = letter.upper()
        lower = (upper if len(upper) == 1 else letter).lower()
        if len(lower) == 1 and lower != letter:
            found[code] = lower
    found[0x130] = "i"  # a dotted I: lower() has two letters
    return found


def only_case_differs(a: str, b: str) -> bool:
    """Whether two names are spellings of one."""
    return a != b and fold(a) == fold(b)


class CaseConflict(OSError):
    """The name reaches an item which is spelled otherwise; the text is the official daemon's."""

    def __init__(self, remote: str, local: str) -> None:
        self.sentence = (
            f'remote "{remote}" uses different upper or lowercase characters than local "{local}";'
            " change the casing on either side to match the other"
        )
        super().__init__(errno.EEXIST, self.sentence)
        self.remote = remote
        self.local = local


class Spelling:
    """
    How names are spelled on a disk, as far as one job has seen. Blocking: for a worker.

    Directories in which case matters are known after one look; of others the names are read once.
    """

    def __init__(self, filesystem: Filesystem) -> None:
        self._filesystem = filesystem
        # None where case matters, else folded names to the spellings there are.
        self._directories: dict[str, dict[str, set[str]] | None] = {}
        self._well: set[str] = {""}  # directories that are spelled so
        self.free: set[str] = set()  # those of them in which case matters

    def check(self, name: str, there: bool = False) -> None:
        """
        :param there: whether the name is known to reach an item.
        :raises CaseConflict: the name, or a directory on the way, reaches another one.
        """
        directory = parent(name)
        if directory not in self._well:
            self.check_directory(directory)
        if directory not in self._directories:
            if not there and not self._reaches(name):
                return
            self._learn(directory, base_name(name))
        known = self._directories.get(directory)
        if known is not None:
            base = base_name(name)
            spelled = known.get(fold(base))
            if spelled and base not in spelled:
                raise CaseConflict(name, join(directory, min(spelled)))

    def check_directory(self, directory: str) -> None:
        """:raises CaseConflict: the directory, or one above, is spelled otherwise."""
        if directory in self._well:
            return
        self.check(directory)
        self._well.add(directory)

    def came(self, name: str) -> None:
        """The job has made an item."""
        known = self._directories.get(parent(name))
        if known is not None:
            base = base_name(name)
            known.setdefault(fold(base), set()).add(base)

    def went(self, name: str) -> None:
        """The job has removed or renamed an item, perhaps a directory."""
        known = self._directories.get(parent(name))
        if known is not None:
            base = base_name(name)
            known.get(fold(base), set()).discard(base)
        if name not in self._well:
            return
        below = f"{name}/"
        self._well = {one for one in self._well if one != name and not one.startswith(below)}
        for one in [one for one in self._directories if one == name or one.startswith(below)]:
            del self._directories[one]
            self.free.discard(one)

    def _learn(self, directory: str, base: str) -> None:
        """:param base: an item that is there."""
        plain = base.isascii()
        other = base.translate(_OTHER_CASE)
        if other == base:
            if plain:
                return  # nothing to be spelled otherwise
            other = base.swapcase()
            if fold(other) != fold(base):
                return
        if not self._reaches(join(directory, other)):
            if other == base.translate(_OTHER_CASE):  # some disks know only the case of ASCII
                self._matters_in(directory)
            return
        names = self._filesystem.names(directory)
        if base in names and other in names:
            self._matters_in(directory)  # two items
            return
        known: dict[str, set[str]] = {}
        for name in names:
            known.setdefault(fold(name), set()).add(name)
        self._directories[directory] = known

    def _matters_in(self, directory: str) -> None:
        self._directories[directory] = None
        self.free.add(directory)

    def _reaches(self, name: str) -> bool:
        try:
            self._filesystem.lstat(name)
        except OSError:
            return False
        return True


class CaseFilesystem:
    """
    A storage that refuses names which reach an item of another spelling; satisfies ``Filesystem``.

    Files may be opened for reading by any spelling: whoever reads compares the bytes with a hash.
    """

    def __init__(self, plain: Filesystem) -> None:
        self.plain = plain

    @property
    def _spelling(self) -> Spelling:
        return Spelling(self.plain)

    _free: Container[str] = frozenset()  # what needs no check: most of what most jobs touch

    @contextmanager
    def batch(self) -> Iterator[Filesystem]:
        with self.plain.batch() as plain:
            yield _Batch(plain)

    def lstat(self, name: str) -> Stat:
        found = self.plain.lstat(name)
        if name and parent(name) not in self._free:
            self._spelling.check(name, there=True)
        return found

    def list(self, name: str) -> list[Entry]:
        return self.plain.list(name)

    def names(self, name: str) -> Sequence[str]:
        return self.plain.names(name)

    def stats(self, name: str, bases: Sequence[str]) -> Sequence[Stat | None]:
        return self.plain.stats(name, bases)

    def open(self, name: str) -> ReadFile:
        return self.plain.open(name)

    def create(self, name: str, mode: int) -> WriteFile:
        if parent(name) in self._free:
            return self.plain.create(name, mode)
        spelling = self._spelling
        passing = is_temporary(name)
        if passing:
            spelling.check_directory(parent(name))
        else:
            spelling.check(name)
        opened = self.plain.create(name, mode)
        try:
            spelling.check(name, there=True)
        except CaseConflict as conflict:
            opened.close()
            if not passing:
                raise
            # Left by the same file when it was spelled otherwise.
            self.plain.remove(conflict.local)
            spelling.went(conflict.local)
            opened = self.plain.create(name, mode)
        spelling.came(name)
        return opened

    def make_directory(self, name: str, mode: int) -> None:
        spelling = self._spelling
        if name:
            spelling.check_directory(parent(name))
        try:
            self.plain.make_directory(name, mode)
        except FileExistsError:
            spelling.check(name)
            raise
        spelling.came(name)

    def remove_directory(self, name: str) -> None:
        spelling = self._spelling
        spelling.check(name)
        self.plain.remove_directory(name)
        spelling.went(name)

    def remove(self, name: str) -> None:
        spelling = self._spelling
        if parent(name) not in self._free:
            spelling.check(name)
        self.plain.remove(name)
        spelling.went(name)

    def rename(self, old: str, new: str) -> None:
        spelling = self._spelling
        spelling.check(old)
        if parent(old) == parent(new) and only_case_differs(old, new):
            self._spell(spelling, old, new, self.plain.rename)
        else:
            spelling.check(new)
            self.plain.rename(old, new)
        spelling.went(old)
        spelling.came(new)

    def _spell(
        self, spelling: Spelling, old: str, new: str, move: Callable[[str, str], None]
    ) -> None:
        """Rename an item to another spelling of its name."""
        try:
            spelling.check(new)
        except CaseConflict as conflict:
            if conflict.local != old:
                raise
            move = self.plain.rename  # which replaces nothing: both names are the item's
        move(old, new)
        names = self.plain.names(parent(new))
        if base_name(new) not in names and base_name(old) in names:
            raise CaseConflict(new, old)  # Linux may take both for one, and do nothing

    def place(self, old: str, new: str) -> None:
        spelling = self._spelling
        if parent(old) in self._free and parent(new) in self._free:
            self.plain.place(old, new)
            spelling.went(old)
            return
        spelling.check(old)
        spelling.check_directory(parent(new))
        if parent(old) == parent(new) and only_case_differs(old, new):
            self._spell(spelling, old, new, self.plain.place)
            spelling.went(old)
            spelling.came(new)
            return
        try:
            self.plain.place(old, new)
        except FileExistsError:
            spelling.check(new)
            raise
        spelling.went(old)
        spelling.came(new)

    def exchange(self, a: str, b: str) -> bool:
        spelling = self._spelling
        spelling.check(a)
        spelling.check(b)
        return self.plain.exchange(a, b)

    def link(self, old: str, new: str) -> None:
        spelling = self._spelling
        spelling.check(old)
        spelling.check_directory(parent(new))
        try:
            self.plain.link(old, new)
        except FileExistsError:
            spelling.check(new)
            raise
        spelling.came(new)

    def symlink(self, target: bytes, name: str) -> None:
        spelling = self._spelling
        spelling.check_directory(parent(name))
        try:
            self.plain.symlink(target, name)
        except FileExistsError:
            spelling.check(name)
            raise
        spelling.came(name)

    def read_link(self, name: str) -> bytes:
        return self.plain.read_link(name)

    def chmod(self, name: str, mode: int) -> None:
        self._spelling.check(name)
        self.plain.chmod(name, mode)

    def utime(self, name: str, modified: int) -> None:
        self._spelling.check(name)
        self.plain.utime(name, modified)

    def accounts(self) -> Accounts:
        return self.plain.accounts()

    def chown(self, name: str, uid: int, gid: int) -> None:
        self._spelling.check(name)
        self.plain.chown(name, uid, gid)

    def list_xattrs(self, name: str) -> Sequence[str]:
        return self.plain.list_xattrs(name)

    def get_xattr(self, name: str, attribute: str) -> bytes:
        return self.plain.get_xattr(name, attribute)

    def set_xattr(self, name: str, attribute: str, value: bytes) -> None:
        self._spelling.check(name)
        self.plain.set_xattr(name, attribute, value)

    def remove_xattr(self, name: str, attribute: str) -> None:
        self._spelling.check(name)
        self.plain.remove_xattr(name, attribute)

    def sync_directory(self, name: str) -> None:
        self.plain.sync_directory(name)

    # For what reaches from one storage into another (``across``).

    def check(self, name: str) -> None:
        """:raises CaseConflict: the name reaches an item of another spelling."""
        if name:
            self._spelling.check(name)

    def came(self, name: str) -> None:
        """An item was made behind our back."""
        self._spelling.came(name)

    def went(self, name: str) -> None:
        """An item was taken away behind our back."""
        self._spelling.went(name)

    def space(self) -> Space:
        return self.plain.space()


class _Batch(CaseFilesystem):
    """Remembers the spellings of one job."""

    def __init__(self, plain: Filesystem) -> None:
        super().__init__(plain)
        self._kept = Spelling(plain)
        self._free = self._kept.free

    @property
    def _spelling(self) -> Spelling:
        return self._kept

    @contextmanager
    def batch(self) -> Iterator[Filesystem]:
        yield self

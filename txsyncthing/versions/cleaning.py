"""
The clean-up of old versions: what the rule has no room for goes, and so do empty directories.

Source: reference 5.7 ("Cleanup"); what 1.29.5 leaves: simple and staggered mind only names with a time, the
trashcan minds all files and symlinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.versions.place import Place, look
from txsyncthing.versions.removing import remove_version
from txsyncthing.versions.rule import Rule, Version
from txsyncthing.versions.walk import Found, Listing, list_versions
from txsyncthing.vocabulary.name import is_leftover, join

DAY_NS = 86_400_000_000_000


@dataclass(slots=True)
class Cleaned:
    """What came of a clean-up."""

    removed: int = 0  # versions
    errors: int = 0
    error: str = ""  # the first


class Cleaning:
    """
    One clean-up. Memory is bounded by the largest directory.

    :param now: unix seconds.
    :param goes_on: whether to; asked before each removal.
    """

    def __init__(
        self, rule: Rule, place: Place, now: float, goes_on: Callable[[], bool] = lambda: True
    ) -> None:
        self._rule = rule
        self._place = place
        self._now = now
        self._goes_on = goes_on
        self._path: list[tuple[str, Iterator[str]]] | None = None  # directories that are open
        self.cleaned = Cleaned()

    def step(self, filesystem: Filesystem, limit: int) -> bool:
        """
        Do some of it; a worker's job.

        :param limit: directories.
        :returns: whether there is more.
        """
        with filesystem.batch() as batch, self._place.open(batch) as versions:
            if self._path is None:
                self._path = []
                if look(versions, "") is not None:
                    self._enter(versions, "")
            while self._path and limit > 0 and self._goes_on():
                directory, below = self._path[-1]
                base = next(below, None)
                if base is not None:
                    self._enter(versions, join(directory, base))
                    limit -= 1
                    continue
                self._path.pop()
                if directory:
                    self._remove_empty(versions, directory)
        return bool(self._path) and self._goes_on()

    def _enter(self, versions: Filesystem, directory: str) -> None:
        assert self._path is not None
        try:
            listing = list_versions(versions, directory)
        except OSError as error:
            self._failed(error, directory)
            return
        if listing is None:
            return
        changed = _times(listing)
        for name in self._surplus(listing):
            if not self._goes_on():
                return
            try:
                self.cleaned.removed += remove_version(
                    versions, join(directory, name), changed[name]
                )
            except OSError as error:
                self._failed(error, join(directory, name))
        self._path.append((directory, iter(listing.directories)))

    def _surplus(self, listing: Listing) -> Iterator[str]:
        if self._rule.tags:
            for found in listing.files.values():
                mine = [Version(one.base, one.when) for one in found if one.tagged]
                yield from (version.base for version in self._rule.surplus(mine, self._now))
                yield from (one.base for one in found if self._is_old_leftover(one))
            return
        alone = [
            Version(one.base, _put_aside(one)) for found in listing.files.values() for one in found
        ]
        alone += [Version(base, stat.modified / 1e9) for base, stat in listing.others]
        yield from (version.base for version in self._rule.surplus(alone, self._now))

    def _is_old_leftover(self, found: Found) -> bool:
        """Whether it is half a copy to this disk, of which nobody knows any more."""
        return is_leftover(found.base) and found.changed < self._now * 1e9 - DAY_NS

    def _remove_empty(self, versions: Filesystem, directory: str) -> None:
        try:
            if not versions.names(directory):
                versions.remove_directory(directory)
        except FileNotFoundError:
            return
        except OSError as error:
            self._failed(error, directory)

    def _failed(self, error: OSError, name: str) -> None:
        self.cleaned.errors += 1
        self.cleaned.error = self.cleaned.error or f"{name}: {error.strerror or error}"


def _put_aside(found: Found) -> float:
    """
    When a file came into the trashcan.

    Under another name than its own it is on its way, or what a kill left, and its mtime is still the file's:
    then the time in the name tells, or the time of its last change.
    """
    if is_leftover(found.base):
        return max(found.modified, found.changed) / 1e9
    return max(found.modified / 1e9, found.when)


def _times(listing: Listing) -> dict[str, int]:
    """The times of change of all that is no directory."""
    times = {one.base: one.changed for found in listing.files.values() for one in found}
    times.update((base, stat.changed) for base, stat in listing.others)
    return times

"""
Failed items by their causes. There may be very many: counting them is a worker's job.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from txsyncthing.vocabulary.error import ItemError

SAMPLE = 5  # paths of each cause


class Failed(NamedTuple):
    """Items that failed for one cause: how many, the first, and some of their paths."""

    items: int
    first: ItemError
    sample: tuple[str, ...]


class Failures(NamedTuple):
    """By cause, of the last pull and of the last scan."""

    pull: Mapping[str, Failed] = {}
    scan: Mapping[str, Failed] = {}


def count_failures(pull: Sequence[ItemError], scan: Sequence[ItemError]) -> Failures:
    """There may be very many: a worker's job."""
    return Failures(_by_cause(pull), _by_cause(scan))


def _by_cause(errors: Sequence[ItemError]) -> dict[str, Failed]:
    counts = Counter(error.cause for error in errors)
    some: dict[str, list[ItemError]] = {}
    for error in errors:
        found = some.setdefault(error.cause, [])
        if len(found) < SAMPLE:
            found.append(error)
    return {
        cause: Failed(count, some[cause][0], tuple(error.path for error in some[cause]))
        for cause, count in counts.items()
    }

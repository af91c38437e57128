"""The table of results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.contestants import OURS
from benchmarks.measure import Result

DESCRIPTIONS = {
    "big": "first sync of one 1 GiB file",
    "big, both agree": "the same, until both report it complete",
    "update": "one changed block in it, scan included",
    "rename": "its rename, scan included",
    "small": "first sync of 10,000 x 4 KiB",
    "small, both agree": "the same, until both report it complete",
    "medium": "first sync of 1,000 x 1 MiB",
    "medium, both agree": "the same, until both report it complete",
    "scan": "first scan of 4 GiB",
    "scan-files": "first scan of 50,000 x 4 KiB",
    "scan-many": "first scan of 100,000 x 100 B",
    "rescan": "unchanged rescan of 100,000 files",
    "startup": "start until REST answers, 100,000 known files",
    "index": "index of 100,000 files to a new peer",
    "edit": "an edit of a file until a peer has it, fsWatcherDelayS 1: the median",
    "edit again": "the next edit of the same file, right after",
    "edit, 10 s": "an edit with the default delay of 10 s",
    "idle": "a minute idle with 100,000 files, connected",
}


def seconds(values: Sequence[float]) -> str:
    return " + ".join(f"{value:.2f}" for value in values)


def mebibytes(values: Sequence[int]) -> str:
    return " / ".join(f"{value / (1 << 20):.0f}" for value in values)


def ratios(ours: Result | None, theirs: Result) -> str:
    """How many times faster we are, by wall and by CPU; above 1 is better."""
    if ours is None or ours is theirs:
        return ""
    wall = f"{theirs.wall / ours.wall:.2f}" if ours.row != "idle" else "-"
    cpu = sum(theirs.cpu) / max(sum(ours.cpu), 0.005)
    return f"{wall} / {cpu:.2f}"


def markdown(results: Sequence[Result]) -> str:
    """One line for each row and contestant; ratios are theirs divided by ours."""
    lines = [
        "| row | daemon | wall s | CPU s | peak MiB | wall / CPU ratio | note |",
        "|---|---|---|---|---|---|---|",
    ]
    mine = {result.row: result for result in results if result.contestant == OURS}
    rows = list(dict.fromkeys(result.row for result in results))
    for row in rows:
        for result in (each for each in results if each.row == row):
            cells = (
                row,
                result.contestant,
                f"{result.wall:.2f}",
                seconds(result.cpu),
                mebibytes(result.memory),
                ratios(mine.get(row), result),
                result.note,
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def as_json(results: Sequence[Result]) -> str:
    return json.dumps([asdict(result) for result in results], indent=2)

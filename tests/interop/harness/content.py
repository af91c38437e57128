"""Bytes to fill files with: cheap to make, without two equal blocks, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

MIB = 1 << 20
STAMP = 64 * 1024  # bytes from one stamp to the next: less than the smallest block


def pieces(size: int, seed: int) -> Iterator[bytes]:
    """``size`` bytes in pieces of at most 1 MiB; no two blocks anywhere are the same."""
    base = bytearray(Random(seed).randbytes(min(size, MIB)))
    for start in range(0, size, MIB):
        for stamp in range(0, MIB, STAMP):
            if stamp + 16 <= len(base):
                base[stamp : stamp + 16] = (start + stamp).to_bytes(8) + seed.to_bytes(8)
        yield bytes(base[: min(MIB, size - start)])


def fill(path: Path, size: int, seed: int = 0) -> None:
    """Write a file of ``size`` bytes; missing directories are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for piece in pieces(size, seed):
            file.write(piece)

"""
What the kernel knows of this process's threads: CPU used, and time spent runnable but not running.

On a busy machine a thread is late for reasons of the machine's own; the second figure is exactly that.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType
from typing import NamedTuple

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_IDLE = ("threading.py", "queue.py", "_threads/", "_threadworker.py", "threadpool.py")
_DEEP = 9  # frames told of a stack


class Spent(NamedTuple):
    """Seconds since the thread began."""

    cpu: float = 0.0
    delay: float = 0.0  # runnable, but the machine ran something else

    def since(self, before: Spent) -> Spent:
        return Spent(self.cpu - before.cpu, self.delay - before.delay)


def parse(text: bytes) -> Spent:
    """
    A line of ``/proc/PID/task/TID/schedstat``.

    Source: the kernel's Documentation/scheduler/sched-stats.rst: ns on a CPU, ns waiting for one, turns.
    """
    cpu, delay = text.split()[:2]
    return Spent(int(cpu) / 1e9, int(delay) / 1e9)


class OwnClock:
    """
    Reads what the calling thread has spent, and keeps the interpreter's lock while it does: to give it away
    at each turn would be a wait of its own.
    """

    def __init__(self) -> None:
        self._pread = ctypes.PyDLL(None).pread
        self._buffer = ctypes.create_string_buffer(128)
        self._file = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)

    def read(self) -> Spent:
        size = self._pread(self._file, self._buffer, 127, ctypes.c_long(0))
        # The kernel brings the first figure of a running thread up to date only now and then.
        return Spent(time.thread_time(), parse(self._buffer.raw[:size]).delay)


def all_threads() -> dict[int, Spent]:
    """What each thread of this process has spent, by the kernel's number."""
    found = {}
    for name in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{name}/schedstat", "rb") as file:
                found[int(name)] = parse(file.read())
        except OSError:  # it has just ended
            continue
    return found


def others(before: Mapping[int, Spent], after: Mapping[int, Spent], but: int) -> Spent:
    """What all threads but one have spent, between two looks."""
    spent = [
        now.since(before.get(thread, Spent())) for thread, now in after.items() if thread != but
    ]
    return Spent(sum(one.cpu for one in spent), sum(one.delay for one in spent))


def stack(frame: FrameType | None) -> str:
    """The innermost frames in one line, the innermost first; of foreign packages only the innermost two."""
    told: list[str] = []
    foreign = 0
    while frame is not None and len(told) < _DEEP:
        path = frame.f_code.co_filename
        ours = path.startswith(_HERE) and "site-packages" not in path
        foreign += not ours
        if ours or (foreign <= 2 and len(told) < 3):
            where = os.path.relpath(path, _HERE) if ours else os.path.basename(path)
            told.append(f"{frame.f_code.co_name} {where}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(told)


def busy() -> dict[int, str]:
    """The stacks of all Python threads that do not just wait for work, by the kernel's number."""
    frames = sys._current_frames()
    found = {}
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        if frame is None or thread is threading.current_thread():
            continue
        if not any(word in frame.f_code.co_filename for word in _IDLE):
            found[thread.native_id or 0] = f"[{thread.name}] {stack(frame)}"
    frames.clear()  # our own frame is among them: all of them would wait for the collector of cycles
    return found

"""Waiting for another process: ask again and again, until it is so or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.05  # seconds between two questions


class TooLate(AssertionError):
    """What was waited for did not come to pass in time."""


def wait_until(ask: Callable[[], T], what: str, timeout: float = 60.0) -> T:
    """
    Ask until the answer is true.

    :param what: what is waited for; ends up in the message of the failure.
    :param timeout: seconds.
    :returns: the first answer that was true.
    :raises TooLate: the time is up; names the last answer.
    """
    end = time.monotonic() + timeout
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TooLate(f"not within {timeout:g} s: {what} (last answer: {answer!r})")
        time.sleep(PAUSE)

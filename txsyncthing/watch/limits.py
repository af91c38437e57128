"""
The kernel's limits on watching, in words: what is needed, what is allowed, how to allow more.

Source: inotify(7), "/proc interfaces"; reference 5.4 ("Failure").
"""

from __future__ import annotations

from typing import NamedTuple

WATCHES = ("fs.inotify.max_user_watches", "user.max_inotify_watches")
INSTANCES = ("fs.inotify.max_user_instances", "user.max_inotify_instances")
"""Each with the limit of a container, which may be lower."""


class Limit(NamedTuple):
    """
    What the kernel allows.

    :ivar name: of the setting, for sysctl.
    :ivar value: 0 where the kernel does not say.
    """

    name: str
    value: int


def watches_short(unwatched: int, here: int, limit: Limit, needed: int, used: int) -> str:
    """
    What to say where directories are left out.

    :param unwatched: directories of the folder without a watch.
    :param here: all its directories.
    :param needed: watches that all our folders need.
    :param used: watches that we have; what else is taken is other programs'.
    """
    others = max(0, limit.value - used)
    wanted = round_up(needed + others)
    text = f"{unwatched} of {here} directories are not watched and are scanned more often instead: "
    text += f"{needed} watches are needed"
    if limit.value:
        text += f", the kernel allows {limit.value}, of which other programs have {others}"
    return f"{text}. {remedy(limit.name, wanted)}"


def instances_short(limit: Limit) -> str:
    """What to say where the kernel gives no inotify instance at all."""
    text = (
        "not watched, the whole folder is scanned more often instead: 1 inotify instance is needed"
    )
    if limit.value:
        text += f", and all {limit.value} that the kernel allows this user are taken"
    return f"{text}. {remedy(limit.name, max(256, 2 * limit.value))}"


def remedy(name: str, value: int) -> str:
    """The lines that allow more, now and after each start."""
    return (
        f"To allow more: sudo sysctl {name}={value} "
        f"(to keep it: echo {name}={value} | sudo tee -a /etc/sysctl.d/90-syncthing.conf)"
    )


def round_up(needed: int) -> int:
    """The next power of two that leaves a quarter of room."""
    return int(1 << (needed * 5 // 4).bit_length())

"""The words for the kernel's limits."""

from __future__ import annotations

from txsyncthing.watch.limits import (
    INSTANCES,
    WATCHES,
    Limit,
    instances_short,
    round_up,
    watches_short,
)


def test_a_user_is_told_what_is_needed_what_is_allowed_and_what_to_type() -> None:
    text = watches_short(5000, 12000, Limit(WATCHES[0], 8192), needed=13000, used=8000)
    assert text == (
        "5000 of 12000 directories are not watched and are scanned more often instead: "
        "13000 watches are needed, the kernel allows 8192, of which other programs have 192. "
        "To allow more: sudo sysctl fs.inotify.max_user_watches=32768 (to keep it: "
        "echo fs.inotify.max_user_watches=32768 | sudo tee -a /etc/sysctl.d/90-syncthing.conf)"
    )


def test_instances_have_their_own_line() -> None:
    text = instances_short(Limit(INSTANCES[0], 128))
    assert "all 128 that the kernel allows this user are taken" in text
    assert "sudo sysctl fs.inotify.max_user_instances=256 " in text


def test_the_number_to_set_leaves_room() -> None:
    assert [round_up(needed) for needed in (1, 100, 819, 20_000)] == [2, 128, 1024, 32768]

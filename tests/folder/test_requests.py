"""Many requests become one scan, and what is to be done after it is done once."""

from __future__ import annotations

from txsyncthing.folder.requests import MAX_PARTS, Chore, ScanRequests


def test_without_any_request_all_is_scanned() -> None:
    due = ScanRequests().take()
    assert (due.subs, due.scans, due.chores) == ([], True, ())


def test_parts_are_joined_until_all_is_asked_for() -> None:
    requests = ScanRequests()
    requests.add(["b", "a"])
    requests.add(["a"])
    assert requests.take().subs == ["a", "b"]
    requests.add(["a"])
    requests.add([])
    due = requests.take()
    assert (due.subs, due.scans) == ([], True)
    requests.add([f"{number}" for number in range(MAX_PARTS + 1)])
    assert requests.take().subs == []


def test_a_chore_alone_asks_for_no_scan() -> None:
    requests = ScanRequests()
    requests.add_chore(Chore.REVERT)
    requests.add_chore(Chore.REVERT)
    due = requests.take()
    assert (due.chores, due.scans) == ((Chore.REVERT,), False)
    assert requests.take().chores == ()


def test_a_chore_beside_scans_comes_with_them() -> None:
    requests = ScanRequests()
    requests.add_chore(Chore.OVERRIDE)
    requests.add(["a"])
    due = requests.take()
    assert (due.chores, due.scans, due.subs) == ((Chore.OVERRIDE,), True, ["a"])
    requests.add_chore(Chore.OVERRIDE)
    requests.add([])
    assert requests.take().scans

from __future__ import annotations

from tests.cluster.bench import BOB
from txsyncthing.cluster.completion import of_device, of_us, together
from txsyncthing.index.values import Counts, Totals
from txsyncthing.vocabulary.folder import RemoteState

VALID = RemoteState.VALID


def counts(have: Totals, everything: Totals = Totals(4, 1, 0, 2, 1000)) -> Counts:
    return Counts(global_=everything, in_sync={BOB: have}, remote_sequence={BOB: 7})


def test_bytes_decide() -> None:
    seen = of_device(counts(Totals(2, 1, 0, 0, 250)), BOB, VALID, 0)
    assert (seen.completion, seen.need_bytes, seen.need_items) == (25.0, 750, 2)
    assert (seen.global_items, seen.sequence, seen.remote_state) == (5, 7, VALID)


def test_what_is_already_downloaded_counts() -> None:
    seen = of_device(counts(Totals(2, 1, 0, 0, 250)), BOB, VALID, 500)
    assert (seen.need_bytes, seen.completion) == (250, 75.0)
    assert of_device(counts(Totals(2, 1, 0, 0, 250)), BOB, VALID, 9999).need_bytes == 0


def test_only_deletes_left_is_95_percent() -> None:
    seen = of_device(counts(Totals(4, 1, 0, 3, 1000)), BOB, VALID, 0)
    assert (seen.need_deletes, seen.completion) == (3, 95.0)


def test_an_empty_folder_is_complete() -> None:
    assert of_device(Counts(), BOB, VALID, 0).completion == 100.0
    assert of_us(Counts()).completion == 100.0


def test_several_folders_add_up() -> None:
    part = of_device(counts(Totals(2, 1, 0, 0, 250)), BOB, VALID, 0)
    total = together([part, part])
    assert (total.global_bytes, total.need_bytes, total.need_items) == (2000, 1500, 4)
    assert total.remote_state is RemoteState.UNKNOWN
    assert together([]).completion == 100.0

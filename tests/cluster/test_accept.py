from __future__ import annotations

import pytest

from tests.cluster.bench import ALICE, BOB, F
from tests.cluster.test_announce import CONFIGURATION
from txsyncthing.bep.messages import ClusterConfig, Device, Folder
from txsyncthing.cluster.accept import Offered, Unacceptable, judge
from txsyncthing.vocabulary.folder import FolderID, RemoteState

ENDS = (Device(ALICE, index_id=5, max_sequence=6), Device(BOB, index_id=7))


def config(*folders: Folder) -> ClusterConfig:
    return ClusterConfig(folders)


def test_a_folder_that_both_run_is_agreed() -> None:
    verdict = judge(CONFIGURATION, ALICE, BOB, config(Folder(F, devices=ENDS)))
    assert verdict.states == {F: RemoteState.VALID}
    (agreed,) = verdict.agreed
    assert (agreed.about_us.max_sequence, agreed.about_them.index_id) == (6, 7)


def test_a_paused_folder_is_not() -> None:
    verdict = judge(CONFIGURATION, ALICE, BOB, config(Folder(F, stop_reason=1, devices=ENDS)))
    assert verdict.states == {F: RemoteState.PAUSED} and verdict.agreed == ()


def test_a_folder_left_out_is_not_shared_by_the_peer() -> None:
    assert judge(CONFIGURATION, ALICE, BOB, config()).states == {F: RemoteState.NOT_SHARING}


def test_the_last_entry_of_a_folder_counts() -> None:
    twice = config(Folder(F, devices=ENDS), Folder(F, stop_reason=1, devices=ENDS))
    verdict = judge(CONFIGURATION, ALICE, BOB, twice)
    assert verdict.states == {F: RemoteState.PAUSED} and verdict.agreed == ()


def test_other_folders_are_offers() -> None:
    token = Device(BOB, encryption_password_token=b"t")
    other = Folder(FolderID("music"), "Music", devices=(ENDS[0], token))
    verdict = judge(CONFIGURATION, ALICE, BOB, config(other, Folder(FolderID(""))))
    assert verdict.offered == (Offered(other.id, "Music", False, True),)


@pytest.mark.parametrize("left", ENDS)
def test_both_ends_must_be_named(left: Device) -> None:
    with pytest.raises(Unacceptable, match="missing"):
        judge(CONFIGURATION, ALICE, BOB, config(Folder(F, devices=(left,))))

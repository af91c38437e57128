from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.bench import ALICE, BOB, F
from tests.cluster.test_announce import CONFIGURATION, FOLDER
from txsyncthing.bep.messages import Index, IndexUpdate
from txsyncthing.cluster.index_receiver import NotForUs, authorize, disorder
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName


def test_only_devices_that_share_a_running_folder_may_tell_of_it() -> None:
    authorize(CONFIGURATION, BOB, F)
    with pytest.raises(NotForUs):
        authorize(CONFIGURATION, BOB, FolderID("other"))
    with pytest.raises(NotForUs):
        authorize(CONFIGURATION, DeviceID(b"x" * 32), F)
    with pytest.raises(NotForUs, match="paused"):
        authorize(replace(CONFIGURATION, folders=(replace(FOLDER, paused=True),)), ALICE, F)


def files(*sequences: int) -> tuple[FileInfo, ...]:
    return tuple(FileInfo(WireName("a"), sequence=sequence) for sequence in sequences)


@pytest.mark.parametrize(
    ("message", "stored", "odd"),
    [
        (Index(F, files(1, 2), 2), 0, False),
        (Index(F, files(1, 2), 2), 99, False),
        (IndexUpdate(F, files(5, 7), 7, 4), 4, False),
        (IndexUpdate(F, files(5, 7), 7), 4, False),  # an old peer tells no previous
        (IndexUpdate(F, files(6, 7), 7, 5), 4, True),
        (IndexUpdate(F, files(4, 7), 7, 3), 6, False),  # told again after another connection
        (IndexUpdate(F, files(4, 7), 7, 4), 4, True),
        (IndexUpdate(F, files(6, 6), 6, 4), 4, True),
        (IndexUpdate(F, files(5, 7), 8, 4), 4, True),
    ],
)
def test_sequences_out_of_order_are_noticed(
    message: Index | IndexUpdate, stored: int, odd: bool
) -> None:
    assert (disorder(message, stored) is not None) is odd

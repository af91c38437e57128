from __future__ import annotations

import pytest

from txsyncthing.index.delta import Reason, Start, sending_start


@pytest.mark.parametrize(
    ("theirs", "known", "start"),
    [
        (7, 40, Start(40, Reason.RESUMED)),
        (7, 50, Start(50, Reason.RESUMED)),
        (7, 0, Start(0, Reason.UNKNOWN)),
        (7, 51, Start(0, Reason.AHEAD)),
        (7, -1, Start(0, Reason.UNKNOWN)),
        (0, 40, Start(0, Reason.UNKNOWN)),
        (8, 40, Start(0, Reason.OTHER_INDEX)),
        (8, 51, Start(0, Reason.OTHER_INDEX)),
    ],
)
def test_a_peer_gets_what_it_lacks_or_everything(theirs: int, known: int, start: Start) -> None:
    assert sending_start(theirs=theirs, known=known, ours=7, sequence=50) == start


def test_only_what_honest_peers_do_not_claim_is_odd() -> None:
    assert {reason for reason in Reason if reason.odd} == {Reason.OTHER_INDEX, Reason.AHEAD}

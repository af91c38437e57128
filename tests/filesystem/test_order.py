from __future__ import annotations

from random import Random

import pytest

from txsyncthing.filesystem.order import PART, ordered


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 3 * PART + 7])
def test_a_long_list_is_in_order_too(size: int) -> None:
    names = [f"name{number}" for number in range(size)]
    Random(1).shuffle(names)
    assert ordered(names) == sorted(names)
    assert ordered(set(names)) == sorted(names)

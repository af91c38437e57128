from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A network that must be quiet in the end."""
    bench = Bench()
    yield bench
    bench.close()

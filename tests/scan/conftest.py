from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scan.folder import Folder


@pytest.fixture
def folder() -> Iterator[Folder]:
    folder = Folder()
    yield folder
    folder.close()

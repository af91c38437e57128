"""Where databases are."""

from __future__ import annotations

from pathlib import Path

from txsyncthing.node.world import DatabaseDirectory, database_name
from txsyncthing.vocabulary.folder import FolderID

DOCS, PHOTOS = FolderID("docs"), FolderID("photos")


def test_databases_lie_apart_and_one_put_aside_can_still_be_looked_at(tmp_path: Path) -> None:
    databases = DatabaseDirectory(tmp_path / "index")
    docs, photos = database_name(DOCS), database_name(PHOTOS)
    for name in (docs, photos):
        Path(databases.path(name)).write_bytes(name.encode())
    databases.put_aside(docs)
    assert databases.names() == [photos]
    assert Path(f"{databases.path(docs)}.damaged-1").read_bytes() == docs.encode()
    databases.put_aside(docs)  # there is none
    databases.remove(photos)
    assert databases.names() == []

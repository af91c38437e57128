from __future__ import annotations

from pathlib import Path

import pytest

from txsyncthing.node.paths import Paths, locate

USER = {"HOME": "/home/user"}
HERE = Path.cwd()


@pytest.mark.parametrize(
    ("environment", "options", "config", "data"),
    [
        (USER, {}, "/home/user/.local/state/txsyncthing", None),
        (USER | {"XDG_STATE_HOME": "/state"}, {}, "/state/txsyncthing", None),
        (USER | {"XDG_STATE_HOME": "relative"}, {}, "/home/user/.local/state/txsyncthing", None),
        (USER | {"STHOMEDIR": "/st"}, {}, "/st", None),
        (USER | {"STHOMEDIR": "/st"}, {"home": "/h"}, "/h", None),
        (USER | {"STCONFDIR": "/c", "STDATADIR": "/d"}, {}, "/c", "/d"),
        (USER | {"STCONFDIR": "/c", "STDATADIR": "/d"}, {"home": "/h"}, "/h", None),
        (USER | {"STHOMEDIR": "/st"}, {"config": "/c", "data": "/d"}, "/c", "/d"),
        (USER, {"home": "~/h"}, "/home/user/h", None),
        (USER, {"home": "h"}, str(HERE / "h"), None),
    ],
)
def test_options_count_more_than_variables_and_those_more_than_the_default(
    environment: dict[str, str], options: dict[str, str], config: str, data: str | None
) -> None:
    paths = locate(environment, **options)
    assert (str(paths.config), str(paths.data)) == (config, data or config)


def test_a_tilde_is_the_users_home() -> None:
    paths = Paths(Path("/c"), Path("/d"), Path("/home/user"))
    assert paths.expand("~") == Path("/home/user")
    assert paths.expand("~/Sync") == Path("/home/user/Sync")
    assert paths.expand("/srv") == Path("/srv")
    assert paths.expand("~other/x") == Path("/home/user/~other/x")


def test_rest_gets_all_places_by_name() -> None:
    table = Paths(Path("/c"), Path("/d"), Path("/home/user")).table()
    assert table["config"] == "/c/config.xml"
    assert table["database"] == "/d/index-txsyncthing"
    assert table["defFolder"] == "/home/user/Sync"
    assert list(table) == sorted(table, key=str.lower)
    assert len(table) == 16

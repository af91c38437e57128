from __future__ import annotations

from pathlib import Path

import pytest
from twisted.python.usage import Options as BaseOptions

from txsyncthing.node.plugin_service import Options, makeService


def refused(*arguments: str) -> str:
    """What a start with these arguments ends with."""
    options = Options()
    BaseOptions.parseOptions(options, ["--no-port-probing", *arguments])
    with pytest.raises(SystemExit) as caught:
        makeService(options)
    return str(caught.value)


def test_a_variable_that_is_not_valid_ends_the_start_with_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STLOGLEVEL", "loud")
    said = refused(f"--home={tmp_path}")
    assert said == "txsyncthing: log level 'loud': use DEBUG, INFO, WARN or ERROR"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--log-file", "--auditfile"])
def test_a_log_that_cannot_be_written_ends_the_start_with_one_line(
    tmp_path: Path, option: str
) -> None:
    said = refused(f"--home={tmp_path / 'home'}", f"{option}={tmp_path}/missing/log")
    assert said == f"txsyncthing: {tmp_path}/missing/log: No such file or directory"

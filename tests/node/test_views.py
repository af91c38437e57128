from __future__ import annotations

from pathlib import Path

from tests.node.test_ending import Process
from txsyncthing import __version__
from txsyncthing.config.config import Configuration
from txsyncthing.config.file_service import ConfigFileService
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.node.paths import Paths
from txsyncthing.node.views import ProcessView, version
from txsyncthing.runtime.log_service import Logs
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.device import DeviceID

ME = DeviceID(b"m" * 32)


def test_the_version_names_program_system_and_machine() -> None:
    said = version()
    assert said.version == f"v{__version__}"
    assert said.long_version.startswith(f"txsyncthing v{__version__} (")
    assert said.os == "linux"
    assert said.arch in said.long_version


def test_rest_ends_the_process_through_its_ending(tmp_path: Path) -> None:
    process = Process()
    paths = Paths(tmp_path, tmp_path, tmp_path / "user")
    holder = ConfigHolder(Configuration(), ME)
    log = Logs(lambda: 0.0).area("config")
    file = ConfigFileService(str(paths.config_file), holder, InlineWorkers().disk, log)
    view = ProcessView(ME, paths, 7.0, file, process.ending)
    assert (view.id, view.started, view.home) == (ME, 7.0, str(tmp_path / "user"))
    assert view.paths()["config"] == str(tmp_path / "config.xml")
    usage = view.usage()
    assert 0 < usage.alloc < usage.sys
    view.restart()
    view.shutdown()
    process.reactor.end()
    assert process.reactor.stopped == 1
    assert len(process.replaced) == 1

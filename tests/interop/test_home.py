"""Homes go from the official daemon to our node and back."""

from __future__ import annotations

from pathlib import Path

from tests.interop.harness import peers
from tests.interop.harness.daemon import OfficialDaemon, OurNode


def test_a_home_of_the_official_daemon_starts_here_and_can_go_back(
    version: str, work: Path
) -> None:
    official = OfficialDaemon(work / f"home-{version}", peers.need(version), version)
    ours = OurNode(official.directory)
    ours.home = official.home
    official.prepare()
    official.home.add_folder("default", work / f"home-{version}" / "folder", [official.device])
    (work / f"home-{version}" / "folder" / "file").write_text("content")
    try:
        official.start()
        official.stop()
        config = official.home.config.read_text()

        ours.start()
        assert ours.get("/rest/system/status")["myID"] == official.device
        ours.rescan("default")
        assert ours.status("default")["localFiles"] == 1
        ours.stop()
        assert official.home.config.read_text() == config

        official.start()
        assert official.get("/rest/system/status")["myID"] == official.device
        official.rescan("default")
        assert official.status("default")["localFiles"] == 1
        assert not [error for error in official.errors() if "privileged" not in error]
        official.stop()
    finally:
        official.kill()
        ours.kill()

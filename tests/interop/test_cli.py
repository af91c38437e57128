"""Our command line against the official daemon, and the official one against our node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.harness import peers
from tests.interop.harness.content import fill
from tests.interop.harness.daemon import ROOT, Daemon, OfficialDaemon, OurNode
from tests.interop.harness.pair import Pair
from tests.interop.harness.waiting import wait_until
from txsyncthing.cli.config_tree import act
from txsyncthing.cli.look import Exit

VERSION = "1.29.5"
pytestmark = pytest.mark.xdist_group(f"interop-{VERSION}")
STRANGER = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
LIMIT = 60.0


@pytest.fixture(scope="module")
def nodes(work: Path) -> Iterator[Pair]:
    """Our node and an official daemon with one folder; these tests change their configurations."""
    official = OfficialDaemon(work / "cli" / "right", peers.need(VERSION), VERSION)
    made = Pair(OurNode(work / "cli" / "left"), official)
    try:
        made.prepare(["default"])
        made.start()
        yield made
        made.stop()
    finally:
        made.destroy()


def run(
    command: list[str], daemon: Daemon, lines: tuple[str, ...]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input="".join(line + "\n" for line in lines) or None,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=daemon.directory,
        env={**daemon.environment(), "PYTHONPATH": str(ROOT)},
    )


def ours(
    daemon: Daemon, *words: str, lines: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Our tool, which finds the daemon by its home."""
    start = "from txsyncthing.cli.main import main; main()"
    home = ["--home", str(daemon.home.path)]
    return run([sys.executable, "-c", start, words[0], *home, *words[1:]], daemon, lines)


def official(
    daemon: Daemon, *words: str, lines: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """The official tool, which finds it the same way."""
    home = ["--home", str(daemon.home.path)]
    return run([str(peers.need(VERSION)), "cli", *home, *words], daemon, lines)


def properties(help: str) -> list[list[str]]:
    """The names below each ``PROPERTIES:`` of the official tool's help."""
    found: list[list[str]] = []
    inside = False
    for line in help.splitlines():
        if line.strip() == "PROPERTIES:":
            found.append([])
            inside = True
        elif inside and line.startswith("     ") and line.strip():
            found[-1].append(line.strip())
        else:
            inside = False
    return found


def test_the_names_in_the_configuration_are_the_official_ones(nodes: Pair) -> None:
    device = nodes.right.device
    folder = "folders default"
    places = ("options", "gui", "ldap", "defaults", "defaults ignores", f"devices {device}", folder,
              f"{folder} devices {device}", f"{folder} versioning", f"{folder} min-disk-free",
              f"{folder} xattr-filter")  # fmt: skip
    said = official(nodes.right, "-", lines=tuple(f"config {place}" for place in places))
    theirs = dict(zip(places, properties(said.stdout), strict=True))
    document = nodes.right.get("/rest/system/config")
    mine = {
        place: [
            line.strip()
            for line in act(document, place.split()).text.split("Properties:\n")[1].splitlines()
        ]
        for place in places
    }
    assert mine == theirs


CHANGES = (
    f"config devices add --device-id {STRANGER} --name two",
    f"config devices {STRANGER} addresses add tcp://192.0.2.1:22000",
    f"config devices {STRANGER} name set 'a <b> & c'",
    f"config devices {STRANGER} addresses 0 delete",
    "config folders default fswatcher-delays set 11",
    "config folders default versioning type set simple",
    "config folders default versioning params set keep 5",
    f"config folders default devices add --device-id {STRANGER}",
    "config options max-send-kbps set 1234567",
)
UNDONE = (
    f"config devices {STRANGER} delete",
    "config folders default fswatcher-delays set 10",
    "config folders default versioning params unset keep",
    "config folders default versioning type set ''",
    "config options max-send-kbps set 0",
)
READ = (
    "config folders list",
    "config devices list",
    f"config devices {STRANGER} dump-json",
    f"config devices {STRANGER} addresses 0 get",
    "config folders default fswatcher-delays get",
    "config folders default versioning dump-json",
    "config folders default versioning params dump",
    f"config folders default devices {STRANGER} dump-json",
    "config folders default paused get",
    "config dump-json",
)


@pytest.mark.parametrize("side", ["left", "right"])
def test_both_tools_make_the_same_changes_and_read_the_same(nodes: Pair, side: str) -> None:
    daemon: Daemon = getattr(nodes, side)
    before = daemon.get("/rest/system/config")
    said, documents = [], []
    for tool in (ours, official):
        assert tool(daemon, *words(tool), lines=CHANGES).stderr == ""
        documents.append(daemon.get("/rest/system/config"))
        assert documents[-1] != before
        said.append([text_of(tool(daemon, *words(tool), lines=READ)) for tool in (ours, official)])
        assert tool(daemon, *words(tool), lines=UNDONE).stderr == ""
        assert daemon.get("/rest/system/config") == before
    assert documents[0] == documents[1]
    assert said[0][0] == said[0][1] == said[1][0] == said[1][1]


def words(tool: object) -> list[str]:
    return ["cli", "-"] if tool is ours else ["-"]


def text_of(done: subprocess.CompletedProcess[str]) -> str:
    """What was printed, without what the official tool says before the first answer."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.partition("]\n")[2] if done.stdout.startswith("Reading") else done.stdout


@pytest.mark.parametrize("side", ["left", "right"])
def test_both_tools_show_the_same(nodes: Pair, side: str) -> None:
    daemon: Daemon = getattr(nodes, side)
    lines = (
        "errors clear", "errors push 'two <words>'", "errors show", "show version",
        "show config-status", "show pending devices", "show pending folders", "show discovery",
    )  # fmt: skip
    texts = [text_of(tool(daemon, *words(tool), lines=lines)) for tool in (ours, official)]
    mine, theirs = (json_values(text) for text in texts)
    for shown in (mine, theirs):
        (error,) = shown[0]["errors"]
        assert error.pop("message") == "two <words>"
        assert error.pop("when")
    assert mine == theirs


def json_values(text: str) -> list[Any]:
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_failures_end_alike(nodes: Pair) -> None:
    for command in (
        ["config", "folders", "nope"],
        ["config", "folders", "default", "max-conflicts", "set", "abc"],
        ["show", "nope"],
        ["operations", "folder-override", "nope"],
    ):
        mine, theirs = ours(nodes.right, "cli", *command), official(nodes.right, *command)
        assert (mine.returncode, bool(mine.stderr)) == (theirs.returncode, True), command


def test_wait_returns_when_the_other_side_has_it(nodes: Pair) -> None:
    left, right = nodes.both
    for here, there in ((right, left), (left, right)):
        fill(here.folders["default"] / f"of {here.label}", 5_000_000)
        done = ours(here, "wait", "default", "--device", there.label, "--timeout", "60")
        assert (done.returncode, done.stderr) == (Exit.IN_SYNC, "")
        assert done.stdout.startswith("default: in sync (")
        nodes.assert_equal("default")
    left.post("/rest/system/pause", device=right.device)
    (left.folders["default"] / "new").write_text("x")
    done = ours(left, "wait", "default", "-d", "all", "--json")
    assert done.returncode == Exit.STOPPED
    assert json.loads(done.stdout)["devices"][right.device]["needItems"] == 1
    left.post("/rest/system/resume", device=right.device)
    nodes.wait_connected()


def test_status_is_one_screen_for_both(nodes: Pair) -> None:
    for daemon in nodes.both:
        other = nodes.other(daemon)
        done = ours(daemon, "status")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"at http://127.0.0.1:{daemon.home.gui_port}" in done.stdout
        assert f"{other.label} ({other.device[:7]})  connected" in done.stdout
    explained = ours(nodes.right, "explain", "default", "new")
    assert explained.returncode == 1
    assert "only txsyncthing does" in explained.stderr


def test_tls_with_the_certificate_of_the_home_and_a_unix_socket(
    nodes: Pair, tmp_path: Path
) -> None:
    node = nodes.left
    assert ours(node, "cli", "-", lines=("config gui raw-use-tls set true",)).returncode == 0
    wait_until(lambda: node.home.read().find("gui[@tls='true']") is not None, "TLS is on")
    assert '"version"' in ours(node, "cli", "show", "version").stdout
    other = nodes.right.home.path / "cert.pem"
    refused = ours(node, "cli", "show", "version", "--gui-certificate", str(other))
    assert refused.returncode == 1
    assert "shows another certificate" in refused.stderr
    assert node.home.api_key not in refused.stderr
    socket = node.directory / "api.sock"
    changes = (f"config gui raw-address set {socket}", "config gui raw-use-tls set false")
    for change in changes:  # one by one: the listener changes after each
        assert ours(node, "cli", "-", lines=(change,)).stderr == ""
    assert '"version"' in ours(node, "cli", "show", "version").stdout
    back = f"config gui raw-address set 127.0.0.1:{node.home.gui_port}"
    assert ours(node, "cli", "-", lines=(back,)).stderr == ""
    wait_until(node.answers, "it answers at its port again")


def test_each_tool_restarts_the_other_one(nodes: Pair) -> None:  # the last: one stays down
    left, right = nodes.both
    before = left.get("/rest/system/status")["startTime"]
    assert official(left, "operations", "restart").returncode == 0
    wait_until(lambda: left.answers() and left.get("/rest/system/status")["startTime"] != before,
               "our node is back")  # fmt: skip
    assert ours(right, "cli", "operations", "restart").returncode == 0
    assert right.process.wait(LIMIT) == 3
    right.kill()  # clears up after it; a stop so soon after a start would take it ten seconds

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.cli.fakes import FakeNode, done
from txsyncthing.cli.commands import ahead, cli, lines, read_lines
from txsyncthing.cli.seam import Job, NodeError, Refused

CONFIG: dict[str, Any] = {"folders": [{"id": "photos", "label": ""}], "devices": []}


def job(*words: str) -> Job:
    made = lines.main(list(words), standalone_mode=False)
    assert callable(made)
    return made  # type: ignore[no-any-return]


def run(node: FakeNode, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert done(job(*words)(node)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("show version", "/rest/system/version"),
        ("show config-status", "/rest/config/restart-required"),
        ("show system", "/rest/system/status"),
        ("show connections", "/rest/system/connections"),
        ("show discovery", "/rest/system/discovery"),
        ("show usage", "/rest/svc/report"),
        ("show pending devices", "/rest/cluster/pending/devices"),
        ("show pending folders", "/rest/cluster/pending/folders"),
        ("errors show", "/rest/system/error"),
        ("debug file f p", "/rest/debug/file"),
    ],
)
def test_what_is_shown_is_what_the_node_sent(
    words: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    node = FakeNode().on(path, lambda query: {"b": query, "a": 1})
    shown = json.loads(run(node, capsys, *words.split()))
    assert list(shown) == ["b", "a"]
    assert shown["b"] == ({"folder": "f", "file": "p"} if "debug" in words else {})


def test_pending_folders_of_one_device(capsys: pytest.CaptureFixture[str]) -> None:
    node = FakeNode().on("/rest/cluster/pending/folders", lambda query: query)
    said = run(node, capsys, "show", "pending", "folders", "--device", "D")
    assert json.loads(said) == {"device": "D"}


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("operations restart", "/rest/system/restart"),
        ("operations shutdown", "/rest/system/shutdown"),
        ("operations upgrade", "/rest/system/upgrade"),
        ("errors clear", "/rest/system/error/clear"),
    ],
)
def test_what_is_done_is_posted_in_silence(
    words: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    node = FakeNode()
    assert run(node, capsys, *words.split()) == ""
    assert node.told == [("POST", path, b"", {})]


def test_a_notice_is_sent_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    node = FakeNode()
    run(node, capsys, "errors", "push", "two words")
    assert node.told == [("POST", "/rest/system/error", b"two words", {})]


@pytest.mark.parametrize(("action", "path"), [("override", "override"), ("revert", "revert")])
def test_override_and_revert_look_whether_the_folder_is_there(
    action: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    node = FakeNode().on("/rest/config/folders", CONFIG["folders"])
    run(node, capsys, "operations", f"folder-{action}", "photos")
    assert node.told == [("POST", f"/rest/db/{path}", b"", {"folder": "photos"})]
    with pytest.raises(NodeError, match='Folder "nope" not found: the node has photos'):
        done(job("operations", f"folder-{action}", "nope")(node))
    assert len(node.told) == 1


def test_default_ignores_come_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lines").write_text("*.o\n\n// c\n")
    node = FakeNode()
    run(node, capsys, "operations", "default-ignores", str(tmp_path / "lines"))
    (method, path, body, _) = node.told[0]
    assert (method, path) == ("PUT", "/rest/config/defaults/ignores")
    assert json.loads(body) == {"lines": ["*.o", "", "// c"]}
    with pytest.raises(click.ClickException, match="No such file"):
        job("operations", "default-ignores", str(tmp_path / "nope"))


def test_config_reads_the_whole_and_sends_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    node = FakeNode().on("/rest/system/config", CONFIG)
    assert run(node, capsys, "config", "folders", "list") == "photos\n"
    assert node.told == []
    run(node, capsys, "config", "folders", "photos", "label", "set", "--a b")
    ((method, path, body, _),) = node.told
    assert (method, path) == ("POST", "/rest/system/config")
    changed = {"folders": [{"id": "photos", "label": "--a b"}], "devices": []}
    assert json.loads(body) == changed


def test_a_profile_of_a_node_in_python_is_refused_honestly() -> None:
    node = FakeNode().on("/rest/debug/cpuprof", Refused("", 501, ""))
    with pytest.raises(NodeError, match="makes no cpu profile"):
        done(job("debug", "profile", "cpu")(node))


def test_a_profile_is_saved_here_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    node = FakeNode().on("/rest/debug/heapprof", ("../../etc/heap.pprof", b"\x01"))
    assert run(node, capsys, "debug", "profile", "heap") == "Wrote results to heap.pprof\n"
    assert (tmp_path / "heap.pprof").read_bytes() == b"\x01"
    with pytest.raises(NodeError, match="File exists"):
        done(job("debug", "profile", "heap")(node))


def test_a_file_falls_back_where_there_is_no_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    node = FakeNode().on("/rest/db/file", {"global": {}})
    assert json.loads(run(node, capsys, "debug", "file", "f", "p")) == {"global": {}}
    node.on("/rest/debug/file", Refused("", 403, "Debugging disabled"))
    with pytest.raises(NodeError, match="config gui debugging set true"):
        done(job("debug", "file", "f", "p")(node))


def test_lines_of_input_are_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'errors push "two words"\n\n# a remark\nnope\nshow\nconfig folders x\nerrors clear\n'
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    node = FakeNode().on("/rest/system/config", CONFIG)
    assert done(read_lines(node)) == 0
    assert [path for _, path, _, _ in node.told] == [
        "/rest/system/error",
        "/rest/system/error/clear",
    ]
    assert node.told[0][2] == b"two words"
    said = capsys.readouterr()
    assert said.out == ""
    assert "Error: No such command 'nope'" in said.err
    assert "Error: No help topic for 'x'" in said.err


def test_a_line_without_its_closing_quote_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('errors push "two\nerrors clear\n'))
    node = FakeNode()
    with pytest.raises(click.ClickException, match="No closing quotation"):
        done(read_lines(node))
    assert node.told == []


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        ("show version --home h", "--home h show version"),
        ("show --gui-apikey=k version -H h", "--gui-apikey=k -H h show version"),
        ("--home h config gui user set --home x", "--home h config gui user set --home x"),
        ("errors push -- --home", "errors push -- --home"),
        ("show config-status", "show config-status"),
    ],
)
def test_options_about_the_node_may_come_last(words: str, moved: str) -> None:
    assert ahead(words.split()) == moved.split()


@pytest.mark.parametrize("words", ["nope", "show nope", "show version extra", "errors push"])
def test_wrong_usage_ends_with_1_as_the_official_tool(words: str) -> None:
    result = CliRunner().invoke(cli, words.split())
    assert result.exit_code == 1
    assert "Error: " in result.output


def test_help_needs_no_node() -> None:
    for words in (["--help"], ["show", "-h"], ["operations", "folder-revert", "--help"]):
        result = CliRunner().invoke(cli, [*words, "--home", "/nowhere"])
        assert result.exit_code == 0, result.output


def test_help_loads_no_reactor_and_no_client() -> None:
    code = (
        "import sys; from txsyncthing.cli.main import main\n"
        "for words in (['--help'], ['cli', '--help'], ['wait', '--help'], ['status', '--help']):\n"
        "    try: main(words)\n"
        "    except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith(('twisted', 'treq', 'txsyncthing.node'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"

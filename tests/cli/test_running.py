from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from txsyncthing.cli.running import run
from txsyncthing.cli.seam import NodeError, Unreachable
from twisted.internet import reactor
from twisted.internet.defer import Deferred

async def code(node): return 3
async def refused(node): raise NodeError("the reason")
async def unreachable(node): return await node.get("/rest/x")
async def interrupted(node):
    reactor.callLater(0, os.kill, os.getpid(), {number})
    await Deferred()
async def broken(node): raise ZeroDivisionError

options = dict.fromkeys(["gui_certificate", "config", "data"], "")
options.update(gui_address="unix:///nowhere/s", gui_apikey="k", home={home!r})
run({job}, options)
"""  # fmt: skip


@pytest.mark.parametrize(
    ("job", "code", "said"),
    [
        ("code", 3, ""),
        ("refused", 1, "Error: the reason\n"),
        (
            "unreachable",
            1,
            "Error: no node answers at unix:///nowhere/s (No such file or directory)",
        ),
        ("interrupted", 130, ""),
        ("broken", 1, "ZeroDivisionError"),
    ],
)
def test_the_process_ends_with_the_code_of_its_job(
    job: str, code: int, said: str, tmp_path: Path
) -> None:
    text = START.format(job=job, home=str(tmp_path), number=int(signal.SIGINT))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr

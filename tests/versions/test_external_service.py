"""A command takes old files away; whatever it does, the node goes on and the file is not lost unnoticed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.versions.command import Command
from txsyncthing.versions.external_service import External, Job

ENVIRONMENT = {"PATH": os.defpath, "HOME": "/h", "STGUIAUTH": "a:b", "STGUIAPIKEY": "secret"}


class Bench:
    """A folder with one file, and a script that is the command."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path / "the folder"
        (self.folder / "d").mkdir(parents=True)
        self.file = self.folder / "d" / "a $b;c"
        self.file.write_text("old bytes")
        self.storage = DiskFilesystem(str(self.folder))

    def external(self, script: str, limit: float = 30.0) -> External:
        command = self.path / "command"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        words = Command.parse(f"'{command}' %FOLDER_PATH% %FILE_PATH% %FOLDER_FILESYSTEM%")
        return External(words, str(self.folder), ENVIRONMENT, limit)

    def keep(self, external: External, job: Job | None = None) -> None:
        job = external.begin(0.0) if job is None else job
        job.copy(self.storage, "d/a $b;c", self.storage.lstat("d/a $b;c"))(True)
        job.end(True)

    def fails(self, external: External, job: Job | None = None) -> str:
        with pytest.raises(OSError) as raised:
            self.keep(external, job)
        return str(raised.value.strerror)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_command_gets_the_file_and_no_secrets(bench: Bench) -> None:
    out = bench.path / "out"
    bench.keep(
        bench.external(f'printf "%s\\n" "$@" > {out}; env >> {out}; mv "$1/$2" {bench.path}')
    )
    lines = out.read_text().split("\n")
    assert lines[:3] == [str(bench.folder), "d/a $b;c", "basic"]
    assert f"FOLDER_PATH={bench.folder}" in lines
    assert "FILE_PATH=d/a $b;c" in lines
    assert "FOLDER_FILESYSTEM=basic" in lines
    assert "HOME=/h" in lines
    assert not [line for line in lines if line.startswith("STGUI")]
    assert (bench.path / "a $b;c").read_text() == "old bytes"


def test_a_file_that_has_just_been_changed_is_not_given_to_it(bench: Bench) -> None:
    found = bench.storage.lstat("d/a $b;c")
    bench.file.write_text("NEW BYTES")
    job = bench.external('rm "$1/$2"').begin(0.0)
    assert not job.move(bench.storage, "d/a $b;c", found)
    with pytest.raises(OSError, match="changed"):
        job.copy(bench.storage, "d/a $b;c", found)
    assert bench.file.read_text() == "NEW BYTES"


def test_a_deleted_file_is_given_to_it_too(bench: Bench) -> None:
    job = bench.external('rm "$1/$2"').begin(0.0)
    assert job.move(bench.storage, "d/a $b;c", bench.storage.lstat("d/a $b;c"))
    assert not bench.file.exists()


def test_its_failure_tells_the_last_lines_of_what_it_said(bench: Bench) -> None:
    said = bench.fails(
        bench.external("for i in 1 2 3 4; do echo line $i; done; echo oh >&2; exit 3")
    )
    assert said == "external versioner: archive: exit status 3: line 3 | line 4 | oh"
    assert bench.file.exists()
    assert bench.fails(bench.external("kill -9 $$")) == (
        "external versioner: archive: ended by signal 9"
    )


def test_a_file_that_is_still_there_is_an_error(bench: Bench) -> None:
    text = "external versioner: archive: the command ran, but the file is still there"
    assert bench.fails(bench.external("exit 0")) == text


def test_a_command_that_is_missing_is_an_error(bench: Bench) -> None:
    external = External(Command(("/nonexistent",)), str(bench.folder), ENVIRONMENT)
    assert bench.fails(external) == (
        "external versioner: archive: /nonexistent: No such file or directory"
    )


def test_a_command_that_hangs_is_ended_and_not_tried_for_each_file(bench: Bench) -> None:
    external = bench.external("echo waiting; sleep 1000 & sleep 1000", limit=0.3)
    job = external.begin(0.0)
    assert bench.fails(external, job) == (
        "external versioner: archive: it took longer than 0.3 seconds: waiting"
    )
    assert "not tried" in bench.fails(external, job)


def test_a_child_in_the_background_is_not_waited_for(bench: Bench) -> None:
    bench.keep(bench.external('sleep 1000 & echo $! > "$1/pid"; rm "$1/$2"'))
    os.kill(int((bench.folder / "pid").read_text()), 9)


def test_a_command_that_says_much_does_not_fill_the_memory(bench: Bench) -> None:
    said = bench.fails(
        bench.external("head -c 30000000 /dev/zero | tr '\\0' x; echo; echo end; exit 1")
    )
    assert len(said) < 5000
    assert said.endswith("| end")


def test_a_stop_ends_it(bench: Bench) -> None:
    external = bench.external('echo > "$1/begun"; sleep 1000')

    def stop() -> None:
        while not (bench.folder / "begun").exists():
            pass
        external.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    assert bench.fails(external) == "external versioner: archive: the folder is stopped"
    thread.join()
    assert bench.fails(external) == "external versioner: archive: the folder is stopped"

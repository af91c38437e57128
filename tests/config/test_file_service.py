from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.config.samples import sample
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.file_service import (
    RETRY,
    ConfigFileService,
    ConfigurationUnsaved,
    load,
    save,
)
from txsyncthing.config.holder import ConfigHolder

P = ParamSpec("P")
T = TypeVar("T")


class SlowLane:
    """Runs each job when told to."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        done: Deferred[T] = Deferred()

        def work() -> None:
            try:
                result = job(*args, **kwargs)
            except OSError as error:
                done.errback(error)
            else:
                done.callback(result)

        self.jobs.append(work)
        return done

    def work(self) -> None:
        self.jobs.pop(0)()


class Lines:
    """A log."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def error(self, format: str, /, **fields: object) -> None:
        self.errors.append(format.format(**fields))


class Fixture:
    """A service over a copy of a sample."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "config.xml"
        self.path.write_bytes(sample("v37.xml"))
        configuration = load(str(self.path)).configuration
        self.holder = ConfigHolder(configuration, configuration.devices[0].id)
        self.lane, self.log = SlowLane(), Lines()
        self.told: list[Configuration] = []
        self.clock = Clock()
        self.service = ConfigFileService(
            str(self.path), self.holder, self.lane, self.log, self.told.append, self.clock
        )
        self.service.startService()

    def see(self, number: int) -> None:
        """Change something."""
        self.holder.modify(lambda now: replace(now, options=replace(now.options, ur_seen=number)))

    def on_disk(self) -> int:
        return load(str(self.path)).configuration.options.ur_seen


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_a_change_is_saved(fixture: Fixture) -> None:
    in_sync = [fixture.service.in_sync]
    fixture.see(3)
    in_sync.append(fixture.service.in_sync)
    fixture.lane.work()
    in_sync.append(fixture.service.in_sync)
    assert in_sync == [True, False, True]
    assert fixture.on_disk() == 3
    assert fixture.told == [fixture.holder.current]


def test_saved_fires_when_the_newest_is_on_disk(fixture: Fixture) -> None:
    fired: list[None] = []
    fixture.see(3)
    fixture.see(4)
    fixture.see(5)
    fixture.service.saved().addCallback(fired.append)
    fixture.lane.work()
    assert fired == []
    fixture.lane.work()
    assert (fired, fixture.on_disk(), fixture.lane.jobs) == ([None], 5, [])


def test_saved_fires_at_once_when_nothing_is_to_save(fixture: Fixture) -> None:
    fired: list[None] = []
    fixture.service.saved().addCallback(fired.append)
    assert fired == [None]


def test_a_failed_save_is_told_and_tried_again(fixture: Fixture) -> None:
    os.rename(fixture.path.parent, fixture.path.parent.with_name("away"))
    failed: list[object] = []
    fixture.see(3)
    fixture.service.saved().addErrback(lambda failure: failed.append(failure.value))
    fixture.lane.work()
    assert isinstance(failed[0], ConfigurationUnsaved)
    assert str(fixture.path) in str(failed[0])
    assert len(fixture.log.errors) == 1
    in_sync = [fixture.service.in_sync]
    os.rename(fixture.path.parent.with_name("away"), fixture.path.parent)
    fixture.service.save()
    fixture.lane.work()
    assert [*in_sync, fixture.service.in_sync] == [False, True]
    assert fixture.on_disk() == 3


def test_what_could_not_be_saved_is_in_force_and_saved_later(fixture: Fixture) -> None:
    before = fixture.path.read_bytes()
    away = fixture.path.parent.with_name("away")
    os.rename(fixture.path.parent, away)
    fixture.see(3)
    fixture.lane.work()
    assert fixture.holder.current.options.ur_seen == 3
    assert fixture.told == []
    fixture.clock.advance(RETRY)
    fixture.lane.work()
    assert len(fixture.log.errors) == 2
    os.rename(away, fixture.path.parent)
    assert fixture.path.read_bytes() == before
    fixture.clock.advance(RETRY)
    fixture.lane.work()
    assert (fixture.on_disk(), fixture.told) == (3, [fixture.holder.current])
    assert fixture.service.in_sync and fixture.clock.getDelayedCalls() == []


def test_what_could_not_be_saved_is_tried_once_more_at_the_stop(fixture: Fixture) -> None:
    away = fixture.path.parent.with_name("away")
    os.rename(fixture.path.parent, away)
    fixture.see(3)
    fixture.lane.work()
    os.rename(away, fixture.path.parent)
    fixture.service.stopService()
    fixture.lane.work()
    assert fixture.on_disk() == 3
    assert fixture.clock.getDelayedCalls() == []


def test_stopping_waits_for_the_last_save(fixture: Fixture) -> None:
    fixture.see(3)
    stopped: list[object] = []
    fixture.service.stopService().addCallback(stopped.append)
    assert stopped == []
    fixture.lane.work()
    assert stopped == [None]
    fixture.see(4)
    assert fixture.lane.jobs == []


def test_saving_what_is_there_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(sample("v36.xml"))
    before = path.stat()
    save(str(path), load(str(path)).configuration)
    after = path.stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_the_file_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(sample("v36.xml"))
    path.chmod(0o644)
    save(str(path), replace(load(str(path)).configuration, devices=()))
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["config.xml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.xml"
    real.write_bytes(sample("v36.xml"))
    link = tmp_path / "config.xml"
    link.symlink_to(real)
    save(str(link), replace(load(str(link)).configuration, devices=()))
    assert link.is_symlink()
    assert real.read_bytes() != sample("v36.xml")


def test_a_migrated_file_is_archived_before_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    old = b'<configuration version="28"><options><urSeen>1</urSeen></options></configuration>'
    path.write_bytes(old)
    loaded = load(str(path))
    assert (loaded.file_version, loaded.configuration.version) == (28, 37)
    assert path.read_bytes() == old
    save(str(path), loaded.configuration)
    assert (tmp_path / "config.xml.v28").read_bytes() == old
    assert load(str(path)).configuration == loaded.configuration


def test_a_newer_file_is_refused_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(sample("v52.xml").replace(b'version="52"', b'version="99"'))
    with pytest.raises(InvalidConfiguration, match="--allow-newer-config"):
        load(str(path))
    loaded = load(str(path), allow_newer=True)
    assert loaded.configuration.version == 99
    save(str(path), loaded.configuration)
    assert b'version="99"' in path.read_bytes()


def test_an_invalid_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(b'<configuration version="37"><gui enabled="perhaps"/></configuration>')
    with pytest.raises(InvalidConfiguration, match=r"gui/enabled: 'perhaps' .* true or false"):
        load(str(path))
    assert b"perhaps" in path.read_bytes()
    assert os.listdir(tmp_path) == ["config.xml"]


def test_a_file_damaged_meanwhile_is_kept_aside_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(b"<configuration")
    save(str(path), Configuration())
    assert load(str(path)).configuration == Configuration()
    assert (tmp_path / "config.xml.damaged").read_bytes() == b"<configuration"


def test_a_file_in_another_form_is_left_alone_while_it_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(
        sample("v36.xml").replace(b"\n    ", b"\n\t").replace(b"<ldap></ldap>", b"<ldap />")
    )
    before = path.stat()
    save(str(path), load(str(path)).configuration)
    after = path.stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_without_room_for_the_archive_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_bytes(b'<configuration version="28"></configuration>')
    (tmp_path / "config.xml.v28").mkdir()
    with pytest.raises(OSError):
        save(str(path), load(str(path)).configuration)
    assert path.read_bytes() == b'<configuration version="28"></configuration>'

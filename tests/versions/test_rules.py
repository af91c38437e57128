"""Which versions stay, what they are called, and what the settings mean."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from txsyncthing.config.entry import FilesystemType
from txsyncthing.config.folder import Parameter, Versioning
from txsyncthing.versions.command import BadCommand, Command, split
from txsyncthing.versions.kinds import BadVersioning, kind_of
from txsyncthing.versions.place import bad_place, versions_path
from txsyncthing.versions.rule import Rule, Version
from txsyncthing.versions.simple import Simple
from txsyncthing.versions.staggered import DAY, HOUR, Staggered
from txsyncthing.versions.tag import parse, tagged
from txsyncthing.versions.trashcan import Trashcan

NOW = 1_700_000_000.0
TAG = "20231114-221320"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("a.txt", f"a~{TAG}.txt"),
        ("d.e/x.tar.gz", f"d.e/x.tar~{TAG}.gz"),
        ("d.e/none", f"d.e/none~{TAG}"),
        (".bashrc", f"~{TAG}.bashrc"),
        ("end.", f"end~{TAG}."),
        ("a~20200101-000000.txt", f"a~20200101-000000~{TAG}.txt"),
    ],
)
def test_the_time_stands_before_the_extension(name: str, version: str) -> None:
    assert tagged(name, NOW) == version
    found = parse(version.rpartition("/")[2])
    assert found is not None
    assert (found.origin, found.when) == (name.rpartition("/")[2], NOW)


@pytest.mark.parametrize(
    "base", ["a.txt", "a~2023-1.txt", f"~{TAG}", "a~20239999-999999.txt", f"a~{TAG}.b.c", "~"]
)
def test_other_names_are_no_versions(base: str) -> None:
    assert parse(base) is None


def times(rule: Rule, ages: list[float]) -> list[float]:
    """The ages of what stays."""
    versions = [Version(f"v{age}", NOW - age) for age in ages]
    gone = rule.surplus(versions, NOW)
    assert set(gone) <= set(versions)
    return sorted(age for age, version in zip(ages, versions, strict=True) if version not in gone)


def test_the_trashcan_keeps_for_so_many_days() -> None:
    assert times(Trashcan(0), [1, 9000 * DAY]) == [1, 9000 * DAY]
    assert times(Trashcan(2), [1, 1.9 * DAY, 2.1 * DAY]) == [1, 1.9 * DAY]


def test_simple_keeps_the_newest() -> None:
    assert times(Simple(3), [5, 1, 4, 2, 3]) == [1, 2, 3]
    assert times(Simple(3, days=2), [1, 1.9 * DAY, 2.1 * DAY]) == [1, 1.9 * DAY]


def test_staggered_keeps_less_the_older_it_is() -> None:
    """Each of these was left by 1.29.5 when it cleaned up."""
    half = [0.1 + 0.7 * count for count in range(6)]
    assert times(Staggered(), [age * DAY for age in half]) == pytest.approx(
        [age * DAY for age in (0.1, 0.8, 2.2, 3.6)]
    )
    assert times(Staggered(), [1100 + 100 * count for count in range(6)]) == [
        1100 + 100 * count for count in range(6)
    ]
    assert times(Staggered(), [1, 2]) == [2]
    assert times(Staggered(), [364 * DAY, 366 * DAY]) == [364 * DAY]
    assert times(Staggered(0), [364 * DAY, 366 * DAY, 3660 * DAY]) == [366 * DAY, 3660 * DAY]
    assert times(Staggered(432000), [4.9 * DAY, 5.1 * DAY]) == [4.9 * DAY]


def test_staggered_versions_are_as_far_apart_as_promised() -> None:
    random = Random(1)
    ages = sorted({float(int(random.expovariate(1 / (20 * DAY)))) for _ in range(2000)})
    left = times(Staggered(), ages)
    assert left[-1] == ages[-1]
    for newer, older in pairwise(left):
        least = (
            30 if newer < HOUR else HOUR if newer < DAY else DAY if newer < 30 * DAY else 7 * DAY
        )
        assert older - newer >= least
    again = times(Staggered(), left)
    assert again == left


def versioning(type: str, **params: str) -> Versioning:
    return Versioning(type, tuple(Parameter(key, value) for key, value in params.items()))


def test_settings_are_texts_with_defaults() -> None:
    assert kind_of(Versioning()) is None
    assert kind_of(versioning("trashcan")) == Trashcan(0)
    assert kind_of(versioning("trashcan", cleanoutDays="30")) == Trashcan(30)
    assert kind_of(versioning("simple", keep="", cleanoutDays="7")) == Simple(5, 7)
    assert kind_of(versioning("simple", keep="10", unknown="x")) == Simple(10)
    assert kind_of(versioning("staggered")) == Staggered(365 * 24 * 3600)
    assert kind_of(versioning("staggered", maxAge="0")) == Staggered(0)
    assert kind_of(versioning("external", command="mv %FILE_PATH%")) == Command(
        ("mv", "%FILE_PATH%")
    )


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (
            versioning("magic"),
            "versioning/type: 'magic' is not valid; allowed: none, trashcan, simple,",
        ),
        (
            versioning("simple", keep="many"),
            "versioning/param[keep]: 'many' is not valid; allowed: a",
        ),
        (
            versioning("simple", keep="0"),
            "versioning/param[keep]: '0' is not valid; allowed: a whole",
        ),
        (
            versioning("trashcan", cleanoutDays="-1"),
            "versioning/param[cleanoutDays]: '-1' is not valid",
        ),
        (
            versioning("staggered", maxAge="1e9"),
            "versioning/param[maxAge]: '1e9' is not valid; allowed",
        ),
        (
            versioning("external"),
            "versioning/param[command]: '' is not valid; allowed: a command with",
        ),
        (
            versioning("external", command="x 'y"),
            'versioning/param[command]: "x \'y" is not valid;',
        ),
        (
            Versioning("simple", fs_type=FilesystemType("cloud")),
            "versioning/fsType: 'cloud' is not valid; allowed: basic",
        ),
    ],
)
def test_a_wrong_setting_is_named(wrong: Versioning, text: str) -> None:
    with pytest.raises(BadVersioning) as raised:
        kind_of(wrong)
    assert str(raised.value).startswith(text)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("a b  c", ["a", "b", "c"]),
        ("'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]),
        ("a'b'\"c\"", ["abc"]),
        ("'' x", ["", "x"]),
        ("a|b > $HOME $(id) `id` # c", ["a|b", ">", "$HOME", "$(id)", "`id`", "#", "c"]),
        ('"a\\"b\\c\\$"', ['a"b\\c$']),
        ("'a\\b'", ["a\\b"]),
    ],
)
def test_a_template_is_split_as_a_shell_would(template: str, words: list[str]) -> None:
    assert split(template) == words


@pytest.mark.parametrize("template", ["", "  ", "'a", '"a', "a\\", "'' x"])
def test_what_is_no_command(template: str) -> None:
    with pytest.raises(BadCommand):
        Command.parse(template)


@pytest.mark.parametrize(
    "template", ["sh -c 'rm %FILE_PATH%'", "sh -c rm;%FILE_PATH%", 'x "$(%FOLDER_PATH%)"']
)
def test_a_file_name_never_becomes_code(template: str) -> None:
    with pytest.raises(BadCommand):
        Command.parse(template)


def test_placeholders_are_filled_in_at_once() -> None:
    command = Command.parse(
        "mv --to=%FOLDER_PATH%/old/%FILE_PATH% '%FILE_PATH%' %FOLDER_FILESYSTEM%"
    )
    assert command.fill("/f $x", "%FOLDER_PATH%;a b", "basic") == [
        "mv",
        "--to=/f $x/old/%FOLDER_PATH%;a b",
        "%FOLDER_PATH%;a b",
        "basic",
    ]


@pytest.mark.parametrize(
    ("fs_path", "path"),
    [
        ("", "/data/f/.stversions"),
        ("old", "/data/f/old"),
        ("../old/", "/data/old"),
        ("/mnt/old", "/mnt/old"),
        ("~", "/home/u"),
        ("~/old", "/home/u/old"),
    ],
)
def test_where_versions_lie(fs_path: str, path: str) -> None:
    assert versions_path(fs_path, "/data/f", "/home/u") == path
    assert bad_place(path, "/data/f/") == ""


@pytest.mark.parametrize("fs_path", [".", "/data/f", "..", "/", "/data", "x/.."])
def test_versions_never_lie_around_the_folder(fs_path: str) -> None:
    path = versions_path(fs_path, "/data/f", "/home/u")
    assert bad_place(path, "/data/f").startswith("versioning/fsPath: ")

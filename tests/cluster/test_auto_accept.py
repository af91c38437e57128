from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.bench import ALICE, BOB, F
from txsyncthing.bep.messages import ClusterConfig, Device, Folder
from txsyncthing.cluster.auto_accept import (
    MAX_ACCEPTED,
    MAX_FOLDERS,
    Candidate,
    accept,
    candidates,
    new_folder,
    sanitized,
)
from txsyncthing.config.config import Configuration, Defaults
from txsyncthing.config.device import DeviceConfig, ObservedFolder
from txsyncthing.config.folder import FolderConfig, FolderDevice, Versioning
from txsyncthing.vocabulary.folder import FolderID, FolderType

TOKEN = b"token"


def alices(*folders: FolderConfig, **settings: object) -> Configuration:
    """Bob's folders are accepted by themselves."""
    bob = replace(DeviceConfig(id=BOB, auto_accept_folders=True), **settings)  # type: ignore[arg-type]
    defaults = Defaults(folder=FolderConfig(path="/here", rescan_interval_s=77))
    return Configuration(devices=(DeviceConfig(id=ALICE), bob), folders=folders, defaults=defaults)


def offer(id: str, label: str = "", us: bytes = b"", them: bytes = b"") -> Folder:
    ends = (
        Device(ALICE, encryption_password_token=us),
        Device(BOB, encryption_password_token=them),
    )
    return Folder(FolderID(id), label, devices=ends)


def found(configuration: Configuration, *offers: Folder) -> tuple[Candidate, ...]:
    return candidates(configuration, ALICE, BOB, ClusterConfig(offers)).found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('A/b: "c"  d?', "A b c d"),
        ("../../up", ".. .. up"),
        (" lead trail .", "lead trail ."),
        ("umläut☃ \x07 tab\t", "umläut☃ tab"),
        ("con", "-con"),
        ("COM1.txt", "-COM1.txt"),
        ("console", "console"),
        ("/\\:\ufffd", ""),
        ("", ""),
    ],
)
def test_a_label_becomes_a_name_that_each_system_can_have(text: str, name: str) -> None:
    assert sanitized(text) == name


def test_a_new_folder_may_be_called_by_its_label_or_its_id() -> None:
    assert found(alices(), offer("abc", "Photos")) == (
        Candidate(FolderID("abc"), "Photos", False, ("Photos", "abc")),
    )
    assert found(alices(), offer("abc"))[0].names == ("abc",)
    assert found(alices(), offer("abc", "x" * 300))[0].names == ("abc",)


def test_a_folder_begins_as_the_defaults_say() -> None:
    decided = accept(
        alices(), ALICE, BOB, ClusterConfig((offer("abc", "Photos"),)), {FolderID("abc"): "/here/P"}
    )
    assert decided.configuration.folders == (
        FolderConfig(
            id=FolderID("abc"),
            label="Photos",
            path="/here/P",
            rescan_interval_s=77,
            devices=(FolderDevice(id=BOB),),
        ),
    )
    assert "Auto-accepted" in decided.notes[0]


def test_a_folder_that_got_no_place_is_refused() -> None:
    decided = accept(alices(), ALICE, BOB, ClusterConfig((offer("abc", "Photos"),)), {})
    assert decided.configuration == alices()
    assert "path conflict" in decided.warnings[0]


def test_a_folder_that_is_here_is_only_shared() -> None:
    ours = FolderConfig(id=F, label="mine", path="/mine", devices=(FolderDevice(id=ALICE),))
    (candidate,) = found(alices(ours), offer(F, "theirs"))
    assert candidate.names == ()
    decided = accept(alices(ours), ALICE, BOB, ClusterConfig((offer(F, "theirs"),)), {})
    members = (FolderDevice(id=ALICE), FolderDevice(id=BOB))
    assert decided.configuration.folders == (replace(ours, devices=members),)
    assert found(decided.configuration, offer(F)) == ()


@pytest.mark.parametrize(
    "settings",
    [
        {"auto_accept_folders": False},
        {"untrusted": True},
        {"ignored_folders": (ObservedFolder(id=F),)},
    ],
)
def test_nothing_is_accepted_against_the_users_will(settings: dict[str, object]) -> None:
    assert found(alices(**settings), offer(F, "Photos")) == ()


@pytest.mark.parametrize("tokens", [{"us": TOKEN}, {"them": TOKEN}])
def test_a_folder_encrypted_at_one_end_only_is_refused(tokens: dict[str, bytes]) -> None:
    plain = FolderConfig(id=F, path="/mine")
    encrypted = replace(plain, type=FolderType.RECEIVE_ENCRYPTED)
    assert found(alices(plain), offer(F, "Photos", **tokens)) == ()
    assert found(alices(encrypted), offer(F, "Photos")) == ()


def test_what_the_peer_encrypts_for_others_does_not_matter() -> None:
    entries = (*offer(F).devices, Device(DeviceConfig().id, encryption_password_token=TOKEN))
    assert len(found(alices(), Folder(F, "Photos", devices=entries))) == 1


def test_an_encrypted_folder_waits_for_the_user() -> None:
    result = candidates(alices(), ALICE, BOB, ClusterConfig((offer(F, "Photos", us=TOKEN),)))
    assert result.found == () and "encrypted" in result.warnings[0]


def test_an_encrypted_folder_has_settings_of_its_own() -> None:
    candidate = Candidate(F, "Photos", True, ("Photos",))
    start = alices()
    template = replace(start.defaults.folder, versioning=Versioning(type="simple"))
    start = replace(start, defaults=replace(start.defaults, folder=template))
    folder = new_folder(start, BOB, candidate, "/here/Photos")
    assert folder.type is FolderType.RECEIVE_ENCRYPTED
    assert (folder.rescan_interval_s, folder.fs_watcher_enabled) == (86400, False)
    assert folder.versioning == Versioning()


# What a hostile device tries.


@pytest.mark.parametrize(
    ("id", "label", "names"),
    [
        ("abc", "..", ("abc",)),
        ("abc", ".ssh", ("abc",)),
        ("..", "Photos", ("Photos",)),
        ("a/b", "Photos", ("Photos", "a b")),
    ],
)
def test_no_name_leads_elsewhere_or_hides(id: str, label: str, names: tuple[str, ...]) -> None:
    assert found(alices(), offer(id, label))[0].names == names


@pytest.mark.parametrize(
    "folder",
    [
        offer("", "x"),
        offer("x" * 257, "x"),
        offer("a\0b", "x"),
        offer(".x", ".y"),
        Folder(F, "Photos", devices=(Device(BOB),)),
    ],
)
def test_an_offer_that_cannot_be_is_refused(folder: Folder) -> None:
    result = candidates(alices(), ALICE, BOB, ClusterConfig((folder,)))
    assert result.found == () and len(result.warnings) == 1


def test_one_device_gets_only_so_many_folders_accepted() -> None:
    crowd = [offer(f"{number}", "x") for number in range(MAX_ACCEPTED + 9)]
    assert len(found(alices(), *crowd)) == MAX_ACCEPTED
    mine = [
        FolderConfig(id=FolderID(f"m{number}"), path="/m", devices=(FolderDevice(id=BOB),))
        for number in range(MAX_ACCEPTED - 1)
    ]
    assert len(found(alices(*mine), *crowd)) == 1


def test_there_are_only_so_many_folders() -> None:
    others = [FolderConfig(id=FolderID(f"o{number}"), path="/o") for number in range(MAX_FOLDERS)]
    assert found(alices(*others), offer("one more", "x")) == ()
    assert len(found(alices(*others[1:]), offer("one more", "x"))) == 1

"""What the types of folders may do, and which cannot become which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.folder import FolderConfig
from txsyncthing.folder.rules import rules, verify_types
from txsyncthing.vocabulary.file import LocalFlag
from txsyncthing.vocabulary.folder import FolderID, FolderType

PLAIN = [FolderType.SEND_RECEIVE, FolderType.SEND_ONLY, FolderType.RECEIVE_ONLY]
ENCRYPTED = FolderType.RECEIVE_ENCRYPTED


def configured(type: FolderType) -> Configuration:
    return Configuration(folders=(FolderConfig(id=FolderID("f"), path="/f", type=type),))


def test_a_type_overrides_or_reverts_or_neither() -> None:
    assert [rules(type).overrides for type in PLAIN] == [False, True, False]
    assert [rules(type).reverts for type in PLAIN] == [False, False, True]
    assert [rules(type).pulls for type in PLAIN] == [True, False, True]
    assert rules(FolderType.RECEIVE_ONLY).local_flags == LocalFlag.RECEIVE_ONLY


@pytest.mark.parametrize("other", PLAIN)
def test_no_folder_becomes_an_encrypted_one_nor_the_reverse(other: FolderType) -> None:
    for old, new in ((other, ENCRYPTED), (ENCRYPTED, other)):
        with pytest.raises(
            InvalidConfiguration,
            match=r"folder\[f\]/type.*folder type must not be changed from/to receive-encrypted",
        ):
            verify_types(configured(old), configured(new))


def test_all_other_types_may_change_and_encrypted_ones_may_come_and_go() -> None:
    for old in PLAIN:
        for new in PLAIN:
            verify_types(configured(old), configured(new))
    verify_types(Configuration(), configured(ENCRYPTED))
    verify_types(configured(ENCRYPTED), Configuration())
    (folder,) = configured(ENCRYPTED).folders
    changed = replace(configured(ENCRYPTED), folders=(replace(folder, label="other"),))
    verify_types(configured(ENCRYPTED), changed)

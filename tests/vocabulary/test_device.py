from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.vocabulary.device import (
    RESERVED_DEVICES,
    BadDeviceID,
    DeviceID,
    check_letter,
    short_text,
)

# Made by official daemons.
REAL = (
    "FSCACQB-NLSW3IR-CMDRO5S-PKDRAXP-VJ5HRFG-UPPUXNH-PCKYMOD-JUMR3QR",
    "MIELM32-5ZJF6DC-WQ467FM-ZZLNEK2-ICIJ3DG-WUYOPPG-4PTV7QJ-NN4KMA5",
    "YN44X7S-75W6ZDU-SS6KJKS-IVUX5AI-4ZJVRJB-G5OSNTV-DOWOAVQ-KFNXHQM",
)
raws = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("text", REAL)
def test_ids_made_by_official_daemons_are_read_and_written_alike(text: str) -> None:
    device = DeviceID.parse(text)
    assert str(device) == text
    assert short_text(device.short) == text[:7]


@given(raws)
def test_every_id_survives_its_text_form(raw: bytes) -> None:
    device = DeviceID(raw)
    text = str(device)
    assert DeviceID.parse(text) == device
    assert DeviceID.parse(text.replace("-", "").lower()) == device
    assert DeviceID.parse(f" {text.replace('-', ' ')} ") == device


@given(raws)
def test_an_id_without_check_letters_is_read(raw: bytes) -> None:
    letters = str(DeviceID(raw)).replace("-", "")
    bare = "".join(letters[i : i + 13] for i in range(0, 56, 14))
    assert DeviceID.parse(bare) == DeviceID.parse(bare + "====") == DeviceID(raw)


def test_digits_which_look_like_letters_are_forgiven() -> None:
    text = REAL[1]
    assert DeviceID.parse(text.replace("O", "0").replace("I", "1").replace("B", "8")) == (
        DeviceID.parse(text)
    )


@given(raws, st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_one_wrong_letter_is_noticed(raw: bytes, place: int, letter: str) -> None:
    letters = str(DeviceID(raw)).replace("-", "")
    wrong = letters[:place] + letter + letters[place + 1 :]
    if wrong == letters:
        return
    # The official rule has a blind spot: a doubled letter 31 counts like a doubled 0.
    block = place // 14 * 14
    if check_letter(wrong[block : block + 13]) == wrong[block + 13]:
        return
    with pytest.raises(BadDeviceID):
        DeviceID.parse(wrong)


@pytest.mark.parametrize(
    "text", ["", "A", REAL[0][:-1], REAL[0] + "A", "1" * 200, "9" * 52, "é" * 52, "A" * 55 + "\0"]
)
def test_what_is_no_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadDeviceID):
        DeviceID.parse(text)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_an_id_has_32_bytes(size: int) -> None:
    with pytest.raises(BadDeviceID):
        DeviceID(bytes(size))


def test_a_peer_may_not_have_a_reserved_id() -> None:
    assert DeviceID(bytes(32)) in RESERVED_DEVICES
    assert DeviceID(b"\xff" * 32) in RESERVED_DEVICES
    assert DeviceID(b"\xf8" * 32) in RESERVED_DEVICES


@given(raws)
def test_short_ids_are_the_first_64_bits(raw: bytes) -> None:
    assert DeviceID(raw).short == int.from_bytes(raw[:8], "big")

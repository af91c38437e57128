"""Which attributes are synced, when two items are alike in them, and what a record says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bep.values import PLATFORMS
from txsyncthing.vocabulary.attributes import (
    NO_ATTRIBUTES,
    Attributes,
    XattrRules,
    parse,
    same_owner,
)
from txsyncthing.vocabulary.platform import Owner, Platform, Xattr, encode_platform

ALL = Attributes(
    tells_owner=True, takes_owner=True, tells_xattrs=True, takes_xattrs=True, rules=XattrRules()
)
ANN, BOB = Owner("ann", "staff", 1001, 50), Owner("bob", "staff", 1002, 50)
DARWIN = b"\x22\x06\x0a\x04\x0a\x02io"


def told(
    owner: Owner | None = None, xattrs: dict[str, bytes] | None = None, foreign: bytes = b""
) -> bytes:
    listed = None if xattrs is None else tuple(Xattr(*one) for one in sorted(xattrs.items()))
    return encode_platform(Platform(owner, listed, foreign))


# The filter.


def test_without_entries_all_are_synced() -> None:
    rules = XattrRules()
    for name in ("user.a", "trusted.b", "security.selinux", "system.posix_acl_access"):
        assert rules.permits(name)


def test_the_first_entry_that_fits_decides_and_none_means_no() -> None:
    rules = XattrRules((("user.secret*", False), ("user.*", True), ("*", False)))
    assert rules.permits("user.a")
    assert not rules.permits("user.secret1")
    assert not rules.permits("trusted.a")
    assert not XattrRules((("user.*", True),)).permits("trusted.a")
    assert not XattrRules((("user.[", True),)).permits("user.a")


def test_rights_of_programs_are_synced_only_where_they_are_named() -> None:
    assert not XattrRules().permits("security.capability")
    assert not XattrRules((("*", True),)).permits("security.capability")
    assert not XattrRules((("security.*", True),)).permits("security.capability")
    assert XattrRules((("security.capability", True),)).permits("security.capability")


@pytest.mark.parametrize(
    "name", ["", "user.\0", "user." + "a" * 251, "user." + "é" * 126, "u.\udcff"]
)
def test_what_is_no_name_on_any_system_is_not_synced(name: str) -> None:
    assert not XattrRules().permits(name)


def sized(**sizes: int) -> list[Xattr]:
    return [Xattr(f"user.{name}", b"x" * size) for name, size in sizes.items()]


def test_sizes_are_of_name_and_value_and_end_at_the_first_that_is_too_much() -> None:
    # as 1.29.5 has it: a name of 6 bytes each
    found = XattrRules().admitted(sized(a=1010, b=1018, c=1019, d=1018, e=1018, f=100, g=1))
    assert [one.name for one in found] == ["user.a", "user.b", "user.d", "user.e"]
    found = XattrRules().admitted(sized(d=1018, b=1018, a=1018, c=1018))
    assert [one.name for one in found] == ["user.a", "user.b", "user.c", "user.d"]


def test_sizes_of_zero_are_no_limits() -> None:
    rules = XattrRules((), 0, 0)
    assert len(rules.admitted(sized(a=60_000, b=5_000))) == 2


# Who is the same.


def test_the_same_owner_has_the_same_names_or_the_same_numbers() -> None:
    assert same_owner(ANN, Owner("ann", "staff", 5, 6))
    assert same_owner(ANN, Owner("", "", 1001, 50))
    assert not same_owner(ANN, BOB)
    assert not same_owner(ANN, ANN._replace(group="wheel", gid=10))
    assert not same_owner(Owner("", "", 1, 1), Owner("", "", 2, 2))


def test_a_name_here_and_a_number_there_make_the_same_owner() -> None:
    # Where only the group's name is known; the official daemons never come to rest over this.
    assert same_owner(Owner("nosuchuser", "adm", 777, 888), Owner("", "adm", 777, 4))


def test_what_is_not_synced_makes_no_difference() -> None:
    a = told(ANN, {"user.a": b"1"})
    assert NO_ATTRIBUTES.same(a, b"")
    assert not ALL.same(a, told(BOB, {"user.a": b"1"}))
    assert not ALL.same(a, told(ANN, {"user.a": b"2"}))
    assert Attributes(tells_owner=True).same(a, told(ANN, {}))
    assert Attributes(tells_xattrs=True).same(a, told(BOB, {"user.a": b"1"}))
    only_a = Attributes(tells_xattrs=True, rules=XattrRules((("user.a", True),)))
    assert only_a.same(a, told(None, {"user.a": b"1", "user.b": b"2"}))
    assert ALL.same(a + DARWIN, a)


def test_what_is_not_told_differs_unless_silence_is_consent() -> None:
    a = told(ANN, {"user.a": b"1"})
    assert not ALL.same(b"", a)
    assert ALL.same(b"", a, silent=True)
    assert not ALL.same(told(ANN), told(BOB), silent=True)
    assert Attributes(tells_xattrs=True).same(b"", told(None, {}))


def test_a_disk_without_attributes_is_no_reason_to_drop_them() -> None:
    assert ALL.same(told(ANN, {"user.a": b"1"}), told(ANN))
    assert ALL.settle(told(ANN, {"user.a": b"1"}), told(BOB)) == told(BOB, {"user.a": b"1"})


def test_broken_data_says_nothing() -> None:
    assert parse(b"\x0a\x05") == Platform()


# What a record says.


def test_a_record_says_what_is_on_disk() -> None:
    before = told(ANN, {"user.a": b"1", "user.b": b"2"}, DARWIN)
    assert ALL.settle(before, told(BOB, {"user.a": b"3"})) == told(BOB, {"user.a": b"3"}, DARWIN)


def test_what_agrees_with_the_disk_stays_as_it_was_told() -> None:
    before = told(Owner("nosuchuser", "adm", 777, 888), {"user.a": b"1"}, DARWIN)
    assert ALL.settle(before, told(Owner("", "adm", 777, 4), {"user.a": b"1"})) == before


def test_what_the_settings_leave_alone_stays_as_it_was_told() -> None:
    before = told(ANN, {"user.a": b"1"}, DARWIN)
    assert NO_ATTRIBUTES.settle(before, b"") == before
    assert Attributes(tells_owner=True).settle(before, told(BOB)) == told(
        BOB, {"user.a": b"1"}, DARWIN
    )
    assert Attributes(tells_xattrs=True).settle(before, told(None, {})) == told(ANN, {}, DARWIN)


def test_attributes_that_the_filter_denies_here_stay_for_others() -> None:
    rules = XattrRules((("user.b*", False), ("*", True)), max_single=10)
    attributes = Attributes(tells_xattrs=True, rules=rules)
    before = told(None, {"user.a": b"1", "user.b": b"2", "user.long": b"0123456789"})
    assert attributes.settle(before, told(None, {"user.z": b"1"})) == told(
        None, {"user.b": b"2", "user.long": b"0123456789", "user.z": b"1"}
    )
    same = told(None, {"user.a": b"1"})
    assert attributes.settle(before, same) == before
    # the same name, short enough now
    assert attributes.settle(before, told(None, {"user.a": b"1", "user.long": b"0"})) == told(
        None, {"user.a": b"1", "user.b": b"2", "user.long": b"0"}
    )


@given(
    PLATFORMS.map(encode_platform),
    PLATFORMS.map(lambda one: encode_platform(one._replace(foreign=b""))),
)
def test_a_record_agrees_with_what_it_was_made_of(before: bytes, found: bytes) -> None:
    for attributes in (ALL, Attributes(tells_owner=True), Attributes(tells_xattrs=True)):
        settled = attributes.settle(before, found)
        assert attributes.same(settled, found)
        assert attributes.settle(settled, found) == settled
        assert parse(settled).foreign == parse(before).foreign


@given(st.data())
def test_as_taken_is_only_what_pulling_gives(data: st.DataObject) -> None:
    flags = data.draw(st.fixed_dictionaries({key: st.booleans() for key in ("owner", "xattrs")}))
    attributes = Attributes(
        tells_owner=True,
        tells_xattrs=True,
        takes_owner=flags["owner"],
        takes_xattrs=flags["xattrs"],
    )
    taken = attributes.as_taken()
    assert (taken.tells_owner, taken.tells_xattrs) == (flags["owner"], flags["xattrs"])

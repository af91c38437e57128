from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.api.encoding import (
    ZERO_TIME,
    body,
    encode,
    exact_text,
    moment_text,
    number,
    parse_time,
    plain,
    seconds_text,
)


def test_json_is_indented_and_ends_with_a_newline() -> None:
    assert body({"b": [], "a": {}, "c": [1]}) == (
        b'{\n  "b": [],\n  "a": {},\n  "c": [\n    1\n  ]\n}\n'
    )


def test_what_html_and_javascript_take_for_theirs_is_escaped() -> None:
    assert encode("<a & b>\u2028\u2029é") == (
        rb'"\u003ca \u0026 b\u003e\u2028\u2029' + 'é"'.encode()
    )


def test_whole_floats_have_no_point() -> None:
    assert [number(100.0), number(99.5), number(0.0)] == [100, 99.5, 0]
    assert json.dumps(plain({"a": [1.0, 2.5]})) == '{"a": [1, 2.5]}'


def test_what_is_no_text_becomes_one() -> None:
    assert encode({"name": "a\udcff", 3: {1}}) == b'{\n  "name": "a?",\n  "3": [\n    1\n  ]\n}'


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.12Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (10**30, ZERO_TIME),
        (-(10**30), ZERO_TIME),
    ],
)
def test_moments_have_as_many_digits_as_they_need(nanoseconds: int, text: str) -> None:
    assert moment_text(nanoseconds, UTC) == text


def test_another_zone_is_shown_by_its_offset() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    assert moment_text(500_000_000, zone) == "1970-01-01T05:30:00.5+05:30"


def test_never_is_the_zero_time() -> None:
    assert (seconds_text(0), exact_text(0)) == (ZERO_TIME, ZERO_TIME)
    assert seconds_text(1.9, UTC) == "1970-01-01T00:00:01Z"
    assert exact_text(1.25, UTC) == "1970-01-01T00:00:01.25Z"


@pytest.mark.parametrize("text", ["", "bad", "2023-11-14T22:13:20", "2023-11-14"])
def test_what_is_no_time_with_a_zone_is_none(text: str) -> None:
    assert parse_time(text) is None


@settings(max_examples=50)
@given(st.integers(-(10**9), 4 * 10**9))
def test_times_read_back(seconds: int) -> None:
    assert parse_time(moment_text(seconds * 10**9)) == seconds

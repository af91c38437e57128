"""Long answers wait for slow clients, and end with them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from tests.api.fakes import FakeNodeApi
from tests.api.test_lists_resource import item
from txsyncthing.api.flow_protocol import Flow
from txsyncthing.vocabulary.file import LocalFlag


def test_parts_follow_each_other_as_there_is_room() -> None:
    written: list[bytes] = []
    flow = Flow(written.append)
    flow.pauseProducing()
    sent = Deferred.fromCoroutine(flow.send([b"1", b"2", b"3"]))
    assert written == []
    flow.resumeProducing()
    assert written == [b"1", b"2", b"3"]
    assert sent.called


def test_a_connection_that_is_full_stops_the_flow() -> None:
    written: list[bytes] = []

    def write(data: bytes) -> None:
        written.append(data)
        flow.pauseProducing()

    flow = Flow(write)
    sent = Deferred.fromCoroutine(flow.send([b"1", b"2"]))
    assert (written, sent.called) == ([b"1"], False)
    flow.resumeProducing()
    assert (written, sent.called) == ([b"1", b"2"], True)


def test_when_the_client_is_gone_the_rest_is_dropped() -> None:
    written: list[bytes] = []
    flow = Flow(written.append)
    flow.pauseProducing()
    sent = Deferred.fromCoroutine(flow.send([b"1"]))
    flow.stopProducing()
    assert (written, sent.called, flow.gone) == ([], True, True)


def test_an_answer_in_parts_is_paused_by_its_connection_and_survived_by_the_site() -> None:
    api = FakeNodeApi().start()
    files = [item(f"f{n:04}", local_flags=LocalFlag.RECEIVE_ONLY) for n in range(1000)]
    api.folders.photos.index.store.update_local(files)
    client = api.browser()
    give: Callable[[bytes], None] = client.transport.write
    sizes: list[int] = []

    def write(data: bytes) -> None:
        give(data)
        if len(data) > 10_000:  # more than a socket takes at once
            sizes.append(len(data))
            client.protocol.pauseProducing()

    client.transport.write = write  # type: ignore[method-assign]
    client.send("GET", "/rest/db/localchanged?folder=photos", **{"X-API-Key": "k"})
    for count in range(1, 5):
        assert len(sizes) == count
        client.protocol.resumeProducing()
    whole = client.transport.value()
    head, _, rest = whole.partition(b"\r\n\r\n")
    assert f"content-length: {len(rest)}".encode() in head.lower()
    assert rest.endswith(b'"perpage": 65536\n}\n')
    client.send("GET", "/rest/system/ping", **{"X-API-Key": "k"})
    assert b'"pong"' in client.transport.value()[len(whole) :]

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.ssl import DN, KeyPair, PrivateCertificate

from tests.api.fakes import FakeNodeApi
from txsyncthing.api.listen_endpoint import ApiCannotListen, remove_stale, socket_mode
from txsyncthing.api.sniff_protocol import SniffFactory
from txsyncthing.config.gui import GuiConfig


def ports(api: FakeNodeApi) -> list[tuple[str, int]]:
    return [(interface, port) for port, _, _, interface in api.reactor.tcpServers]


def test_it_listens_where_the_configuration_says_and_nowhere_else() -> None:
    assert ports(FakeNodeApi().start()) == [("127.0.0.1", 8384)]
    assert ports(FakeNodeApi(GuiConfig(address="[::1]:99")).start()) == [("::1", 99)]
    assert ports(FakeNodeApi(GuiConfig(address=":99")).start()) == [("::", 99)]


def test_a_given_address_is_used_instead() -> None:
    assert ports(FakeNodeApi(gui_address="127.0.0.1:9000").start()) == [("127.0.0.1", 9000)]
    assert ports(FakeNodeApi(gui_address="http://127.0.0.1:9000").start()) == [("127.0.0.1", 9000)]


def test_a_disabled_api_does_not_listen() -> None:
    assert ports(FakeNodeApi(GuiConfig(enabled=False)).start()) == []


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:x", ""])
def test_an_address_that_is_none_is_a_clear_error(address: str) -> None:
    with pytest.raises(ApiCannotListen, match="gui address"):
        FakeNodeApi(GuiConfig(address=address)).start()


def taken(*args: object, **kwargs: object) -> None:
    raise CannotListenError("127.0.0.1", 8384, OSError(98, "Address already in use"))


def test_an_address_that_is_taken_is_a_clear_error_and_never_widened() -> None:
    api = FakeNodeApi()
    tried: list[str] = []

    def refuse(port: int, factory: Factory, backlog: int = 50, interface: str = "") -> None:
        tried.append(interface)
        taken()

    api.reactor.listenTCP = refuse  # type: ignore[method-assign]
    with pytest.raises(ApiCannotListen, match=r"127\.0\.0\.1:8384.*already in use.*--gui-address"):
        api.start()
    assert tried == ["127.0.0.1"]


def test_tls_without_a_certificate_is_refused_instead_of_served_plain() -> None:
    for api in (
        FakeNodeApi(GuiConfig(use_tls=True)),
        FakeNodeApi(gui_address="https://127.0.0.1:8384"),
    ):
        with pytest.raises(ApiCannotListen, match="TLS"):
            api.start()
        assert ports(api) == []


def test_with_a_certificate_the_first_byte_decides() -> None:
    api = FakeNodeApi(GuiConfig(api_key="k", use_tls=True), https=certificate()).start()
    ((_, factory, _, _),) = api.reactor.tcpServers
    assert isinstance(factory, SniffFactory)


def certificate() -> Callable[[], Any]:
    key = KeyPair.generate(size=2048)
    request = key.requestObject(DN(CN="x"))
    signed = key.signRequestObject(request.getSubject(), request, 1)
    options = PrivateCertificate.fromCertificateAndKeyPair(signed, key).options()
    return lambda: options


def test_stopping_closes_the_port_and_the_connections() -> None:
    api = FakeNodeApi().start()
    idle = api.browser()
    stopped = api.service.stopService()
    assert stopped.called
    api.clock.advance(0)
    assert idle.transport.disconnecting
    idle.hang_up()
    assert api.clock.getDelayedCalls() == []
    api.holder.modify(lambda old: old)  # nobody listens to changes any more


class Ports:
    """Notes what is opened and closed."""

    def __init__(self, api: FakeNodeApi) -> None:
        self.told: list[str] = []
        self._listen: Callable[..., Any] = api.reactor.listenTCP
        api.reactor.listenTCP = self  # type: ignore[method-assign]

    def __call__(
        self, port: int, factory: Factory, backlog: int = 50, interface: str = ""
    ) -> object:
        self.told.append(f"open {port}")
        opened = self._listen(port, factory, backlog, interface)

        def close() -> Deferred[None]:
            self.told.append(f"close {port}")
            return succeed(None)

        opened.stopListening = close
        return opened


def test_a_new_address_takes_effect_at_once_and_the_request_is_still_answered() -> None:
    api = FakeNodeApi()
    seen = Ports(api)
    client = api.start().browser()
    reply = client.ask(
        "PATCH", "/rest/config/gui", {"address": "127.0.0.1:9"}, **{"X-API-Key": "k"}
    )
    assert reply.status == 200
    assert seen.told == ["open 8384", "open 9", "close 8384"]
    assert api.get("/rest/system/status")["guiAddressUsed"] == "127.0.0.1:9"


def test_a_new_address_that_cannot_be_had_leaves_the_old_one() -> None:
    api = FakeNodeApi()
    seen = Ports(api)
    api.start()
    api.reactor.listenTCP = taken  # type: ignore[method-assign]
    assert api.ask("PATCH", "/rest/config/gui", {"address": "127.0.0.1:9"}).status == 200
    assert seen.told == ["open 8384"]
    assert "already in use" in api.logs.errors()[0].message
    assert api.get("/rest/system/status")["guiAddressUsed"] == "127.0.0.1:8384"


def test_what_could_never_be_listened_on_is_refused_as_configuration() -> None:
    api = FakeNodeApi().start()
    for bad in ({"address": "nonsense"}, {"useTLS": True}, {"unixSocketPermissions": "rw"}):
        assert api.ask("PATCH", "/rest/config/gui", bad).status == 500
    assert api.holder.current.gui.address == "127.0.0.1:8384"


def test_the_api_can_be_switched_off_and_on() -> None:
    api = FakeNodeApi()
    seen = Ports(api)
    client = api.start().browser()
    off = client.ask("PATCH", "/rest/config/gui", {"enabled": False}, **{"X-API-Key": "k"})
    assert off.status == 200
    on = client.ask("PATCH", "/rest/config/gui", {"enabled": True}, **{"X-API-Key": "k"})
    assert on.status == 200
    assert seen.told == ["open 8384", "close 8384", "open 8384"]


def test_another_theme_moves_nothing() -> None:
    api = FakeNodeApi()
    seen = Ports(api)
    api.start()
    api.ask("PATCH", "/rest/config/gui", {"theme": "dark"})
    assert seen.told == ["open 8384"]


def test_a_unix_socket_is_for_its_owner_unless_the_configuration_says_more(tmp_path: Path) -> None:
    path = str(tmp_path / "api")
    for permissions, mode in (("", 0o600), ("0660", 0o660), ("777", 0o777)):
        gui = GuiConfig(address=path, unix_socket_permissions=permissions)
        api = FakeNodeApi(gui).start()
        ((address, _, _, given, *_),) = [
            (args[0], *args[1:3], args[3]) for args in api.reactor.unixServers
        ]
        assert (address, given) == (path, mode)
        assert api.service.address == path
    assert not FakeNodeApi(GuiConfig(address=path)).start().service.rules().host_check


def test_permissions_are_octal() -> None:
    assert socket_mode("0640") == 0o640
    with pytest.raises(ApiCannotListen, match="octal"):
        socket_mode("rw-")


def test_only_a_socket_that_nobody_serves_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    remove_stale(str(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(OSError, match="in use"):
            remove_stale(str(path))
    assert stat.S_ISSOCK(os.lstat(path).st_mode)
    remove_stale(str(path))
    assert not path.exists()
    path.write_text("precious")
    with pytest.raises(OSError, match="not a socket"):
        remove_stale(str(path))
    assert path.read_text() == "precious"

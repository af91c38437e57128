"""
``/rest/system``, ``/rest/noauth`` and ``/rest/svc``: the node as a whole.

Source: reference 7.2, 11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson

from txsyncthing.api import shapes
from txsyncthing.api.encoding import parse_time
from txsyncthing.api.exchange import DONE, TEXT, Answer, Question, Refused, Route, error, json
from txsyncthing.api.seams import ClusterView, ConnectionsView, LogView, NodeView
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.file_service import ConfigurationUnsaved
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.runtime.lines import Level, Line
from txsyncthing.vocabulary.device import BadDeviceID, DeviceID

MAX_MESSAGE = 64 * 1024  # bytes of a user's error line
MAX_RANDOM = 4096  # letters
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def device_of(text: str, status: int) -> DeviceID:
    """
    A device ID that a client names.

    :raises Refused: it is none; with ``status``, since the official answers differ.
    """
    try:
        return DeviceID.parse(text)
    except BadDeviceID as bad:
        raise Refused(status, device_error(text, bad)) from None


def device_error(text: str, bad: BadDeviceID) -> str:
    """The official sentence for a device ID of the wrong length, else ours."""
    letters = sum(letter not in "- " for letter in text.strip())
    if letters not in (52, 56):
        return f'"{text}": device ID invalid: incorrect length'
    return f'"{text}": device ID invalid: {bad}'


class SystemResource:
    """
    :param unix: wall clock, Unix seconds.
    :param address: where the API listens, and whether that is not what the configuration says.
    """

    def __init__(
        self,
        *,
        node: NodeView,
        log: LogView,
        holder: ConfigHolder,
        cluster: ClusterView,
        connections: ConnectionsView,
        unix: Callable[[], float],
        random: Callable[[int], bytes],
        address: Callable[[], tuple[str, bool]],
    ) -> None:
        self._node = node
        self._log = log
        self._holder = holder
        self._cluster = cluster
        self._connections = connections
        self._unix = unix
        self._random = random
        self._address = address

    def routes(self) -> list[Route]:
        return [
            Route("/meta.js", {"GET": self.meta}),
            Route("/rest/noauth/health", {"GET": self.health}),
            Route("/rest/system/ping", {"GET": self.ping, "POST": self.ping}),
            Route("/rest/system/version", {"GET": self.version}),
            Route("/rest/system/status", {"GET": self.status}),
            Route("/rest/system/connections", {"GET": self.connections}),
            Route("/rest/system/discovery", {"GET": self.discovery}),
            Route("/rest/system/paths", {"GET": self.paths}),
            Route("/rest/system/error", {"GET": self.errors, "POST": self.report}),
            Route("/rest/system/error/clear", {"POST": self.clear}),
            Route("/rest/system/log", {"GET": self.log}),
            Route("/rest/system/log.txt", {"GET": self.log_text}),
            Route("/rest/system/debug", {"GET": self.debug, "POST": self.set_debug}),
            Route("/rest/system/restart", {"POST": self.restart}),
            Route("/rest/system/shutdown", {"POST": self.shutdown}),
            Route("/rest/system/pause", {"POST": self.pause}),
            Route("/rest/system/resume", {"POST": self.resume}),
            Route("/rest/system/upgrade", {"GET": self.upgrade, "POST": self.upgrade}),
            Route("/rest/svc/deviceid", {"GET": self.device_id}),
            Route("/rest/svc/lang", {"GET": self.languages}),
            Route("/rest/svc/random/string", {"GET": self.random_string}),
        ]

    def meta(self, question: Question) -> Answer:
        """What pages learn of the node; behind the login, by which they see whether there is one."""
        id = str(self._node.id)
        document = {"authenticated": True, "deviceID": id, "deviceIDShort": id[:7]}
        text = f"var metadata = {orjson.dumps(document).decode()};\n"
        return Answer(200, text.encode(), "application/javascript")

    def health(self, question: Question) -> Answer:
        return json({"status": "OK"})

    def ping(self, question: Question) -> Answer:
        return json({"ping": "pong"})

    def version(self, question: Question) -> Answer:
        return json(shapes.version(self._node.version))

    def status(self, question: Question) -> Answer:
        address, overridden = self._address()
        return json(
            shapes.status(
                me=self._node.id,
                usage=self._node.usage(),
                listeners=self._connections.listeners(),
                dialled=self._connections.dial_status(),
                discovery=self._node.discovery(),
                address=address,
                overridden=overridden,
                started=self._node.started,
                now=self._unix(),
                home=self._node.home,
            )
        )

    def connections(self, question: Question) -> Answer:
        devices, total = self._cluster.devices(), self._cluster.total_traffic()
        return json(shapes.connections(devices, total, self._unix()))

    def discovery(self, question: Question) -> Answer:
        return json({})

    def paths(self, question: Question) -> Answer:
        return json(dict(sorted(self._node.paths().items())))

    def errors(self, question: Question) -> Answer:
        return json({"errors": shapes.lines(self._log.errors())})

    def report(self, question: Question) -> Answer:
        self._log.report(question.body[:MAX_MESSAGE].decode("utf-8", "replace"))
        return DONE

    def clear(self, question: Question) -> Answer:
        self._log.clear_errors()
        return DONE

    def _lines(self, question: Question) -> list[Line]:
        since = parse_time(question.get("since"))
        return self._log.lines(0 if since is None else since)

    def log(self, question: Question) -> Answer:
        return json({"messages": shapes.lines(self._lines(question))})

    def log_text(self, question: Question) -> Answer:
        return Answer(200, shapes.log_text(self._lines(question)).encode("utf-8", "replace"), TEXT)

    def debug(self, question: Question) -> Answer:
        levels = self._log.levels()
        enabled = [area for area, level in levels.items() if level is Level.DEBUG]
        return json({"enabled": enabled, "facilities": dict.fromkeys(levels, "")})

    def set_debug(self, question: Question) -> Answer:
        for name, level in (("enable", Level.DEBUG), ("disable", Level.INFO)):
            for area in question.get(name).split(","):
                if area.strip() in self._log.levels():
                    self._log.set_level(level, area.strip())
        return DONE

    def restart(self, question: Question) -> Answer:
        return Answer(200, b'{"ok": "restarting"}\n', TEXT, afterwards=self._node.restart)

    def shutdown(self, question: Question) -> Answer:
        return Answer(200, b'{"ok": "shutting down"}\n', TEXT, afterwards=self._node.shutdown)

    async def pause(self, question: Question) -> Answer:
        return await self._set_paused(question.get("device"), True)

    async def resume(self, question: Question) -> Answer:
        return await self._set_paused(question.get("device"), False)

    async def _set_paused(self, name: str, paused: bool) -> Answer:
        wanted = device_of(name, 500) if name else None
        if wanted is not None and self._holder.current.device(wanted) is None:
            raise Refused(404, "not found")

        def change(old: Configuration) -> Configuration:
            return replace(
                old,
                devices=tuple(
                    replace(device, paused=paused) if wanted in (None, device.id) else device
                    for device in old.devices
                ),
            )

        try:
            self._holder.modify(change)
            await self._node.config_saved()
        except (InvalidConfiguration, ConfigurationUnsaved) as bad:
            raise Refused(500, str(bad)) from None
        return DONE

    def upgrade(self, question: Question) -> Answer:
        return error(501, "upgrade unsupported")

    def device_id(self, question: Question) -> Answer:
        text = question.get("id")
        if not text:
            return json({"id": ""})
        try:
            return json({"id": str(DeviceID.parse(text))})
        except BadDeviceID as bad:
            return json({"error": device_error(text, bad)})

    def languages(self, question: Question) -> Answer:
        return json(preferred_languages(question.headers.get("accept-language", "")))

    def random_string(self, question: Question) -> Answer:
        length = question.number("length")
        return json({"random": self._letters(min(max(length or 32, 1), MAX_RANDOM))})

    def _letters(self, length: int) -> str:
        fair = 256 - 256 % len(_ALPHABET)
        letters = ""
        while len(letters) < length:
            letters += "".join(
                _ALPHABET[byte % len(_ALPHABET)] for byte in self._random(2 * length) if byte < fair
            )
        return letters[:length]


def preferred_languages(header: str) -> list[str]:
    """The codes of an ``Accept-Language``, lower case, best first."""
    weighted: list[tuple[float, str]] = []
    for part in header[:1000].split(","):
        code, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            quality = 0.0
        weighted.append((quality, code.strip().lower()))
    return [code for _, code in sorted(weighted, key=lambda one: -one[0])]

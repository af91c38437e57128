"""
``/rest/config`` and its old name ``/rest/system/config``: the configuration, whole and in parts.

An answer of 200 to a change means: in force, and on disk.

Source: reference 7.3, 11.11 to 11.13 (lib/api/confighandler.go).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import orjson

from txsyncthing.api.exchange import DONE, Answer, Question, Refused, Route, json
from txsyncthing.api.system_resource import device_of
from txsyncthing.config.config import Configuration, Defaults, Ignores, InvalidConfiguration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.file_service import ConfigurationUnsaved
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.json import from_json, overlay, to_json
from txsyncthing.config.start import SHOWN_VERSION, blank
from txsyncthing.vocabulary.device import DeviceID

T = TypeVar("T")

NO_FOLDER = "No folder with given ID"
NO_DEVICE = "No device with given ID"
Change = Callable[[Configuration], Configuration]


class HashPassword(Protocol):
    """Make the stored form of a password that somebody typed."""

    def __call__(self, password: str) -> Awaitable[str]: ...


class ConfigResource:
    """
    :param saved: fires when the configuration of now is on disk.
    :param hash_password: of a GUI password that comes as plain text.
    """

    def __init__(
        self,
        *,
        holder: ConfigHolder,
        saved: Callable[[], Awaitable[None]],
        hash_password: HashPassword,
    ) -> None:
        self._holder = holder
        self._saved = saved
        self._hash_password = hash_password

    def routes(self) -> list[Route]:
        base = "/rest/config"
        routes = [
            Route(base, {"GET": self.whole, "PUT": self.replace}),
            Route("/rest/system/config", {"GET": self.whole, "POST": self.replace}),
            Route(f"{base}/insync", {"GET": self.in_sync}),
            Route("/rest/system/config/insync", {"GET": self.in_sync}),
            Route(f"{base}/restart-required", {"GET": self.restart_required}),
            Route(
                f"{base}/folders",
                {"GET": self.folders, "PUT": self.replace_folders, "POST": self.add_folder},
            ),
            Route(
                f"{base}/folders/<id>",
                {
                    "GET": self.folder,
                    "PUT": self.add_folder,
                    "PATCH": self.patch_folder,
                    "DELETE": self.remove_folder,
                },
            ),
            Route(
                f"{base}/devices",
                {"GET": self.devices, "PUT": self.replace_devices, "POST": self.add_device},
            ),
            Route(
                f"{base}/devices/<id>",
                {
                    "GET": self.device,
                    "PUT": self.add_device,
                    "PATCH": self.patch_device,
                    "DELETE": self.remove_device,
                },
            ),
        ]
        for path, part in _PARTS.items():
            routes.append(Route(f"{base}/{path}", self._part(part)))
        return routes

    # -- reading

    def whole(self, question: Question) -> Answer:
        return json(to_json(self._holder.current))

    def in_sync(self, question: Question) -> Answer:
        return json({"configInSync": not self._holder.requires_restart})

    def restart_required(self, question: Question) -> Answer:
        return json({"requiresRestart": self._holder.requires_restart})

    def folders(self, question: Question) -> Answer:
        return json(self._shown()["folders"])

    def devices(self, question: Question) -> Answer:
        return json(self._shown()["devices"])

    def folder(self, question: Question) -> Answer:
        return json(to_json(self._folder(question.get("id")), self._version))

    def device(self, question: Question) -> Answer:
        return json(to_json(self._device(device_of(question.get("id"), 400)), self._version))

    def _shown(self) -> dict[str, Any]:
        return to_json(self._holder.current)

    @property
    def _version(self) -> int:
        # Parts show the fields that the whole shows.
        return max(self._holder.current.version, SHOWN_VERSION)

    def _folder(self, id: str) -> FolderConfig:
        folder = self._holder.current.folder(id)
        if folder is None:
            raise Refused(404, NO_FOLDER)
        return folder

    def _device(self, id: DeviceID) -> DeviceConfig:
        device = self._holder.current.device(id)
        if device is None:
            raise Refused(404, NO_DEVICE)
        return device

    # -- changing

    async def _apply(self, change: Change, verify: int = 500) -> Answer:
        """
        Make a change, and wait until it is on disk.

        :param verify: the status that tells of a configuration that cannot be.
        """
        old = self._holder.current
        try:
            hashed = await self._with_hash(old, change)
            self._holder.modify(hashed)
        except InvalidConfiguration as invalid:
            raise Refused(verify, str(invalid)) from None
        try:
            await self._saved()
        except ConfigurationUnsaved as unsaved:
            raise Refused(500, str(unsaved)) from None
        return DONE

    async def _with_hash(self, old: Configuration, change: Change) -> Change:
        """The change, with the GUI's password in its stored form if a new one comes as plain text."""
        password = change(old).gui.password
        if not password or password == old.gui.password or is_hash(password):
            return change
        stored = await self._hash_password(password)

        def hashed(now: Configuration) -> Configuration:
            new = change(now)
            if new.gui.password != password:
                return new
            return replace(new, gui=replace(new.gui, password=stored))

        return hashed

    async def replace(self, question: Question) -> Answer:
        document, base = parse(question), self._holder.current
        whole = checked(lambda: from_json(document, base))
        # Hundreds of folders take a while: they are read again only if the base is another by now.
        return await self._apply(
            lambda old: whole if old is base else from_json(document, old), 400
        )

    async def replace_folders(self, question: Question) -> Answer:
        start, documents = self._holder.current.defaults.folder, items(parse(question))
        folders = checked(lambda: tuple(overlay(start, one) for one in documents))
        return await self._apply(lambda old: replace(old, folders=folders))

    async def add_folder(self, question: Question) -> Answer:
        start, document = self._holder.current.defaults.folder, parse(question)
        return await self._put_folder(checked(lambda: overlay(start, document)))

    async def patch_folder(self, question: Question) -> Answer:
        folder, document = self._folder(question.get("id")), parse(question)
        return await self._put_folder(checked(lambda: overlay(folder, document)))

    async def _put_folder(self, folder: FolderConfig) -> Answer:
        return await self._apply(
            lambda old: replace(
                old, folders=(*(one for one in old.folders if one.id != folder.id), folder)
            )
        )

    async def remove_folder(self, question: Question) -> Answer:
        id = question.get("id")
        return await self._apply(
            lambda old: replace(old, folders=tuple(one for one in old.folders if one.id != id))
        )

    async def replace_devices(self, question: Question) -> Answer:
        start, documents = self._holder.current.defaults.device, items(parse(question))
        devices = checked(lambda: tuple(overlay(start, one) for one in documents))
        return await self._apply(lambda old: replace(old, devices=devices))

    async def add_device(self, question: Question) -> Answer:
        start, document = self._holder.current.defaults.device, parse(question)
        return await self._put_device(checked(lambda: overlay(start, document)))

    async def patch_device(self, question: Question) -> Answer:
        device, document = self._device(device_of(question.get("id"), 400)), parse(question)
        return await self._put_device(checked(lambda: overlay(device, document)))

    async def _put_device(self, device: DeviceConfig) -> Answer:
        return await self._apply(
            lambda old: replace(
                old, devices=(*(one for one in old.devices if one.id != device.id), device)
            )
        )

    async def remove_device(self, question: Question) -> Answer:
        id = device_of(question.get("id"), 400)
        return await self._apply(
            lambda old: replace(old, devices=tuple(one for one in old.devices if one.id != id))
        )

    def _part(self, part: Part) -> dict[str, Any]:
        """The handlers of a part that there is once."""

        def get(question: Question) -> Answer:
            return json(to_json(part.get(self._holder.current), self._version))

        async def put(question: Question) -> Answer:
            document, current = parse(question), self._holder.current
            value = checked(lambda: overlay(blank(part.get(current), current.version), document))
            return await self._apply(lambda old: part.put(old, value))

        async def patch(question: Question) -> Answer:
            document = parse(question)
            value = checked(lambda: overlay(part.get(self._holder.current), document))
            return await self._apply(lambda old: part.put(old, value))

        return {"GET": get, "PUT": put, **({"PATCH": patch} if part.patch else {})}


class Part:
    """A part of the configuration that there is once."""

    def __init__(
        self,
        get: Callable[[Configuration], Any],
        put: Callable[[Configuration, Any], Configuration],
        patch: bool = True,
    ) -> None:
        self.get = get
        self.put = put
        self.patch = patch


def _default(old: Configuration, **changes: FolderConfig | DeviceConfig | Ignores) -> Configuration:
    defaults: Defaults = replace(old.defaults, **changes)  # type: ignore[arg-type]
    return replace(old, defaults=defaults)


_PARTS = {
    "options": Part(lambda now: now.options, lambda old, value: replace(old, options=value)),
    "gui": Part(lambda now: now.gui, lambda old, value: replace(old, gui=value)),
    "ldap": Part(lambda now: now.ldap, lambda old, value: replace(old, ldap=value)),
    "defaults/folder": Part(
        lambda now: now.defaults.folder, lambda old, value: _default(old, folder=value)
    ),
    "defaults/device": Part(
        lambda now: now.defaults.device, lambda old, value: _default(old, device=value)
    ),
    "defaults/ignores": Part(
        lambda now: now.defaults.ignores,
        lambda old, value: _default(old, ignores=value),
        patch=False,
    ),
}


def is_hash(password: str) -> bool:
    """Whether a password is in its stored form already (bcrypt)."""
    return password.startswith(("$2a$", "$2b$", "$2y$")) and len(password) == 60


def parse(question: Question) -> Any:
    """
    The document in the body.

    :raises Refused: it is no JSON.
    """
    try:
        return orjson.loads(question.body)
    except orjson.JSONDecodeError as bad:
        raise Refused(400, f"the body is no JSON: {bad}") from None


def items(document: Any) -> list[Any]:
    """
    A document that is a list.

    :raises Refused: it is none.
    """
    if not isinstance(document, list):
        raise Refused(400, "the body must be a list")
    return document


def checked(read: Callable[[], T]) -> T:
    """
    What a document says.

    :raises Refused: a value of the wrong type or out of range.
    """
    try:
        return read()
    except InvalidConfiguration as invalid:
        raise Refused(400, str(invalid)) from None

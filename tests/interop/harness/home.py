"""A daemon's home: its config.xml, arranged for a quiet node on the loopback interface."""

from __future__ import annotations

import copy
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from xml.etree import ElementTree

# Nothing leaves the machine and nothing happens that a test did not ask for.
OPTIONS = {
    "globalAnnounceEnabled": "false",
    "localAnnounceEnabled": "false",
    "natEnabled": "false",
    "relaysEnabled": "false",
    "startBrowser": "false",
    "urAccepted": "-1",
    "urSeen": "99",
    "crashReportingEnabled": "false",
    "autoUpgradeIntervalH": "0",
    "setLowPriority": "false",
    "reconnectionIntervalS": "5",  # the least both officials take
    "minHomeDiskFree": "0",
    "progressUpdateIntervalS": "1",
}
PORTS = range(20000, 32000)  # below the ports that the kernel gives to outgoing connections
SHARES = 12  # each worker of a test run picks from a share of its own
_given: set[int] = set()  # ports of this process; a daemon binds its own later, or anew


def free_port() -> int:
    """A loopback port on which nobody listens now, and that nobody here was given before."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % SHARES
    for port in Random().sample(PORTS[worker::SHARES], 500):
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise RuntimeError("no free port found")


@dataclass
class Home:
    """The directory with config.xml; ``generate`` of the daemon itself has made it."""

    path: Path
    gui_port: int = field(default_factory=free_port)
    listen_port: int = field(default_factory=free_port)

    @property
    def config(self) -> Path:
        return self.path / "config.xml"

    def read(self) -> ElementTree.Element:
        return ElementTree.parse(self.config).getroot()

    def write(self, root: ElementTree.Element) -> None:
        ElementTree.indent(root, "    ")
        self.config.write_bytes(ElementTree.tostring(root) + b"\n")

    @property
    def api_key(self) -> str:
        return self.read().findtext("gui/apikey") or ""

    def quieten(self, name: str) -> None:
        """Arrange addresses and options; ``name`` is the device's own."""
        root = self.read()
        for folder in root.findall("folder"):
            root.remove(folder)
        device = root.find("device")
        if device is not None:
            device.set("name", name)
        options = need(root, "options")
        for option, value in OPTIONS.items():
            put(options, option, value)
        put(options, "listenAddress", f"tcp://127.0.0.1:{self.listen_port}")
        gui = need(root, "gui")
        gui.set("enabled", "true")
        gui.set("tls", "false")
        put(gui, "address", f"127.0.0.1:{self.gui_port}")
        if not gui.findtext("apikey"):
            put(gui, "apikey", "0123456789abcdef0123456789abcdef")
        self.write(root)

    def option(self, name: str, value: str) -> None:
        """Set one element of ``<options>``."""
        root = self.read()
        put(need(root, "options"), name, value)
        self.write(root)

    def add_device(self, device: str, address: str, name: str) -> None:
        """Make a peer known."""
        root = self.read()
        element = copy.deepcopy(need(root, "defaults/device"))
        element.set("id", device)
        element.set("name", name)
        put(element, "address", address)
        root.insert(0, element)
        self.write(root)

    def add_folder(
        self,
        id: str,
        path: Path,
        devices: list[str],
        attributes: dict[str, str] | None = None,
        elements: dict[str, str] | None = None,
    ) -> None:
        """
        Share a folder with devices; its directory and marker are made if they are missing.

        :param devices: their IDs, the own one may be left out.
        :param attributes: of the ``<folder>`` element, like ``type``; watching is off unless said.
        :param elements: its plain child elements, like ``order``.
        """
        (path / ".stfolder").mkdir(parents=True, exist_ok=True)
        root = self.read()
        element = copy.deepcopy(need(root, "defaults/folder"))
        quiet = {"fsWatcherEnabled": "false", "rescanIntervalS": "3600"}
        for key, value in {**quiet, **(attributes or {})}.items():
            element.set(key, value)
        element.set("id", id)
        element.set("label", id)
        element.set("path", str(path))
        for key, value in {"minDiskFree": "0", **(elements or {})}.items():
            put(element, key, value)
        for device in devices:
            if all(known.get("id") != device for known in element.findall("device")):
                share = ElementTree.SubElement(element, "device", id=device, introducedBy="")
                ElementTree.SubElement(share, "encryptionPassword").text = ""
        root.insert(0, element)
        self.write(root)

    def keep_versions(self, folder: str, type: str, **params: str) -> None:
        """Let a folder keep old versions; ``fsPath`` and ``cleanupIntervalS`` may be among the parameters."""
        root = self.read()
        element = next(one for one in root.findall("folder") if one.get("id") == folder)
        for old in element.findall("versioning"):
            element.remove(old)
        versioning = ElementTree.SubElement(element, "versioning", type=type)
        own = {"cleanupIntervalS": "3600", "fsPath": "", "fsType": "basic"}
        for key, value in params.items():
            if key not in own:
                ElementTree.SubElement(versioning, "param", key=key, val=value)
        for key, value in own.items():
            ElementTree.SubElement(versioning, key).text = params.get(key, value)
        self.write(root)


def need(root: ElementTree.Element, path: str) -> ElementTree.Element:
    """The element at a path; its absence is a fault of the daemon that wrote the file."""
    found = root.find(path)
    assert found is not None, f"config.xml has no <{path}>"
    return found


def put(parent: ElementTree.Element, name: str, text: str) -> None:
    """Leave exactly one child of this name, with this text."""
    first, *others = parent.findall(name) or [ElementTree.SubElement(parent, name)]
    first.text = text
    for other in others:
        parent.remove(other)

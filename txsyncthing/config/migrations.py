"""
Files of older versions: rewriting a tree from one version to the next.

Versions 35 to 52 are used as they are and keep their number, so that the daemon that made the file can take
it back: what changed between them is harmless (35 and 36 differ in a versioning parameter that nobody reads,
50 to 52 in defaults). Older files, 10 to 34, become version 37; ``file_service.py`` keeps a copy of them
first. What the official daemon does on disk in 21 and 23 (links among old versions, a marker that is
a file) is left to the folder.

Source: reference 6.1, "Migrations" (lib/config/migrations.go).
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from txsyncthing.config.config import NEW_VERSION, OLDEST_KEPT, OLDEST_VERSION, InvalidConfiguration
from txsyncthing.config.options import DEFAULT, PASSWORD_NOTICE, RELAY_POOL
from txsyncthing.config.scalar import read
from txsyncthing.config.xml import ROOT, text_of, version_of

_OLD_RELEASES = "https://api.github.com/repos/syncthing/syncthing/releases?per_page=30"
_OLD_DISCOVERY = {
    "udp4://announce.syncthing.net:22026",
    "udp6://announce-v6.syncthing.net:22026",
}
_OLD_LISTENER = "tcp://0.0.0.0:22000"


def migrate(tree: Element) -> bool:
    """
    Bring a tree of a version that is not kept to the version of new homes.

    :returns: whether anything was done.
    :raises InvalidConfiguration: the version is older than any that is known.
    """
    version = version_of(tree)
    if version < OLDEST_VERSION:
        raise InvalidConfiguration(f"{ROOT}/version", version, f"{OLDEST_VERSION} and later")
    if version >= OLDEST_KEPT:
        return False
    for target, rewrite in sorted(_STEPS.items()):
        if version < target:
            rewrite(tree)
    tree.set("version", str(NEW_VERSION))
    return True


def _options(tree: Element) -> Element:
    options = tree.find("options")
    return SubElement(tree, "options") if options is None else options


def _get(node: Element, name: str, default: str = "") -> str:
    """The text of the last element of that name."""
    nodes = node.findall(name)
    return text_of(nodes[-1]).strip() if nodes else default


def _put(node: Element, name: str, text: str) -> None:
    _take(node, name)
    SubElement(node, name).text = text


def _take(node: Element, name: str, default: str = "") -> str:
    """The text of an element, which goes."""
    text = _get(node, name, default)
    for child in node.findall(name):
        node.remove(child)
    return text


def _lines(node: Element, name: str) -> list[str]:
    return [text_of(child).strip() for child in node.findall(name)]


def _put_lines(node: Element, name: str, lines: list[str]) -> None:
    _take(node, name)
    for line in lines:
        SubElement(node, name).text = line


def _true(text: str, where: str) -> bool:
    return bool(read(bool, text, where))


def _number(text: str, where: str) -> int:
    number = read(int, text, where)
    assert isinstance(number, int)
    return number


def _notice(tree: Element, id: str) -> None:
    SubElement(_options(tree), "unackedNotificationID").text = id


def _to_11(tree: Element) -> None:
    for folder in tree.findall("folder"):
        _put(folder, "minDiskFreePct", "1")


def _to_12(tree: Element) -> None:
    options = _options(tree)
    listeners = _lines(options, "listenAddress")
    _put_lines(
        options,
        "listenAddress",
        [f"tcp://{a}" if a and not a.startswith(("tcp://", DEFAULT)) else a for a in listeners],
    )
    for device in tree.findall("device"):
        addresses = _lines(device, "address")
        _put_lines(
            device,
            "address",
            [f"tcp://{a}" if a not in ("", "dynamic") and "://" not in a else a for a in addresses],
        )
    servers = _lines(options, "globalAnnounceServer")
    kept = [server for server in servers if server not in _OLD_DISCOVERY]
    _put_lines(options, "globalAnnounceServer", kept + [DEFAULT] * (len(kept) != len(servers)))
    if _get(options, "localAnnounceMCAddr") == "[ff32::5222]:21026":
        _put(options, "localAnnounceMCAddr", "[ff12::8384]:21027")
    if _get(options, "localAnnouncePort") == "21025":
        _put(options, "localAnnouncePort", "21027")
    for folder in tree.findall("folder"):
        _put(folder, "maxConflicts", "-1")


def _to_13(tree: Element) -> None:
    if _get(_options(tree), "releasesURL") == _OLD_RELEASES:
        _take(_options(tree), "releasesURL")  # absent is the default


def _to_14(tree: Element) -> None:
    options = _options(tree)
    _put(options, "cacheIgnoredFiles", "false")
    for old, new, default in (
        ("upnpEnabled", "natEnabled", "false"),
        ("upnpLeaseMinutes", "natLeaseMinutes", "0"),
        ("upnpRenewalMinutes", "natRenewalMinutes", "0"),
        ("upnpTimeoutSeconds", "natTimeoutSeconds", "0"),
    ):
        _put(options, new, _take(options, old, default))
    relays = [relay for relay in _lines(options, "relayServer") if relay]
    _take(options, "relayServer")
    listeners = _lines(options, "listenAddress") or [DEFAULT]
    if RELAY_POOL in relays and _OLD_LISTENER in listeners:
        listeners[listeners.index(_OLD_LISTENER)] = DEFAULT
        relays = [relay for relay in relays if relay != RELAY_POOL]
    _put_lines(options, "listenAddress", sorted(listeners + relays))
    _put_lines(
        options,
        "globalAnnounceServer",
        [
            server.partition("?")[0].rstrip("/") + "/v2/" + "".join(server.partition("?")[1:])
            if server.startswith("https://")
            else server
            for server in _lines(options, "globalAnnounceServer")
        ],
    )
    for folder in tree.findall("folder"):
        read_only = _true(folder.attrib.pop("ro", ""), "folder/ro")
        folder.set("type", "sendonly" if read_only else "sendreceive")
    _to_13(tree)


def _to_15(tree: Element) -> None:
    options = _options(tree)
    _put_lines(
        options,
        "globalAnnounceServer",
        [
            {"default-v4v2/": "default-v4", "default-v6v2/": "default-v6"}.get(server, server)
            for server in _lines(options, "globalAnnounceServer")
        ],
    )


def _to_18(tree: Element) -> None:
    options = _options(tree)
    interval = _get(options, "autoUpgradeIntervalH", "12")
    if (
        _number(_get(options, "urAccepted"), "options/urAccepted") > 0
        and _number(interval, "options/autoUpgradeIntervalH") > 0
    ):
        _put(options, "upgradeToPreReleases", "true")  # no notice: we do not upgrade


def _to_20(tree: Element) -> None:
    for node, old, new in [
        (_options(tree), "minHomeDiskFreePct", "minHomeDiskFree"),
        *((folder, "minDiskFreePct", "minDiskFree") for folder in tree.findall("folder")),
    ]:
        _put(node, new, _take(node, old, "0"))
        node.findall(new)[-1].set("unit", "%")


def _to_22(tree: Element) -> None:
    for folder in tree.findall("folder"):
        _put(folder, "filesystemType", "basic")
        versioning = folder.find("versioning")
        if versioning is not None and versioning.get("type") == "external":
            for param in versioning.findall("param"):
                if param.get("key") == "command":
                    param.set("val", f"{param.get('val', '')} %FOLDER_PATH% %FILE_PATH%")


def _to_24(tree: Element) -> None:
    _put(_options(tree), "urSeen", "2")


def _to_25(tree: Element) -> None:
    for folder in tree.findall("folder"):
        folder.set("fsWatcherDelayS", "10")


def _to_27(tree: Element) -> None:
    for folder in tree.findall("folder"):
        pullers = _number(_take(folder, "pullers"), "folder/pullers")
        if pullers:
            _put(folder, "pullerMaxPendingKiB", str(128 * pullers))


def _to_28(tree: Element) -> None:
    _notice(tree, "fsWatcherNotification")


def _to_29(tree: Element) -> None:
    options = _options(tree)
    reports = _true(
        _get(options, "globalAnnounceEnabled", "true"), "options/globalAnnounceEnabled"
    ) or (_number(_get(options, "urAccepted"), "options/urAccepted") > 0)
    _put(options, "crashReportingEnabled", "true" if reports else "false")
    _notice(tree, "crAutoEnabled" if reports else "crAutoDisabled")


def _to_30(tree: Element) -> None:
    options = _options(tree)
    _put(options, "maxFolderConcurrency", _take(options, "maxConcurrentScans", "0"))


def _to_31(tree: Element) -> None:
    _notice(tree, PASSWORD_NOTICE)


def _to_32(tree: Element) -> None:
    for folder in tree.findall("folder"):
        _put(folder, "junctionsAsDirs", "true")


def _to_33(tree: Element) -> None:
    _take(tree, "pendingDevice")
    for device in tree.findall("device"):
        _take(device, "pendingFolder")


def _to_34(tree: Element) -> None:
    path = _take(_options(tree), "defaultFolderPath")
    if path:
        defaults = tree.find("defaults")
        defaults = SubElement(tree, "defaults") if defaults is None else defaults
        folder = defaults.find("folder")
        folder = SubElement(defaults, "folder") if folder is None else folder
        folder.set("path", path)


def _to_35(tree: Element) -> None:
    for versioning in tree.findall("folder/versioning"):
        params = {node.get("key"): node.get("val", "") for node in versioning.findall("param")}
        for node in versioning.findall("param"):
            if node.get("key") in ("fsType", "fsPath", "versionsPath"):
                versioning.remove(node)
        _put(versioning, "fsPath", params.get("fsPath") or params.get("versionsPath", ""))
        if params.get("fsType"):
            _put(versioning, "fsType", params["fsType"])


def _to_36(tree: Element) -> None:
    for versioning in tree.findall("folder/versioning"):
        for node in versioning.findall("param"):
            if node.get("key") == "cleanInterval":
                versioning.remove(node)


def _to_37(tree: Element) -> None:
    for folder in tree.findall("folder"):
        if folder.find("scanOwnership") is not None:
            _put(folder, "sendOwnership", _take(folder, "scanOwnership"))


_STEPS: dict[int, Callable[[Element], None]] = {
    11: _to_11,
    12: _to_12,
    13: _to_13,
    14: _to_14,
    15: _to_15,
    18: _to_18,
    20: _to_20,
    22: _to_22,
    24: _to_24,
    25: _to_25,
    27: _to_27,
    28: _to_28,
    29: _to_29,
    30: _to_30,
    31: _to_31,
    32: _to_32,
    33: _to_33,
    34: _to_34,
    35: _to_35,
    36: _to_36,
    37: _to_37,
}

"""
The command line of a node: what ``twistd syncthing`` and ``txsyncthing serve`` understand.

Each option has the official daemon's name and environment variable. Options of the official daemon that
steer what we do not have (its browser, upgrades, monitor process) are accepted and do nothing, so that unit
files and scripts go on working.

Source: reference 6.5 (cmd/syncthing/main.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twisted.python import usage

from txsyncthing.node.paths import Paths, locate
from txsyncthing.runtime.lines import Level

_NO = {"", "0", "f", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line and the environment ask for, apart from the configuration."""

    paths: Paths
    gui_address: str = ""  # over the configured one; see config/gui.overridden
    gui_api_key: str = ""  # beside the configured one
    gui_assets: str = ""
    probe_ports: bool = True
    allow_newer: bool = False
    paused: bool | None = (
        None  # start with all devices and folders paused, or resumed, or as they are
    )
    log_file: str = "-"  # "-" is standard output
    log_level: Level = Level.INFO
    log_max_size: int = 10 * 1024 * 1024  # bytes
    log_max_old_files: int = 3
    trace: str = ""  # STTRACE: areas and their levels
    audit: bool = False
    audit_file: str = ""  # "-" is standard output, "--" standard error


def _positive(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("a whole number, not negative")
    return number


class Options(usage.Options):
    """Keep folders in step with other devices (a Syncthing node)."""

    synopsis = "[options]"
    optParameters = [
        ["home", "H", None, "Directory of configuration, keys and database [STHOMEDIR]."],
        ["config", "C", None, "Directory of configuration and keys [STCONFDIR]."],
        ["data", "D", None, "Directory of the database [STDATADIR]."],
        ["gui-address", None, None, "Address of the API, over the configured one [STGUIADDRESS]."],
        ["gui-apikey", None, None, "One more API key [STGUIAPIKEY]."],
        ["log-file", None, None, "File of the log, - for standard output [STLOGFILE]."],
        ["logfile", None, None, "The same as --log-file."],
        ["log-level", None, None, "DEBUG, INFO, WARN or ERROR [STLOGLEVEL]."],
        [
            "log-max-size",
            None,
            None,
            "Bytes of a log file before the next [STLOGMAXSIZE].",
            _positive,
        ],
        ["log-max-old-files", None, None, "Old log files to keep [STLOGMAXOLDFILES].", _positive],
        ["auditfile", None, None, "File of the audit log, - or -- for the outputs [STAUDITFILE]."],
        ["logflags", None, None, "Accepted, does nothing."],
        ["log-format-timestamp", None, None, "Accepted, does nothing."],
        ["db-maintenance-interval", None, None, "Accepted: databases are tidied every 8 hours."],
        ["db-delete-retention-interval", None, None, "Accepted: deletions are never forgotten."],
    ]
    optFlags = [
        [
            "no-port-probing",
            None,
            "Do not look for free ports on the first start [STNOPORTPROBING].",
        ],
        [
            "allow-newer-config",
            None,
            "Try a configuration newer than all known [STALLOWNEWERCONFIG].",
        ],
        ["paused", None, "Start with all devices and folders paused [STPAUSED]."],
        ["unpaused", None, "Start with all devices and folders resumed [STUNPAUSED]."],
        ["audit", None, "Write each event to an audit log [STAUDIT]."],
        ["verbose", None, "The same as --log-level=DEBUG."],
        ["no-browser", None, "Accepted: no browser is ever opened."],
        ["no-restart", None, "A restart ends with status 3, for what supervises the node."],
        ["no-upgrade", None, "Accepted: the node never upgrades itself."],
        ["log-format-level-string", None, "Accepted, does nothing."],
        ["no-log-format-level-string", None, "Accepted, does nothing."],
        ["log-format-level-syslog", None, "Accepted, does nothing."],
    ]

    def __init__(self) -> None:
        usage.Options.__init__(self)  # super() would be an untyped call

    def postOptions(self) -> None:
        """:raises usage.UsageError: options that exclude or need each other."""
        if self["home"] and (self["config"] or self["data"]):
            raise usage.UsageError("--home excludes --config and --data")
        if bool(self["config"]) != bool(self["data"]):
            raise usage.UsageError("--config and --data need each other; or use --home")
        if self["paused"] and self["unpaused"]:
            raise usage.UsageError("--paused excludes --unpaused")
        if self["log-level"]:
            _level(self["log-level"])

    def settings(self, environment: Mapping[str, str]) -> Settings:
        """
        What is asked for; an option counts more than its variable.

        :raises usage.UsageError: a variable that is not valid.
        """

        def text(option: str, variable: str, default: str = "") -> str:
            given = self[option]
            return str(given) if given is not None else environment.get(variable) or default

        def flag(option: str, variable: str) -> bool:
            return bool(self[option]) or says_yes(environment, variable)

        def number(option: str, variable: str, default: int) -> int:
            try:
                return _positive(text(option, variable, str(default)))
            except ValueError as error:
                raise usage.UsageError(f"{variable}: {error}") from None

        paused = says_yes(environment, "STPAUSED"), says_yes(environment, "STUNPAUSED")
        if self["paused"] or self["unpaused"]:
            paused = bool(self["paused"]), bool(self["unpaused"])
        if all(paused):
            raise usage.UsageError("STPAUSED excludes STUNPAUSED")
        level = "DEBUG" if self["verbose"] else "INFO"
        return Settings(
            paths=locate(
                environment,
                home=self["home"] or "",
                config=self["config"] or "",
                data=self["data"] or "",
            ),
            gui_address=text("gui-address", "STGUIADDRESS"),
            gui_api_key=text("gui-apikey", "STGUIAPIKEY"),
            gui_assets=environment.get("STGUIASSETS", ""),
            probe_ports=not flag("no-port-probing", "STNOPORTPROBING"),
            allow_newer=flag("allow-newer-config", "STALLOWNEWERCONFIG"),
            paused=paused[0] if any(paused) else None,
            log_file=self["logfile"] or text("log-file", "STLOGFILE", "-"),
            log_level=_level(text("log-level", "STLOGLEVEL", level)),
            log_max_size=number("log-max-size", "STLOGMAXSIZE", 10 * 1024 * 1024),
            log_max_old_files=number("log-max-old-files", "STLOGMAXOLDFILES", 3),
            trace=environment.get("STTRACE", ""),
            audit=flag("audit", "STAUDIT") or bool(self["auditfile"]),
            audit_file=text("auditfile", "STAUDITFILE"),
        )


def _level(text: str) -> Level:
    try:
        return Level.parse(text)
    except ValueError as error:
        raise usage.UsageError(str(error)) from None


def says_yes(environment: Mapping[str, str], variable: str) -> bool:
    """Whether a variable is set to anything but a no."""
    return environment.get(variable, "").strip().lower() not in _NO

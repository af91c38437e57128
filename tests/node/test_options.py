from __future__ import annotations

from pathlib import Path

import pytest
from twisted.python.usage import Options as BaseOptions
from twisted.python.usage import UsageError

from txsyncthing.node.options import Options, Settings
from txsyncthing.runtime.lines import Level

USER = {"HOME": "/home/user"}


def settings(*arguments: str, **environment: str) -> Settings:
    options = Options()
    BaseOptions.parseOptions(options, list(arguments))
    return options.settings(USER | environment)


def test_nothing_asked_is_the_default() -> None:
    made = settings()
    assert made.paths.config == Path("/home/user/.local/state/txsyncthing")
    assert made == Settings(paths=made.paths)


def test_each_option_has_its_variable() -> None:
    asked = settings(
        "--home=/h",
        "--gui-address=0.0.0.0:1",
        "--gui-apikey=k",
        "--log-file=/log",
        "--log-level=debug",
        "--log-max-size=5",
        "--log-max-old-files=6",
        "--no-port-probing",
        "--allow-newer-config",
        "--paused",
        "--audit",
        "--auditfile=-",
    )
    by_variable = settings(
        STHOMEDIR="/h",
        STGUIADDRESS="0.0.0.0:1",
        STGUIAPIKEY="k",
        STLOGFILE="/log",
        STLOGLEVEL="DEBUG",
        STLOGMAXSIZE="5",
        STLOGMAXOLDFILES="6",
        STNOPORTPROBING="1",
        STALLOWNEWERCONFIG="true",
        STPAUSED="yes",
        STAUDIT="1",
        STAUDITFILE="-",
    )
    assert asked == by_variable
    assert asked.paused is True
    assert asked.log_level is Level.DEBUG


def test_an_option_counts_more_than_its_variable() -> None:
    assert settings("--gui-address=a:1", STGUIADDRESS="b:2").gui_address == "a:1"
    assert settings("--unpaused", STPAUSED="1").paused is False
    assert settings("--home=/h", STCONFDIR="/c", STDATADIR="/d").paths.data == Path("/h")


@pytest.mark.parametrize("no", ["", "0", "false", "No"])
def test_a_variable_can_say_no(no: str) -> None:
    assert settings(STNOPORTPROBING=no).probe_ports is True


def test_old_spellings_and_what_we_do_not_have_are_accepted() -> None:
    made = settings(
        "--no-browser",
        "--no-restart",
        "--no-upgrade",
        "--log-format-timestamp=",
        "--db-maintenance-interval=8h",
        "--no-log-format-level-string",
        "--logflags=0",
        "--logfile=/x",
    )
    assert made.log_file == "/x"
    assert settings("--verbose").log_level is Level.DEBUG


@pytest.mark.parametrize(
    "arguments",
    [
        ("--home=/h", "--config=/c"),
        ("--config=/c",),
        ("--data=/d",),
        ("--paused", "--unpaused"),
        ("--log-level=loud",),
        ("--log-max-size=many",),
        ("--nonsense",),
        ("argument",),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        settings(*arguments)


@pytest.mark.parametrize(
    "environment",
    [{"STLOGLEVEL": "loud"}, {"STLOGMAXSIZE": "-1"}, {"STPAUSED": "1", "STUNPAUSED": "1"}],
)
def test_a_variable_that_is_not_valid_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        settings(**environment)


def test_the_help_names_the_variables() -> None:
    assert "[STGUIADDRESS]" in str(Options())

"""
The log of a node: one ``Log`` for each area, levels that change at run time, rings for REST.

Only this file knows txaio: a method of a level that is off is a no-op there, a tenth of what
twisted.logger takes. Each node has its own levels and rings; nothing is kept in the module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, cast

import txaio.tx
from twisted.application.service import Service
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    LogPublisher,
    formatEvent,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.runtime.lines import Level, Line, Ring

WORDS = {Level.DEBUG: "DBG", Level.INFO: "INF", Level.WARN: "WRN", Level.ERROR: "ERR"}
_LEVELS = {
    LogLevel.debug: Level.DEBUG,
    LogLevel.info: Level.INFO,
    LogLevel.warn: Level.WARN,
    LogLevel.error: Level.ERROR,
    LogLevel.critical: Level.ERROR,
}


_PRINTED = frozenset({"stdout", "stderr"})
"""Where Twisted's log takes what a daemon prints: a sink that prints must not hear itself."""


class Log(Protocol):
    """
    Where one area of the node writes: ``log.info("{device} is here", device=device)``.

    The format is filled in only when the line is wanted. No field may be called ``format``,
    ``level`` or ``failure``, nor begin with ``log_``.
    """

    def debug(self, format: str, /, **fields: object) -> None: ...

    def info(self, format: str, /, **fields: object) -> None: ...

    def warn(self, format: str, /, **fields: object) -> None: ...

    def error(self, format: str, /, **fields: object) -> None: ...

    def failure(self, format: str, /, failure: Failure | None = None, **fields: object) -> None:
        """An error that nobody expected, with its traceback (of now, if none is given)."""


Sink = Callable[[Line], object]
"""Takes each line that is wanted: writes it to a stream, for example."""


class Logs:
    """
    The log of one node.

    :param unix: the wall clock, in Unix seconds.
    :param level: what areas without a level of their own let through.
    :param levels: such levels.
    :param sinks: who gets each line, beside the rings.
    """

    def __init__(
        self,
        unix: Callable[[], float],
        level: Level = Level.INFO,
        levels: Mapping[str, Level] | None = None,
        sinks: Iterable[Sink] = (),
    ) -> None:
        self._unix = unix
        self._level = level
        self._levels = dict(levels or {})
        self._sinks = list(sinks)
        self._areas: dict[str, txaio.tx.Logger] = {}
        self._lines = Ring(Level.DEBUG)
        self._errors = Ring(Level.WARN)  # the least that officials show as notices

    def area(self, name: str, *, kept: bool = True) -> Log:
        """
        The log of an area: mostly a room's name, such as ``connections``.

        :param kept: whether its lines are kept for REST; those of an area that writes very many would
            push all others out.
        """
        if name not in self._areas:
            observer = _Observer(name, self.add if kept else self._pass_on, self._unix)
            self._areas[name] = txaio.tx.Logger(
                level=self._levels.get(name, self._level).value,
                logger=_logger,
                namespace=name,
                observer=observer,
            )
        return cast(Log, self._areas[name])

    def set_level(self, level: Level, area: str | None = None) -> None:
        """Change one area's level, or that of all which have none of their own."""
        if area is None:
            self._level = level
        else:
            self._levels[area] = level
        for name, logger in self._areas.items():
            logger.set_log_level(self._levels.get(name, self._level).value)

    def levels(self) -> dict[str, Level]:
        """The level of each area that has written or was given one."""
        names = sorted(self._areas.keys() | self._levels.keys())
        return {name: self._levels.get(name, self._level) for name in names}

    def level_of(self, area: str) -> Level:
        """An area's own level, or that of all which have none."""
        return self._levels.get(area, self._level)

    @property
    def level(self) -> Level:
        return self._level

    def add(self, line: Line) -> None:
        """A finished line, from wherever; its level is not asked again."""
        self._lines.add(line)
        self._errors.add(line)
        self._pass_on(line)

    def _pass_on(self, line: Line) -> None:
        for sink in self._sinks:
            sink(line)

    def report(self, message: str) -> None:
        """A user's own error line, as ``POST /rest/system/error`` brings it."""
        self.add(Line(self._unix(), Level.ERROR, "api", message))

    def lines(self, since: float = 0) -> list[Line]:
        """The newest 1000 lines after ``since`` (Unix seconds)."""
        return self._lines.since(since)

    def errors(self, since: float = 0) -> list[Line]:
        """The newest 1000 error lines after ``since``."""
        return self._errors.since(since)

    def clear_errors(self) -> None:
        self._errors.clear()


class LogService(Service):
    """
    While it runs, what Twisted itself logs at ``warn`` or above (failures nobody looked at) goes
    to the node's log too; not what is printed to stderr, where our own lines may go.

    :param publisher: in a real process ``twisted.logger.globalLogPublisher``.
    """

    def __init__(self, logs: Logs, publisher: LogPublisher, unix: Callable[[], float]) -> None:
        self._publisher = publisher
        self._observer = _Observer("twisted", logs.add, unix, Level.WARN)

    def startService(self) -> None:
        self.running = True
        self._publisher.addObserver(self._observer)

    def stopService(self) -> None:
        self.running = False
        self._publisher.removeObserver(self._observer)


@implementer(ILogObserver)
class WholeLog:
    """
    The log of a process that is one node: what Twisted warns of and what libraries print become lines as all
    others; what else Twisted tells does where the level of ``twisted`` is DEBUG.

    The sinks must not print what twisted.logger catches: they would hear themselves.
    """

    def __init__(self, logs: Logs, unix: Callable[[], float]) -> None:
        self._logs = logs
        self._unix = unix

    def __call__(self, event: LogEvent) -> None:
        level = _LEVELS[event.get("log_level", LogLevel.info)]
        text = _text(event)
        if event.get("log_namespace") in _PRINTED:
            level, text = Level.WARN, text or str(event.get("log_io", ""))
        elif level.rank < Level.WARN.rank:
            level = Level.DEBUG
        if level is not Level.DEBUG or self._logs.level_of("twisted") is Level.DEBUG:
            self._logs.add(Line(self._unix(), level, "twisted", text))


@implementer(ILogObserver)
class _Observer:
    """Makes a Line of each of Twisted's log events."""

    def __init__(
        self,
        area: str,
        add: Callable[[Line], None],
        unix: Callable[[], float],
        least: Level = Level.DEBUG,
    ) -> None:
        self._area = area
        self._add = add
        self._unix = unix
        self._least = least.rank

    def __call__(self, event: LogEvent) -> None:
        level = _LEVELS[event.get("log_level", LogLevel.info)]
        if event.get("log_namespace") in _PRINTED:
            return
        if level.rank >= self._least:
            self._add(Line(self._unix(), level, self._area, _text(event)))


def _text(event: LogEvent) -> str:
    text = formatEvent(event)
    failure: Failure | None = event.get("log_failure")
    return text if failure is None else f"{text}\n{failure.getTraceback()}".strip()


def _logger(observer: ILogObserver, namespace: str) -> Logger:
    return Logger(namespace=namespace, observer=observer)


def line_text(line: Line) -> str:
    """A line as a stream shows it, in local time."""
    when = datetime.fromtimestamp(line.time).isoformat(" ", "milliseconds")
    return f"{when} {WORDS[line.level]} {line.message} ({line.area})\n"


class _Stream(Protocol):
    """What a sink needs of a file."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


def stream_sink(stream: _Stream) -> Sink:
    """Write each line to an open text file."""

    def write(line: Line) -> None:
        stream.write(line_text(line))
        stream.flush()

    return write

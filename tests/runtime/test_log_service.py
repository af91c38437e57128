from __future__ import annotations

import io

import pytest
from twisted.internet.task import Clock
from twisted.logger import Logger, LogPublisher
from twisted.python.failure import Failure

from txsyncthing.runtime.lines import Level, Line, Ring
from txsyncthing.runtime.log_service import Logs, LogService, WholeLog, stream_sink


def test_a_line_carries_time_level_area_and_the_filled_format() -> None:
    clock = Clock()
    clock.advance(12)
    logs = Logs(clock.seconds)
    logs.area("pull").info("{count} files of {folder}", count=3, folder="photos")
    assert logs.lines() == [Line(12, Level.INFO, "pull", "3 files of photos")]


def test_a_level_that_is_off_formats_nothing() -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    logs = Logs(Clock().seconds, Level.INFO)
    logs.area("pull").debug("{costly}", costly=Costly())
    assert logs.lines(-1) == []


def test_one_area_can_be_made_loud_while_it_runs() -> None:
    logs = Logs(Clock().seconds)
    loud, quiet = logs.area("loud"), logs.area("quiet")
    logs.set_level(Level.DEBUG, "loud")
    loud.debug("heard")
    quiet.debug("unheard")
    logs.set_level(Level.DEBUG)
    quiet.debug("now heard")
    logs.set_level(Level.ERROR)
    quiet.warn("unheard")
    loud.debug("still heard")
    assert [line.message for line in logs.lines(-1)] == ["heard", "now heard", "still heard"]
    assert logs.levels() == {"loud": Level.DEBUG, "quiet": Level.ERROR}


def test_two_nodes_do_not_hear_each_other() -> None:
    one, other = Logs(Clock().seconds), Logs(Clock().seconds)
    one.area("pull").error("mine")
    assert other.lines(-1) == []


def test_warnings_and_errors_are_kept_apart_until_cleared() -> None:
    clock = Clock()
    logs = Logs(clock.seconds)
    log = logs.area("folder")
    log.info("a word")
    log.warn("a warning")
    log.error("an error")
    clock.advance(1)
    logs.report("a notice")
    assert [line.message for line in logs.errors(-1)] == ["a warning", "an error", "a notice"]
    assert [line.message for line in logs.errors(0)] == ["a notice"]
    logs.clear_errors()
    assert logs.errors(-1) == []
    assert len(logs.lines(-1)) == 4


def test_a_failure_shows_its_traceback() -> None:
    logs = Logs(Clock().seconds)
    try:
        raise ValueError("broken")
    except ValueError:
        logs.area("pull").failure("{task} failed", failure=Failure(), task="rescan")
    (line,) = logs.errors(-1)
    assert line.message.startswith("rescan failed\n")
    assert "ValueError: broken" in line.message


def test_a_stream_gets_the_lines_that_are_wanted() -> None:
    stream = io.StringIO()
    logs = Logs(Clock().seconds, sinks=[stream_sink(stream)])
    logs.area("scan").warn("slow disk")
    logs.area("scan").debug("not wanted")
    assert stream.getvalue().endswith(" WRN slow disk (scan)\n")
    assert stream.getvalue().count("\n") == 1


def test_what_twisted_warns_of_is_heard_while_the_service_runs() -> None:
    publisher = LogPublisher()
    logs = Logs(Clock().seconds)
    service = LogService(logs, publisher, Clock().seconds)
    logger = Logger(namespace="twisted.web", observer=publisher)
    logger.error("before")
    service.startService()
    logger.error("during")
    logger.info("chatter")
    service.stopService()
    logger.error("after")
    assert [(line.area, line.message) for line in logs.lines(-1)] == [("twisted", "during")]


def test_what_is_printed_is_not_heard_so_that_a_sink_may_print() -> None:
    publisher = LogPublisher()
    printed = Logger(namespace="stderr", observer=publisher)
    logs = Logs(Clock().seconds, sinks=[lambda line: printed.error("{line}", line=line.message)])
    LogService(logs, publisher, Clock().seconds).startService()
    logs.area("scan").error("once")
    assert [line.message for line in logs.lines(-1)] == ["once"]


def test_the_whole_log_has_warnings_and_what_is_printed_as_lines_of_ours() -> None:
    publisher = LogPublisher()
    logs = Logs(Clock().seconds)
    publisher.addObserver(WholeLog(logs, Clock().seconds))
    web, printed = (Logger(namespace=name, observer=publisher) for name in ("web", "stderr"))
    web.info("Starting factory")
    web.error("broken {what}", what="pipe")
    printed.error("{log_io}", log_io="Exception ignored")
    kept = [(line.level, line.area, line.message) for line in logs.lines(-1)]
    assert kept == [
        (Level.ERROR, "twisted", "broken pipe"),
        (Level.WARN, "twisted", "Exception ignored"),
    ]
    logs.set_level(Level.DEBUG, "twisted")
    web.info("Starting factory")
    assert logs.lines(-1)[-1].message == "Starting factory"


def test_a_ring_keeps_the_newest_thousand() -> None:
    ring = Ring(Level.INFO)
    for number in range(1500):
        ring.add(Line(number, Level.INFO, "", str(number)))
    kept = ring.since(-1)
    assert (len(kept), kept[0].message, kept[-1].message) == (1000, "500", "1499")


@pytest.mark.parametrize("text", ["debug", "DEBUG", " Warn ", "WARNING", "error", "INFO"])
def test_levels_are_read_in_any_case(text: str) -> None:
    assert Level.parse(text).name.startswith(text.strip().upper()[:4])


def test_an_unknown_level_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="DEBUG, INFO, WARN or ERROR"):
        Level.parse("loud")

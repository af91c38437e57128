"""
The current configuration, and who wants to hear of changes.

Source: reference 6.1 "Change application" (lib/config/wrapper.go).
"""

from __future__ import annotations

from collections.abc import Callable

from txsyncthing.config.config import Configuration
from txsyncthing.config.diff import Change, differences, needs_restart
from txsyncthing.config.prepare import prepare
from txsyncthing.vocabulary.device import DeviceID

Subscriber = Callable[[Configuration, Configuration, list[Change]], None]
"""Called with the old and the new configuration and what differs."""

Verifier = Callable[[Configuration, Configuration], None]
"""Called with the old and the new configuration before it counts; raises InvalidConfiguration to veto."""


class ConfigHolder:
    """
    The one place where the configuration changes.

    A change is prepared, verified by all, and only then becomes current; subscribers then hear of it in the
    order in which they came. A change made by a subscriber follows after this one is told to all.

    :param configuration: what was loaded; prepared here.
    :param me: our device, always present.
    :param new_key: makes an API key when there is none.
    :param name: what our own device is called when it is missing.
    """

    def __init__(
        self,
        configuration: Configuration,
        me: DeviceID,
        new_key: Callable[[], str] = str,
        name: str = "",
    ) -> None:
        self.me = me
        self._new_key = new_key
        self._name = name
        self._subscribers: list[Subscriber] = []
        self._verifiers: list[Verifier] = []
        self._untold: list[tuple[Configuration, Configuration]] = []
        self._telling = False
        self._current = self._prepare(configuration)
        self._at_start = self._current

    @property
    def current(self) -> Configuration:
        return self._current

    @property
    def requires_restart(self) -> bool:
        """Whether something changed since the start that only a restart brings into force."""
        return needs_restart(self._at_start, self._current)

    def modify(self, change: Callable[[Configuration], Configuration]) -> Configuration:
        """
        Replace the configuration by ``change(current)``.

        :returns: the new current configuration, prepared.
        :raises InvalidConfiguration: it cannot be used; nothing has changed.
        """
        old = self._current
        new = self._prepare(change(old))
        for verify in self._verifiers:
            verify(old, new)
        if new != old:
            self._current = new
            self._untold.append((old, new))
            self._tell()
        return new

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Hear of each change; the answer is the call that ends this."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def verify(self, verifier: Verifier) -> Callable[[], None]:
        """Be asked before each change; the answer is the call that ends this."""
        self._verifiers.append(verifier)
        return lambda: self._verifiers.remove(verifier)

    def _prepare(self, configuration: Configuration) -> Configuration:
        return prepare(configuration, self.me, new_key=self._new_key, name=self._name)

    def _tell(self) -> None:
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                old, new = self._untold.pop(0)
                changes = differences(old, new)
                for subscriber in list(self._subscribers):
                    subscriber(old, new, changes)
        finally:
            self._telling = False

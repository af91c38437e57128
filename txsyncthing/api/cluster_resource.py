"""
``/rest/cluster`` and ``/rest/stats``: who asks to be let in, and who was here when.

Source: reference 7.4, 11.18.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from txsyncthing.api import shapes
from txsyncthing.api.exchange import DONE, Answer, Question, Route, json
from txsyncthing.api.seams import ClusterView, FoldersView
from txsyncthing.api.system_resource import device_of
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID


class ClusterResource:
    """
    :param unix: wall clock, Unix seconds.
    :param me: our own device.
    """

    def __init__(
        self,
        *,
        cluster: ClusterView,
        folders: FoldersView,
        holder: ConfigHolder,
        me: DeviceID,
        unix: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._folders = folders
        self._holder = holder
        self._me = me
        self._unix = unix

    def routes(self) -> list[Route]:
        return [
            Route(
                "/rest/cluster/pending/devices",
                {"GET": self.pending_devices, "DELETE": self.dismiss_device},
            ),
            Route(
                "/rest/cluster/pending/folders",
                {"GET": self.pending_folders, "DELETE": self.dismiss_folder},
            ),
            Route("/rest/stats/device", {"GET": self.device_statistics}),
            Route("/rest/stats/folder", {"GET": self.folder_statistics}),
        ]

    def pending_devices(self, question: Question) -> Answer:
        return json(shapes.pending_devices(self._cluster.pending_devices()))

    def dismiss_device(self, question: Question) -> Answer:
        if name := question.get("device"):
            with suppress(KeyError):  # the official daemon is content, too
                self._cluster.dismiss_device(device_of(name, 400))
        return DONE

    def _device(self, question: Question) -> DeviceID | None:
        name = question.get("device")
        return device_of(name, 400) if name else None

    def pending_folders(self, question: Question) -> Answer:
        return json(shapes.pending_folders(self._cluster.pending_folders(self._device(question))))

    def dismiss_folder(self, question: Question) -> Answer:
        device = self._device(question)
        if id := question.get("folder"):
            with suppress(KeyError):
                self._cluster.dismiss_folder(FolderID(id), device)
        return DONE

    def device_statistics(self, question: Question) -> Answer:
        devices = self._cluster.devices()
        return json(shapes.device_statistics(devices, self._me, self._unix()))

    def folder_statistics(self, question: Question) -> Answer:
        running = {one.id: self._folders.get(one.id) for one in self._holder.current.folders}
        return json(
            {
                id: shapes.folder_statistics(folder.status())
                for id, folder in sorted(running.items())
                if folder is not None
            }
        )

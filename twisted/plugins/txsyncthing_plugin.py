"""
Tell ``twistd`` about the ``syncthing`` command.

Loaded at every start of twistd, whatever it then runs: nothing heavy is imported here.
"""

from __future__ import annotations

from twisted.application.service import ServiceMaker

node = ServiceMaker(
    name="txsyncthing service",
    module="txsyncthing.node.plugin_service",
    description="Keep folders in step with other devices (a Syncthing node).",
    tapname="syncthing",
)

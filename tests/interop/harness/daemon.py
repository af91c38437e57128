"""One daemon as a process: started, asked over REST, stopped, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import psutil

from tests.interop.harness.home import Home
from tests.interop.harness.waiting import wait_until

ROOT = Path(__file__).parents[3]
START = 30.0  # seconds until REST must answer
STOP = 20.0  # seconds from SIGTERM to the exit; 1.29.5 takes 10 when a connection has just come up
FAULTS = ("Traceback", "Unhandled", "Exception", " CRT ", "#critical")
ASK = 120.0  # seconds for one REST answer; a scan on request takes its time


class Daemon(ABC):
    """
    A node with a home of its own, on loopback ports of its own.

    :ivar label: which program it is, as tables and messages name it.
    :ivar device: its device ID as text, known after ``prepare``.
    """

    label: str

    def __init__(self, directory: Path) -> None:
        """
        :param directory: where the home and the log lie; made if missing.
        """
        self.directory = directory
        self.home = Home(directory / "home")
        self.device = ""
        self.folders: dict[str, Path] = {}
        self._process: psutil.Popen | None = None
        self._opener = build_opener(ProxyHandler({}))

    @abstractmethod
    def generate(self) -> list[str]:
        """The command which makes the identity and a first config.xml."""

    @abstractmethod
    def serve(self) -> list[str]:
        """The command which runs the node in the foreground, in one process."""

    def environment(self) -> dict[str, str]:
        """The environment of both commands."""
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "TZ") if key in os.environ}
        return {**kept, "HOME": str(self.directory), "STNOUPGRADE": "1", "STNODEFAULTFOLDER": "1"}

    def prepare(self) -> None:
        """Make the home and read the device ID out of the config that came with it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            self.generate(),
            env=self.environment(),
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=START,
        )
        assert done.returncode == 0, f"{self.label}: generate failed\n{done.stdout}"
        own = self.home.read().find("device")
        assert own is not None, f"{self.label}: its first config.xml names no device"
        self.device = own.get("id", "")
        self.home.quieten(self.label)

    # the process

    @property
    def log(self) -> Path:
        return self.directory / "log.txt"

    @property
    def process(self) -> psutil.Popen:
        assert self._process is not None, f"{self.label} is not running"
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, wait: bool = True) -> float:
        """
        Start it.

        :returns: seconds until REST answered and it listened (0 without ``wait``).
        """
        assert not self.running
        with self.log.open("ab") as log:
            self._process = psutil.Popen(
                self.serve(),
                env=self.environment(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        begun = time.monotonic()
        if wait:
            wait_until(self.answers, f"{self.label}: REST answers\n{self.tail()}", START)
            wait_until(self.listens, f"{self.label}: peers can come\n{self.tail()}", START)
            return time.monotonic() - begun
        return 0.0

    def answers(self) -> bool:
        code = self.process.poll()
        assert code is None, f"{self.label} ended with {code} at its start\n{self.tail()}"
        try:
            return bool(self.get("/rest/system/ping") == {"ping": "pong"})
        except (OSError, HTTPException):
            return False

    def listens(self) -> bool:
        """Whether peers can reach it, or it has said why not; REST answers before."""
        listeners = self.get("/rest/system/status")["connectionServiceStatus"]
        return bool(listeners) and all(one["error"] != "not started" for one in listeners.values())

    def stop(self) -> None:
        """End it the polite way; it must comply, with exit code 0."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(STOP)
        self._process = None
        assert code == 0, f"{self.label} ended with {code}\n{self.tail()}"

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would; does nothing when it is not running."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(STOP)
        self._process = None

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def complaints(self) -> list[str]:
        """Lines of its log which tell of a fault of its own, in whatever scenario."""
        return []

    def cpu(self) -> float:
        """CPU seconds it has used since its start."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def peak_memory(self) -> int:
        """The most bytes that were resident since its start."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def memory(self) -> int:
        """Bytes resident now."""
        return int(self.process.memory_info().rss)

    # REST

    @property
    def address(self) -> str:
        """Where peers reach it."""
        return f"tcp://127.0.0.1:{self.home.listen_port}"

    def _ask(
        self, method: str, path: str, query: dict[str, Any], body: bytes | None, api_key: str
    ) -> Any:
        url = f"http://127.0.0.1:{self.home.gui_port}{path}"
        if query:
            url += "?" + urlencode(query, doseq=True)
        request = Request(url, data=body, method=method)
        request.add_header("X-API-Key", api_key or self.home.api_key)
        with self._opener.open(request, timeout=ASK) as answer:
            raw = answer.read()
        return json.loads(raw) if raw.strip() else None

    def get(self, path: str, api_key: str = "", **query: Any) -> Any:
        """
        The JSON answer to a GET.

        :param api_key: instead of the right one.
        :raises urllib.error.HTTPError: the answer was an error.
        """
        return self._ask("GET", path, query, None, api_key)

    def post(self, path: str, body: object = None, **query: Any) -> Any:
        """The JSON answer to a POST, None when it is empty."""
        data = b"" if body is None else json.dumps(body).encode()
        return self._ask("POST", path, query, data, "")

    def change(self, method: str, path: str, body: object = None) -> None:
        """A PUT, PATCH or DELETE."""
        data = b"" if body is None else json.dumps(body).encode()
        self._ask(method, path, {}, data, "")

    def rescan(self, folder: str, *subs: str) -> None:
        """Scan now; returns when the scan is done."""
        self.post("/rest/db/scan", folder=folder, **({"sub": subs} if subs else {}))

    def status(self, folder: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.get("/rest/db/status", folder=folder)
        return answer

    def completion(self, folder: str, device: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.get("/rest/db/completion", folder=folder, device=device)
        return answer

    def connected(self, device: str) -> bool:
        connections = self.get("/rest/system/connections")["connections"]
        return bool(connections.get(device, {}).get("connected"))

    def errors(self) -> list[str]:
        """What it would show its user as notices."""
        return [error["message"] for error in self.get("/rest/system/error")["errors"] or ()]


class OfficialDaemon(Daemon):
    """Syncthing itself."""

    def __init__(self, directory: Path, binary: Path, version: str) -> None:
        super().__init__(directory)
        self.binary = binary
        self.label = version

    def environment(self) -> dict[str, str]:
        # STMONITORED: no monitor process above it, so that a signal meets the node itself
        return {**super().environment(), "STMONITORED": "1"}

    def generate(self) -> list[str]:
        home = str(self.home.path)
        return [str(self.binary), "generate", "--home", home, "--no-default-folder"]

    def serve(self) -> list[str]:
        options = ["--no-browser", "--no-restart", "--logfile=-", "--home", str(self.home.path)]
        return [str(self.binary), "serve", *options]


class OurNode(Daemon):
    """The node under test, from the checkout."""

    label = "txsyncthing"

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(ROOT)}

    def generate(self) -> list[str]:
        cli = "from txsyncthing.cli.main import main; main()"
        return [sys.executable, "-c", cli, "generate", "--home", str(self.home.path)]

    def serve(self) -> list[str]:
        twistd = "from twisted.scripts.twistd import run; run()"
        options = ["--nodaemon", "--pidfile=", "syncthing", "--home", str(self.home.path)]
        return [sys.executable, "-c", twistd, *options]

    def complaints(self) -> list[str]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if any(word in line for word in FAULTS)]


def unreachable(daemon: Daemon) -> bool:
    """Whether REST does not answer."""
    try:
        daemon.get("/rest/system/ping")
    except (URLError, OSError, HTTPException):
        return True
    return False

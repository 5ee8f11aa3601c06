"""A real Chromium without a window, steered by its ChromeDriver: what a page looks like, says, and asks for."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

from tests.components.processes import Component, Process, answers, free_port
from tests.components.tools import ToolUnavailable

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

# Chromium asks its makers for this and that when it starts; without these it asks nobody.
_SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)


class Browser(Component):
    """A browser, running between `with` and its end. Everything it writes is in `directory`."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._session = ""

    def _start(self, stack: contextlib.ExitStack) -> None:
        driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
        if driver is None or chromium is None:
            raise ToolUnavailable("there is no chromium with its chromedriver on this machine (Debian has packages)")
        port = free_port()
        server = Process("chromedriver", [driver, f"--port={port}"], log=self._directory / "chromedriver.log")
        stack.callback(server.kill)
        url = f"http://127.0.0.1:{port}"
        server.wait_ready(lambda: answers(f"{url}/status", session=self.session))
        options = {"binary": chromium, "args": [*_SWITCHES, f"--user-data-dir={self._directory / 'profile'}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self._session = f"{url}/session"
        self._session += f"/{self._post('', {'capabilities': {'alwaysMatch': wanted}})['sessionId']}"
        stack.callback(lambda: self.session.delete(self._session, timeout=30))

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.session.post(f"{self._session}{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()["value"]

    def _command(self, name: str, **parameters: Any) -> Any:
        return self._post("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def look(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Gives the window a size, and its reader a taste."""
        self._command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, file: Path) -> None:
        """Opens a file, and waits until it is loaded."""
        self._logs("browser")
        self._logs("performance")
        self._post("/url", {"url": file.as_uri()})

    def run(self, script: str) -> Any:
        """Returns what a script in the page returns; the page's own rules do not hold for it."""
        return self._post("/execute/sync", {"script": script, "args": []})

    def type(self, *keys: str) -> None:
        """Presses keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def complaints(self) -> list[str]:
        """Returns what the page brought onto the console since it was opened."""
        return [entry["message"] for entry in self._logs("browser")]

    def asked_for(self) -> list[str]:
        """Returns the addresses that were asked for since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self._logs("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def has_dialog(self) -> bool:
        """Returns whether a script of the page says something."""
        return bool(self.session.get(f"{self._session}/alert/text", timeout=30).ok)

    def picture(self) -> bytes:
        """Returns what is seen, as a PNG."""
        answer = self.session.get(f"{self._session}/screenshot", timeout=60)
        answer.raise_for_status()
        return base64.b64decode(answer.json()["value"])

    def _logs(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._post("/se/log", {"type": kind})
        return found

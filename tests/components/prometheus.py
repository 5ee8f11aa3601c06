"""A Prometheus server on 127.0.0.1, with samples of the past put in beforehand or scraped as they come.

Samples put in beforehand need no waiting and give the same answer each time: prefer them where time is not the point.
"""

from __future__ import annotations

import http.server
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.components.processes import Component, Process, answers, free_port
from tests.components.tools import tool

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

Series = tuple[str, "Mapping[str, str]", "Sequence[tuple[float, float]]"]
"""Name, labels and samples as (Unix time in seconds, value)."""


def openmetrics(series: Iterable[Series]) -> str:
    """Write samples in the text format that `PrometheusServer(openmetrics=...)` takes."""
    lines = []
    for name, labels, samples in series:
        inner = ",".join(f'{label}="{value}"' for label, value in labels.items())
        lines += [f"{name}{{{inner}}} {value} {time:.3f}\n" for time, value in samples]
    return "".join(lines) + "# EOF\n"


class PrometheusServer(Component):
    """Prometheus, running between `with` and its end. Everything it writes is in `directory`.

    `config` is the configuration file, as YAML text or as what it says. `openmetrics` are samples with their times; a
    scrape adds to them only at times after the two hours that the last of them falls into. Of weeks of samples, longer
    `blocks` are much faster to make.
    """

    def __init__(
        self,
        directory: Path,
        *,
        config: str | Mapping[str, Any] = "",
        openmetrics: str | None = None,
        blocks: str = "2h",
    ) -> None:
        self.directory = directory
        self.url = ""
        super().__init__()
        self._config = config
        self._openmetrics = openmetrics
        self._blocks = blocks

    def _start(self, stack: contextlib.ExitStack) -> None:
        program = tool("prometheus")
        data = self.directory / "data"
        data.mkdir(parents=True)
        self._write_config()
        if self._openmetrics is not None:
            self._backfill(data, self._openmetrics)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command: list[str | Path] = [
            program,
            f"--config.file={self._config_file}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",  # samples put in may be of any time
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            # Targets are looked up every 5 s, and by default taken over every 5 s, so that a scrape might wait for 10.
            "--scrape.discovery-reload-interval=100ms",
            "--log.level=warn",
        ]
        server = Process("prometheus", command, log=self.directory / "prometheus.log")
        stack.callback(server.kill)  # all of its state is thrown away
        server.wait_ready(lambda: answers(f"{self.url}/-/ready", session=self.session))

    @property
    def _config_file(self) -> Path:
        return self.directory / "prometheus.yaml"

    def _write_config(self) -> None:
        text = self._config if isinstance(self._config, str) else yaml.safe_dump(dict(self._config))
        self._config_file.write_text(text)

    def _backfill(self, data: Path, samples: str) -> None:
        source = self.directory / "samples.txt"
        source.write_text(samples)
        command: list[str | Path] = [
            tool("promtool"),
            "tsdb",
            "create-blocks-from",
            f"--max-block-duration={self._blocks}",
            "openmetrics",
            "--quiet",
            source,
            data,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise ValueError(f"promtool refuses the samples:\n{done.stderr.strip()}")

    def reload(self, config: str | Mapping[str, Any]) -> None:
        """Go on with another configuration. Raises requests.HTTPError when Prometheus refuses it."""
        self._config = config
        self._write_config()
        self.session.post(f"{self.url}/-/reload", timeout=10).raise_for_status()

    def query(self, promql: str, *, at: float | None = None) -> list[dict[str, Any]]:
        """Give the result of an instant query, now or at a Unix time: items with `metric` and `value`, [time, text].

        Raises requests.HTTPError when Prometheus refuses it.
        """
        parameters = {"query": promql} | ({} if at is None else {"time": f"{at:.3f}"})
        answer = self.session.get(f"{self.url}/api/v1/query", params=parameters, timeout=10)
        answer.raise_for_status()
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result


class Exporter:
    """A page of metrics on 127.0.0.1 for Prometheus to scrape: what `set` was given last, or what that gives then."""

    def __init__(self) -> None:
        self.target = f"127.0.0.1:{free_port()}"
        self._text: Callable[[], str] = str
        host, port = self.target.split(":")
        self._server = http.server.ThreadingHTTPServer((host, int(port)), self._page())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def set(self, text: str | Callable[[], str]) -> None:
        """Give the page from now on, in the text format of Prometheus; a function is asked at each scrape."""
        self._text = text if callable(text) else lambda: text

    def scrape_config(self, *, interval: str = "1s") -> dict[str, Any]:
        """Give a configuration of Prometheus that scrapes this page."""
        job = {"job_name": "exporter", "static_configs": [{"targets": [self.target]}]}
        return {"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": [job]}

    def _page(self) -> type[http.server.BaseHTTPRequestHandler]:
        exporter = self

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter._text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the library's)
                """Say nothing: a scrape is no news."""

        return Page

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

"""A gateway in front of the API server: every request passes it, and a test may do something with one on its way."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.components.processes import local_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.components.controlplane import ControlPlane

    # Gets the method and the path of a request before it is passed on; False = it never is, and gets no answer.
    Hook = Callable[[str, str], bool]


class Gateway:
    """Passes requests on to the API server. `hook` is asked first."""

    def __init__(self, plane: ControlPlane) -> None:
        self.hook: Hook = lambda method, path: bool(method and path)
        self.ended = threading.Event()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                if not gateway.hook(self.command, self.path):
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {key: value for key, value in self.headers.items() if key not in {"Host", "Accept-Encoding"}}
                with local_session() as session:
                    answer = session.request(
                        self.command,
                        plane.url + self.path,
                        data=body or None,
                        headers=headers | {"Accept-Encoding": "identity"},
                        verify=str(plane.certificate),
                        timeout=60,
                    )
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PATCH = _pass_on  # noqa: N815 - the names of the standard library

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing: a client that was killed is no error of ours."""

        self._server = Server(("127.0.0.1", 0), Handler)

    @contextmanager
    def serving(self) -> Iterator[Gateway]:
        """Pass requests on until the end."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def never(self) -> bool:
        """Keep a request until the end of the test, and then drop it."""
        self.ended.wait(60)
        return False

    def before(self, kubeconfig: Path | str) -> Path:
        """Give a kubeconfig of the same user that goes through here."""
        kubeconfig = Path(kubeconfig)
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self._server.server_port}"}
        path = kubeconfig.with_name(f"{kubeconfig.name}-gateway")
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

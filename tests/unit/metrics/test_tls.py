"""TLS: which certificates are trusted, and the reason where none is."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.metrics_server import Server, running
from tests.unit.metrics.meter import ask, unreachable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_https_to_a_server_without_it(server: Server) -> None:
    url = server.url.replace("http:", "https:")
    assert unreachable(ask(url, timeout=5.0), url).startswith("TLS: ")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    path = tmp_path / "certificate.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        ["openssl", "req", *options.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path],
        check=True,
        capture_output=True,
    )
    # -keyout and -out of one name: the certificate is written over the key by some versions, behind it by others.
    if "PRIVATE KEY" not in path.read_text() or "CERTIFICATE" not in path.read_text():
        pytest.skip("this openssl writes no key and certificate into one file")
    return path


def test_tls(certificate: Path) -> None:
    with running(certified(certificate)) as server:
        assert ask(server.url, ca_file=certificate).value == 1


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_ca_file_without_a_certificate(server: Server, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    url = server.url.replace("http:", "https:")
    assert unreachable(ask(url, ca_file=tmp_path / "ca.pem"), url).startswith("TLS: ")


def certified(certificate: Path) -> Server:
    """Returns a server with a certificate."""
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.url = server.url.replace("http:", "https:")
    return server


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_certificate_that_has_expired(certificate: Path, tmp_path: Path) -> None:
    (tmp_path / "index").touch()
    (tmp_path / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=it\n[it]\ndatabase={tmp_path}/index\nrand_serial=yes\nnew_certs_dir={tmp_path}\n"
        "default_md=sha256\npolicy=any\nx509_extensions=more\n[any]\n[more]\nsubjectAltName=IP:127.0.0.1\n"
    )
    request, old = tmp_path / "request.pem", tmp_path / "old.pem"
    made: list[str | Path] = ["openssl", "req", "-new", "-key", certificate, "-subj", "/CN=localhost", "-out", request]
    signed: list[str | Path] = [
        "openssl",
        "ca",
        "-batch",
        "-selfsign",
        "-notext",
        "-config",
        tmp_path / "ca.cnf",
        "-keyfile",
        certificate,
    ]
    times = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]
    for command in (made, [*signed, "-keyfile", certificate, "-in", request, "-out", old, *times]):
        subprocess.run(command, check=True, capture_output=True)
    old.write_text(certificate.read_text().partition("-----BEGIN CERT")[0] + old.read_text())
    with running(certified(old)) as server:
        assert unreachable(ask(server.url, ca_file=old), server.url) == "TLS: certificate has expired"


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_certificate_that_nobody_vouches_for(certificate: Path) -> None:
    with running(certified(certificate)) as server:
        assert unreachable(ask(server.url), server.url).startswith("TLS: self")


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_handshake_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert unreachable(ask(url, timeout=0.1), url) == "no answer within 0.1s"

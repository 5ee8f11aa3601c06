"""Runs in a pod: Envoy, and what carries the stored weights of a VirtualService over to it, as istiod does.

`python -m tests.e2e.gateway NAMESPACE NAME PORT`: the hosts of the VirtualService are Services of that namespace that
listen on PORT. Nothing but the standard library. An API server that does not answer changes nothing: the routes stay.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.components import proxy

LISTEN, ADMIN = 8080, 9901

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def _stored(url: str, trust: ssl.SSLContext) -> dict[str, int] | None:
    """Give the weights as they are stored; None where they cannot be read."""
    token = (_ACCOUNT / "token").read_text()
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 (https, below)
    try:
        with urllib.request.urlopen(request, timeout=5, context=trust) as answer:  # noqa: S310 (as above)
            return proxy.weights_of(json.load(answer))
    except (OSError, ValueError) as error:
        print(f"the VirtualService cannot be read: {error}", flush=True)  # noqa: T201 (the log of a pod)
        return None


def main(namespace: str, name: str, port: str) -> int:
    """Route by the weights until Envoy ends; give its exit code."""
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    url = f"{server}/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/{name}"
    trust = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
    while (weights := _stored(url, trust)) is None:
        time.sleep(1)
    folder = Path(tempfile.mkdtemp())
    routes, configuration = folder / "routes.json", folder / "envoy.json"
    proxy.write_routes(routes, weights)
    workloads = {host: (f"{host}.{namespace}.svc.cluster.local", int(port)) for host in weights}
    started = proxy.bootstrap(
        listen=("0.0.0.0", LISTEN),  # noqa: S104 (a pod's own)
        admin=("0.0.0.0", ADMIN),  # noqa: S104 (as above)
        workloads=workloads,
        routes=routes,
    )
    configuration.write_text(json.dumps(started))
    envoy = subprocess.Popen(
        ["envoy", "-c", configuration, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warn"]
    )
    while (code := envoy.poll()) is None:
        time.sleep(0.5)
        now = _stored(url, trust)
        if now not in (None, weights):
            weights = now
            proxy.write_routes(routes, weights)
            print(f"routing {weights}", flush=True)  # noqa: T201 (the log of a pod)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

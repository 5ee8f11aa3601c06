"""Ways to ask an API server for many Deployments: what each takes, with no code of steerer's around it."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from http.client import HTTPSConnection

    from tests.bench.sender import Sender

TIMES = 3
_PATH = "/apis/apps/v1/deployments"
_JSON = "application/json"
_METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_PAGES, _CACHE = "limit=500", "resourceVersion=0"
_ALL = {
    "pages of 500": (_PAGES, _JSON, "gzip"),
    "pages of 500, not compressed": (_PAGES, _JSON, "identity"),
    "from the watch cache (`resourceVersion=0`), which knows no pages": (_CACHE, _JSON, "gzip"),
    "from the watch cache, not compressed": (_CACHE, _JSON, "identity"),
    "metadata only, pages of 500": (_PAGES, _METADATA, "gzip"),
    "metadata only, pages of 500, not compressed": (_PAGES, _METADATA, "identity"),
    "metadata only, from the watch cache": (_CACHE, _METADATA, "gzip"),
}


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way, and what it takes to get so many objects: requests, bytes of the bodies, seconds, of these on a core."""

    way: str
    objects: int
    requests: int
    received: int
    wall: float
    cpu: float


def ways(sender: Sender) -> list[Way]:
    """Try all of them, in turn."""
    tried = [_tried(way, sender) for _ in range(TIMES) for way in _ALL]
    return [_middle([one for one in tried if one.way == way]) for way in _ALL]


def _middle(tried: list[Way]) -> Way:
    wall, cpu = (median(getattr(one, what) for one in tried) for what in ("wall", "cpu"))
    last = tried[-1]
    return Way(way=last.way, objects=last.objects, requests=last.requests, received=last.received, wall=wall, cpu=cpu)


def _tried(way: str, sender: Sender) -> Way:
    query, accept, encoding = _ALL[way]
    headers = {**sender.headers, "Accept": accept, "Accept-Encoding": encoding}
    objects = requests = received = 0
    with closing(sender.connection()) as connection:
        connection.connect()
        begun, used = time.perf_counter(), time.thread_time()
        more = query
        while more:
            body = _asked(connection, more, headers)
            requests, received = requests + 1, received + len(body)
            page = json.loads(gzip.decompress(body) if encoding == "gzip" else body)
            objects += len(page["items"])
            token = page["metadata"].get("continue")
            more = f"{query}&continue={quote(token)}" if token else ""
        wall, cpu = time.perf_counter() - begun, time.thread_time() - used
    return Way(way=way, objects=objects, requests=requests, received=received, wall=wall, cpu=cpu)


def _asked(connection: HTTPSConnection, query: str, headers: dict[str, str]) -> bytes:
    connection.request("GET", f"{_PATH}?{query}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status >= 300:
        raise OSError(f"GET {_PATH}?{query}: {answer.status}")
    return body

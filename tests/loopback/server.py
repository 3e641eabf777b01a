"""Plays CBS OData v3, OGC API Features, the 3DBAG API and plain files from a folder of files as published.

Folder: ``odata/<TABLE>/<name>.json``, ``ogc/<collection>.geojson``, ``3dbag/*.city.jsonl``; every other path is a file.
Addresses: ``/ODataFeed/odata/<TABLE>/<name>``, ``/ogc/collections/<collection>/items``,
``/3dbag/collections/pand/items``. A fault gets the reply before it is sent and may replace it or cut the connection.
"""

import hashlib
import json
import re
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

RD_HEADER = "<http://www.opengis.net/def/crs/EPSG/0/28992>"


@dataclass
class Reply:
    """One answer, and how it is spoiled: cut after some bytes, endless, or late [s]."""

    status: int = 200
    kind: str = "application/json"
    content: bytes = b""
    headers: dict = field(default_factory=dict)
    cut_after: int | None = None
    endless: bool = False
    sleep_s: float = 0.0


class Loopback(ThreadingHTTPServer):
    """The server; set ``fault`` to spoil replies, read ``asked`` for the paths asked."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, *, odata_page: int = 10_000, matched: bool = True, tagged: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.odata_page, self.matched, self.tagged = folder, odata_page, matched, tagged
        self.fault = None
        self.ranges = False
        self.asked: list[str] = []
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        """Return the base address."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address) -> None:
        """Stay silent: connections are cut on purpose."""

    def reply(self, path: str, headers) -> Reply:
        """Return the undisturbed answer to a path."""
        parts = urlsplit(path)
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        if hit := re.fullmatch(r".*/ODataFeed/odata/(\w+)/(\w+)", parts.path):
            return self._odata(hit[1], hit[2], query, parts.path)
        if hit := re.fullmatch(r".*/ogc/collections/(\w+)/items", parts.path):
            return self._on_condition(self._ogc(hit[1], query, parts.path), headers)
        if parts.path.endswith("/3dbag/collections/pand/items"):
            return self._roofs(query, parts.path)
        return self._file(parts.path, headers)

    def _odata(self, table, name, query, path) -> Reply:
        source = self.folder / "odata" / table / f"{name}.json"
        if not source.is_file():
            return Reply(404, content=b"{}")
        content = json.loads(source.read_bytes())
        rows = content["value"] if isinstance(content, dict) else content
        if hit := re.fullmatch(r"startswith\((\w+),'(\w+)'\)", query.get("$filter", "")):
            rows = [row for row in rows if row[hit[1]].startswith(hit[2])]
        start = int(query.get("$skip", 0))
        body = {"odata.metadata": "x", "value": rows[start : start + self.odata_page]}
        if start + self.odata_page < len(rows):
            body["odata.nextLink"] = f"{self.url}{path}?" + urlencode({**query, "$skip": start + self.odata_page})
        return Reply(content=json.dumps(body).encode())

    def _ogc(self, collection, query, path) -> Reply:
        source = self.folder / "ogc" / f"{collection}.geojson"
        if not source.is_file():
            return Reply(404, content=b"{}")
        rows = json.loads(source.read_bytes())["features"]
        if "bbox" in query:
            box = [float(one) for one in query["bbox"].split(",")]
            rows = [row for row in rows if _touches(row["geometry"], box)]
        known = {"f", "limit", "crs", "bbox", "bbox-crs", "offset", "datetime"}
        for name in set(query) - known:
            rows = [row for row in rows if row["properties"].get(name) == query[name]]
        body = {"type": "FeatureCollection", **self._paged(rows, query, path)}
        return Reply(kind="application/geo+json", content=json.dumps(body).encode(), headers={"Content-Crs": RD_HEADER})

    def _on_condition(self, reply, headers) -> Reply:
        if not self.tagged or reply.status != 200:
            return reply
        tag = '"' + hashlib.sha256(reply.content).hexdigest()[:16] + '"'
        if headers.get("If-None-Match") == tag:
            return Reply(304, reply.kind, b"", {"ETag": tag})
        reply.headers["ETag"] = tag
        return reply

    def _paged(self, rows, query, path) -> dict:
        start, limit = int(query.get("offset", 0)), int(query.get("limit", 10))
        page = rows[start : start + limit]
        body = {"features": page, "numberReturned": len(page), "links": [{"rel": "self", "href": self.url + path}]}
        if self.matched:
            body["numberMatched"] = len(rows)
        if start + limit < len(rows):
            href = f"{self.url}{path}?" + urlencode({**query, "offset": start + limit})
            body["links"].append({"rel": "next", "href": href})
        return body

    def _roofs(self, query, path) -> Reply:
        source = next((self.folder / "3dbag").glob("*.city.jsonl"))
        header, *rows = (json.loads(line) for line in source.read_text("utf-8").splitlines())
        body = self._paged(rows, query, path)
        body["metadata"] = {key: header[key] for key in ("type", "version", "transform", "metadata")}
        return Reply(kind="application/city+json", content=json.dumps(body).encode())

    def _file(self, path, headers) -> Reply:
        source = (self.folder / path.lstrip("/")).resolve()
        if not source.is_relative_to(self.folder.resolve()) or not source.is_file():
            return Reply(404, "text/plain", b"no such file")
        content = source.read_bytes()
        tag = '"' + hashlib.sha256(content).hexdigest()[:16] + '"'
        kind = {".json": "application/json", ".txt": "text/plain", ".xml": "application/atom+xml"}.get(
            source.suffix, "application/octet-stream"
        )
        stated = {"ETag": tag, "Last-Modified": formatdate(int(source.stat().st_mtime), usegmt=True)}
        if headers.get("If-None-Match") == tag:
            return Reply(304, kind, b"", stated)
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("Range", ""))
        if part and self.ranges:
            start, end = int(part[1]), min(int(part[2]), len(content) - 1)
            span = f"bytes {start}-{end}/{len(content)}"
            return Reply(206, kind, content[start : end + 1], {**stated, "Content-Range": span})
        ranged = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
        if ranged and headers.get("If-Range") == tag:
            start = int(ranged[1])
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return Reply(206, kind, content[start:], {**stated, "Content-Range": span})
        return Reply(200, kind, content, stated)


def _corners(nested):
    if nested and isinstance(nested[0], int | float):
        yield nested[:2]
        return
    for one in nested:
        yield from _corners(one)


def _touches(geometry, box) -> bool:
    across, along = zip(*_corners(geometry["coordinates"]), strict=True)
    return min(across) <= box[2] and max(across) >= box[0] and min(along) <= box[3] and max(along) >= box[1]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.path)
        reply = server.reply(self.path, self.headers)
        if server.fault is not None:
            reply = server.fault(len(server.asked), self.path, reply)
        server.stopped.wait(reply.sleep_s)
        if reply.cut_after == 0:
            self._cut()
            return
        self.send_response(reply.status)
        length = None if reply.endless else len(reply.content)
        for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(reply.content[: reply.cut_after])
        while reply.endless and not server.stopped.is_set():
            self.wfile.write(b" " * 65536)
        if reply.cut_after is not None:
            self._cut()

    def _cut(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_args) -> None:
        """Stay silent."""


@contextmanager
def serve(folder: Path, **settings):
    with serving(Loopback(folder, **settings)) as server:
        yield server


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()

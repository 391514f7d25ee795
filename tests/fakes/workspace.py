"""A Databricks workspace as far as `remote` asks one: the REST API's paths and shapes, over HTTP on this machine."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

EVERYBODY = "users"  # the group of all users of a workspace
Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]
ME = "ana@example.org"
_FS = "/api/2.0/fs/"


class Workspace:
    """Answers by path, and refuses what it does not know; `asked` keeps what came in, `files` what was put."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer] = {"GET /api/2.0/preview/scim/v2/Me": {"userName": ME}}
        self.files: dict[str, bytes] = {}
        self.closed: dict[str, str] = {}  # by folder: what is said to who may not read what lies in it
        self.url = ""

    def answer(self, route: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for one request."""
        self.asked.append((route, given))
        known = self.answers.get(route)
        if known is None:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{route} does not exist."}
        body = known(given) if callable(known) else known
        return body.get("status_code", 200), body

    def file(self, command: str, path: str, body: bytes) -> tuple[int, bytes]:
        """The Files API: `files/PATH` is put and read, `directories/PATH` lists what lies in it."""
        kind, _, path = path.partition("/")
        inside = [name for name in self.files if name.startswith(f"{path}/")]
        missing = [why for folder, why in self.closed.items() if f"{path}/".startswith(f"{folder}/")]
        if missing:
            return 403, json.dumps({"error_code": "PERMISSION_DENIED", "message": missing[0]}).encode()
        if command == "PUT":
            self.files[path] = body
        elif kind == "directories" and inside:
            listed = [{"path": f"/{name}", "file_size": len(self.files[name])} for name in inside]
            return 200, json.dumps({"contents": listed}).encode()
        elif kind == "directories" or path not in self.files:
            return 404, b'{"error_code": "NOT_FOUND", "message": "There is no such file."}'
        return 200, b"" if command == "PUT" else self.files[path]


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A workspace that listens until the block ends."""
    found = Workspace()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if url.path.startswith(_FS):
                self.send(*found.file(self.command, url.path.removeprefix(_FS), body))
                return
            given = dict(parse_qsl(url.query)) | (json.loads(body) if body else {})
            status, answer = found.answer(f"{self.command} {url.path.rstrip('/')}", given)
            self.send(status, json.dumps(answer).encode())

        do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - http.server's own names

        def send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()


def managers(path: str) -> set[str]:
    """Who may manage what lies at a path, and so delete it: each folder hands its rights down to all below it.

    Of what lies in Shared that is everybody; of what lies in somebody's own folder, whose folder it is.
    """
    own = re.match(r"(/Workspace)?/Users/([^/]+)/", path)
    shared = re.match(r"(/Workspace)?/Shared/", path)
    return ({own[2]} if own else set()) | ({EVERYBODY} if shared else set())

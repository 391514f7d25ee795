"""A Databricks workspace as far as `remote` asks one: the REST API's paths and shapes, over HTTP on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]
ME = "ana@example.org"


class Workspace:
    """Answers by path, and refuses what it does not know; `asked` keeps each path and its input."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer] = {"GET /api/2.0/preview/scim/v2/Me": {"userName": ME}}
        self.url = ""

    def answer(self, route: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for one request."""
        self.asked.append((route, given))
        known = self.answers.get(route)
        if known is None:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{route} does not exist."}
        body = known(given) if callable(known) else known
        return body.get("status_code", 200), body


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A workspace that listens until the block ends."""
    found = Workspace()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            given: dict[str, Any] = dict(parse_qsl(url.query))
            if length := int(self.headers.get("Content-Length") or 0):
                given |= json.loads(self.rfile.read(length))
            status, body = found.answer(f"{self.command} {url.path.rstrip('/')}", given)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - http.server's own name

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()

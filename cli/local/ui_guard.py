"""The door of the MLflow UI: other users of the machine, and pages of other sites in a browser, are kept out.

As Jupyter does it: the printed address has a token, and whoever shows it gets a cookie. MLflow itself is behind it in
the same process, so nothing else listens.
"""

import os
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

TOKEN = "PROPENSITY_UI_TOKEN"  # environment variable: no other user reads that of a process
Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Send], Awaitable[None]]
_ASK = "This is one user's MLflow UI. Open the address that ./propensity ui has printed, token and all.\n"
_FOREIGN = "This address is not served here, or another site asks.\n"


class Guard:
    """An ASGI application that lets through to another one who shows the token, in a cookie or as a bearer.

    The host that was asked for, and the origin of the page that asks, must be this machine's own at this port.
    """

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._cookie = f"propensity-ui-{port}"
        self._hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin")
        if headers.get("host") not in self._hosts or (origin and origin.removeprefix("http://") not in self._hosts):
            return await _answer(send, scope, 403, _FOREIGN)
        if self._knows(headers):
            return await self._app(scope, receive, send)
        shown = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if scope["type"] == "http" and scope["method"] == "GET" and self._is_token(shown):
            cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
            return await _answer(send, scope, 303, "", [(b"location", b"/"), (b"set-cookie", cookie.encode())])
        return await _answer(send, scope, 401, _ASK)

    def _knows(self, headers: MutableMapping[str, str]) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            cookie = None
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return self._is_token(cookie.value if cookie else "") or self._is_token(bearer)

    def _is_token(self, text: str) -> bool:
        return compare_digest(text.encode(), self._token.encode())


async def _answer(
    send: Send, scope: Scope, status: int, text: str, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1008})
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"), *(more or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    return await send({"type": "http.response.body", "body": text.encode()})


def main(handle: int, database: str, artifacts: str) -> None:
    """Serve MLflow behind the guard, on a socket that was bound already."""
    import uvicorn
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR, SERVE_ARTIFACTS_ENV_VAR

    os.environ |= {
        BACKEND_STORE_URI_ENV_VAR: database,
        ARTIFACT_ROOT_ENV_VAR: artifacts,
        SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    from mlflow.server.fastapi_app import app

    with socket.socket(fileno=handle) as bound:
        guard = Guard(app, os.environ.pop(TOKEN), bound.getsockname()[1])
        # no log of addresses: the first one has the token
        uvicorn.Server(uvicorn.Config(guard, access_log=False, log_level="warning")).run(sockets=[bound])


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])

"""Who may speak to a local Spark server: whoever holds the token that it was started with.

The token travels in the environment of processes, which no other user of the machine can read; on a command line, in
an address or in a file it would be in the open. A token that the user has for a Spark elsewhere stays where it is: this
process does not send it to its own servers, and the processes that it starts for them find ours in its place.
"""

import os
import secrets

TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # Spark's own name for it, at both ends
HOST = "localhost"  # the only name to which Spark's client sends a token without TLS
_NO_PROXY = ("no_grpc_proxy", "no_proxy")  # gRPC obeys the first of them that is set
CLIENT_NAMES = (TOKEN, "no_grpc_proxy")  # what `client_environment` sets
_tokens: dict[str, str] = {}


def grant(url: str) -> str:
    """A new token, which from now on the clients that this process makes for `url` carry."""
    _tokens[url] = secrets.token_urlsafe(32)
    return _tokens[url]


def revoke(url: str) -> None:
    """Forget the token of a server that is gone."""
    _tokens.pop(url, None)


def token_for(url: str) -> str | None:
    """The token of a server; in a process that did not start it, the one that its environment holds."""
    return _tokens.get(url, os.environ.get(TOKEN))


def client_environment(url: str) -> dict[str, str]:
    """What makes every Spark client of a process reach the server at `url`: its token, and no proxy on the way."""
    token = token_for(url)
    listed = next((os.environ[name] for name in _NO_PROXY if name in os.environ), "")
    hosts = dict.fromkeys([*filter(None, listed.split(",")), HOST])
    return {"no_grpc_proxy": ",".join(hosts)} | ({TOKEN: token} if token else {})

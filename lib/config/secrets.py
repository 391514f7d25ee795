"""Secrets in parameters: never written out, but named, and read where they are used.

    postgresql://me:secret(shop/database)@host/studies

A parameter that holds one in clear is refused, since records, pages, messages and process lists show parameters.
"""

import re
from collections.abc import Callable

HIDDEN = "***"
_NAMED = re.compile(r"secret\(([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)\)")
_KEYS = "password|passwd|pwd|passphrase|sig|signature|token|secret|api_?key|access_?key|account_?key|secret_?key"
_NONE = r"(?!secret\(|\*\*\*)"  # a secret's name, or one that is hidden already
# ://user:PASSWORD@, which is no port, and ?password=VALUE
_CLEAR = re.compile(
    rf"(?P<user>://[^\s/:@?#\"'<>]*:){_NONE}[^\s/@\"'<>]+(?=@)"
    rf"|(?P<key>(?i:[?&;](?:{_KEYS})=)){_NONE}[^\s&;#\"'<>]+"
)


def holds_clear(text: str) -> bool:
    """Whether a text holds an address with a password, or a key that opens it."""
    return _CLEAR.search(text) is not None


def mask(text: str) -> str:
    """A text with each such password hidden."""
    return _CLEAR.sub(lambda match: f"{match['user'] or match['key']}{HIDDEN}", text)


def strip(address: str) -> str:
    """An address without user and password, and without keys that open it: the same place."""
    bare = re.sub(r"://[^\s/@]*@", "://", address)
    bare = re.sub(rf"(?i)(?<=[?&;])(?:{_KEYS})=[^&;#]*[&;]?", "", bare)
    return bare.rstrip("?&;") if bare != address else address


def named(text: str) -> list[tuple[str, str]]:
    """The secrets that a parameter names: scope and key."""
    return _NAMED.findall(text)


def is_name(text: str) -> bool:
    """Whether a text is the name of a secret, and nothing besides."""
    return _NAMED.fullmatch(text) is not None


def reveal(text: str, read: Callable[[str, str], str]) -> str:
    """A parameter with its secrets in place, each as `read(scope, key)` gives it."""
    return _NAMED.sub(lambda match: read(match[1], match[2]), text)


def variable(scope: str, key: str) -> str:
    """The environment variable that holds a secret on one machine."""
    return re.sub(r"\W", "_", f"{scope}_{key}", flags=re.ASCII).upper()

"""How long work tells what it is doing."""

from collections.abc import Callable

Say = Callable[[str], None]  # gets one line at a time

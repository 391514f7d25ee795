"""x"""

import math
from collections.abc import Callable

from lib.errors import ConfigError


def parse_decimal(name: str, get: Callable[[str], str], *, least: float, most: float) -> float:
    """Read a number from `least` to `most`.

    Raises
    ------
    ConfigError
        The message names the parameter, its range and what was found.
    """
    text = get(name).strip()
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:  # what is no number fails this too
        raise ConfigError(f"{name} must be a number from {least:g} to {most:g}, got {text!r}.")
    return number

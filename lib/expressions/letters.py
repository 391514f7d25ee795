"""Capital and small letters: which become which, the same on both engines and whatever Unicode each of them knows.

Of the Latin, Greek and Cyrillic alphabets, one letter for one. ß has no capital, a sigma at the end of a word is one
as any other, and İ, whose small letter is two, stays.
"""

_BLOCKS = (range(0x41, 0x5B), range(0xC0, 0x250), range(0x370, 0x400), range(0x400, 0x530), range(0x1E00, 0x1F00))


def _pairs() -> list[tuple[str, str]]:
    capitals = [chr(code) for block in _BLOCKS for code in block]
    small = [(sign, sign.lower()) for sign in capitals if sign.lower() != sign and len(sign.lower()) == 1]
    return [(sign, low) for sign, low in small if low.upper() == sign]


CAPITAL, SMALL = ("".join(letters) for letters in zip(*_pairs(), strict=True))


def _class(ranges: str) -> str:
    parts = [part.partition("-") for part in ranges.split()]
    return "[" + "".join(f"{chr(int(low, 16))}{dash}{high and chr(int(high, 16))}" for low, dash, high in parts) + "]"


# letters that DuckDB 2.0 makes small, or capital, in another way: where a text has one, its own function is not used
ODD_CAPITAL = _class(
    "130 1c5 1c8 1cb 1f2 3f4 531-556 10a0-10cd 13a0-13f5 1c90-1cbf 1e9e 1f08-1ffc 2126-2132 2160-2183 24b6-24cf "
    "2c00-2cf2 a640-a7f5 ff21-ff3a 10400-104d3 10570-10595 10c80-10cb2 118a0-118bf 16e40-16e5f 1e900-1e921"
)
ODD_SMALL = _class(
    "b5 df 131 17f 1c5 1c8 1cb 1f2 23f-240 250-29e 345 3c2 3d0-3d1 3d5-3d6 3f0-3f1 3f5 561-586 10d0-10ff 13f8-13fd "
    "1c80-1c88 1d79-1d8e 1e9b 1f00-1ff3 214e-2184 24d0-24e9 2c30-2d2d a641-a7f6 ab53-abbf ff41-ff5a 10428-104fb "
    "10597-105bc 10cc0-10cf2 118c0-118df 16e60-16e7f 1e922-1e943"
)

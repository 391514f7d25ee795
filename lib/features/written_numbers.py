"""Numbers as people and spreadsheets write them: with a currency, parted thousands, a decimal comma, in brackets."""

import re

_WRITTEN = re.compile(
    r"(?P<before>[^0-9]*?)(?P<core>[.,]?[0-9](?:[0-9., '\u2019\u00a0\u202f]*[0-9])?)(?P<after>[^0-9]*)"
)
_QUOTE = "'"
_MINUS = "\u2212"  # as typesetters write it
_OTHER_WORDS = ("cr", "dr", "mio", "tsd", "mrd", "mn", "bn")  # which say more than what the number is of


def find_number(text: str, column: str) -> tuple[str, str] | None:
    """What a text is most likely to mean, as a plain number, and the expression that reads a column written so.

    None where that cannot be told, or where it is a plain number.
    """
    written = _WRITTEN.fullmatch(text)
    point = _find_point(written["core"]) if written else None
    if written is None or point is None or _says_more(written["before"] + written["after"]):
        return None
    before, after = written["before"].strip(), written["after"].strip()
    is_bracketed = before.startswith("(") and after.endswith(")")
    is_trailing = after.endswith("-") and "-" not in before
    inner, plain = column, before + written["core"] + after
    for sign in dict.fromkeys(sign for sign in text if sign not in f"0123456789-{point}{_MINUS}"):
        inner, plain = f"replace({inner}, '{sign.replace(_QUOTE, _QUOTE * 2)}', '')", plain.replace(sign, "")
    for sign, means in ((_MINUS, "-"), *([(",", ".")] if point == "," else [])):
        if sign in plain:
            inner, plain = f"replace({inner}, '{sign}', '{means}')", plain.replace(sign, means)
    plain = "-" + plain.replace("-", "") if is_trailing or is_bracketed else plain
    if not re.fullmatch(r"-?[0-9]*\.?[0-9]+", plain) or (inner == column and not is_trailing):
        return None
    ways = {
        is_bracketed: f"if(starts_with({column}, '('), -to_number({inner}), to_number({inner}))",
        is_trailing: f"if(ends_with({column}, '-'), -to_number(replace({inner}, '-', '')), to_number({inner}))",
    }
    return plain, ways.get(True, f"to_number({inner})")


def _says_more(around: str) -> bool:
    """Whether what stands around a number may change it: a letter like the k of 12k, a credit, a second minus."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", around)]
    return any(len(word) == 1 or word in _OTHER_WORDS for word in words) or around.count("-") > 1 or "_" in around


def _find_point(core: str) -> str | None:
    """What parts whole from fraction: a point, a comma, or blank where nothing does; None where signs make no sense."""
    last = max(core.rfind("."), core.rfind(","))
    point = core[last] if last >= 0 else ""
    other = {".": ",", ",": "."}.get(point, "")
    in_threes = re.fullmatch(r"[0-9]{1,3}(?:[., '\u2019\u00a0\u202f][0-9]{3})+", core) is not None
    if point and core.count(point) == 1 and not (point == "," and in_threes and other not in core):
        whole = core[:last]
        is_grouped = len(set(re.sub("[0-9]", "", whole))) <= 1 and re.fullmatch(
            r"[0-9]*|[0-9]{1,3}(?:\D[0-9]{3})+", whole
        )
        return point if is_grouped else None
    alike = len(set(re.sub("[0-9]", "", core))) <= 1
    return "" if alike and (in_threes or core.isdigit()) else None

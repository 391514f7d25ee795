"""Texts that are times, as DuckDB is to read them: what Spark reads, and nothing else.

Most are written so that both read the same. Of others the parts are taken, held against what Spark takes, and put
together anew: DuckDB alone would take the end of a day for the next one, and blanks and halves of offsets as they come.
"""

_OFFSET = "(0[0-9]|1[0-7]):[0-5][0-9]"
_ALIKE = rf"\d{{4}}-\d{{2}}-\d{{2}}([ T]([01]\d|2[0-3]):\d{{2}}:\d{{2}}(\.\d{{1,6}})?(Z|[+-]{_OFFSET})?)?"
_PARTS = (
    r"^\s*(\d{4}-\d{1,2}-\d{1,2})(?:[ T](\d|[01]\d|2[0-3])"  # an hour of 24 is none
    r"(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?"
    r"(?:\s*(?:Z|UTC|GMT|(?:UTC|GMT)?([+-])(\d|0\d|1[0-8])(?::?([0-5]\d))?(?::?([0-5]\d))?"
    r"|([A-Z][A-Za-z]*/[A-Za-z0-9_+/-]+)))?)?)?\s*$"
)
_NAMES = ("day", "hour", "minute", "second", "fraction", "sign", "hours", "minutes", "seconds", "name")


def time_text_sql(raw: str) -> str:
    """A text that DuckDB reads as the time that Spark sees in it; null where Spark sees none."""
    return f"CASE WHEN REGEXP_FULL_MATCH({raw}, '{_ALIKE}') THEN {raw} ELSE {_anew(raw)} END"


def _anew(raw: str) -> str:
    part = {
        name: f"STRUCT_EXTRACT(REGEXP_EXTRACT({raw}, '{_PARTS}', {list(_NAMES)}), '{name}')" for name in _NAMES
    }  # fmt: skip
    two = {name: f"LPAD({text}, 2, '0')" for name, text in part.items()}
    clock = " || ':' || ".join((two["hour"], two["minute"], two["second"]))
    fraction = f"CASE WHEN {part['fraction']} <> '' THEN '.' || LEFT({part['fraction']}, 6) ELSE '' END"
    offset = f"{part['sign']} || " + " || ':' || ".join(two[name] for name in ("hours", "minutes", "seconds"))
    zone = (
        f"CASE WHEN {part['sign']} <> '' THEN {offset} WHEN {part['name']} <> '' THEN ' ' || {part['name']} ELSE '' END"
    )
    is_beyond = f"{two['hours']} = '18' AND {two['minutes']} || {two['seconds']} > '0000'"
    written = f"{part['day']} || ' ' || {clock} || {fraction} || {zone}"
    return f"CASE WHEN {part['day']} <> '' AND NOT ({is_beyond}) THEN {written} END"

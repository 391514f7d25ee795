"""What a line of CSV may hold, and the walk over lines whose quoted texts hold line breaks: without any engine."""

import re

import pyarrow as pa
import pytest

from lib.sources.quoting import Quoting, join_blocks, walk_blocks

DOUBLED, ESCAPED = Quoting(",", '"', '"'), Quoting(",", '"', "\\")


@pytest.mark.parametrize(("line", "fields"), [
    ("", 1), ("a", 1), ("a,b", 2), (",", 2), ('"a,b"', 1), ('"a ""b""",c', 2), ('""', 1), ('"",""', 2),
    ('5" pipe,x', 2),
    ('"C:\\",7', 2), ("'a,b'", 2), ('"",', 2), (' a ,"b"', 2),
])  # fmt: skip
def test_a_whole_row_has_so_many_fields(line, fields):
    assert re.match(DOUBLED.complete(), line)
    assert [n for n in range(1, 4) if re.match(DOUBLED.complete(n), line)] == [fields]


@pytest.mark.parametrize("line", ['"', '"a', 'a,"b', '"a"b,c', '"a" ,b', 'a, "b, c"', '"a""', 'a,"b""', '"a",b\rc'])
def test_what_is_no_whole_row(line):
    assert not re.match(DOUBLED.complete(), line)


def test_a_backslash_escapes_where_that_is_said():
    assert re.match(ESCAPED.complete(2), '"5\\" disc",view')
    assert not re.match(ESCAPED.complete(2), '"C:\\",7')
    assert not re.match(DOUBLED.complete(2), '"5\\" disc",view')


def walk(*blocks, quoting=DOUBLED, per_batch=2):
    """The lines of one file in blocks, handed on in small batches, as the engine does."""
    rows = [
        {"value": line.encode(), "file": "f", "block": 100 * place}
        for place, block in enumerate(blocks) for line in block.split("\n")
    ]  # fmt: skip
    kinds = pa.schema([("value", pa.binary()), ("file", pa.string()), ("block", pa.int64())])
    batches = pa.Table.from_pylist(rows, schema=kinds).to_batches(max_chunksize=per_batch)
    ends = [row for batch in walk_blocks(batches, quoting) for row in batch.to_pylist()]
    return join_blocks(reversed(ends))["f"]  # the engine collects blocks in any order


@pytest.mark.parametrize("per_batch", [1, 2, 100])
@pytest.mark.parametrize(("blocks", "crlf", "lf"), [
    (('a,"b\nc",d\ne',), 0, 1),  # the last line may have no end
    (('a,"b', 'c",d\ne\nf'), 0, 2),  # a break between two blocks
    (('a,"b', "c", 'd"\ne\nf'), 0, 2),  # and a whole block inside
    (('"a\n""b\n""",c\n"d\n"",""\ne"',), 0, 1),
    (('a,"b\r\nc"\r\nd\r',), 2, 0),
    (("a,b\r", 'c,"d\ne"\r'), 2, 0),  # LF within a text is the text's own
])  # fmt: skip
def test_quoted_breaks_are_followed_over_blocks_and_batches(blocks, crlf, lf, per_batch):
    breaks = walk(*blocks, per_batch=per_batch)
    assert (breaks.is_sound, breaks.is_mixed, breaks.crlf, breaks.lf) == (True, False, crlf, lf)


def test_what_is_wrong_is_told_with_its_line():
    assert walk('a,"b\nc"d,e\nf').bad == b'c"d,e'
    assert walk('a,"b', 'c\nd"e').bad == b'd"e'
    assert walk('a,b\n"c').is_open
    assert walk('a,"b\nc"\r\nd\ne').is_mixed
    assert walk('a,"b\\"c\nd"', quoting=ESCAPED).is_sound
    assert not walk('a,"b\\"c\nd"').is_sound

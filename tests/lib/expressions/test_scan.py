"""How a mapping of expressions is split, and what is refused before parsing."""

import pytest

from lib.errors import ConfigError
from lib.expressions.scan import split_mapping


@pytest.mark.parametrize(("text", "pairs"), [
    ("", {}),
    (" , ", {}),
    ("user_id=customer,event_time=ts", {"user_id": "customer", "event_time": "ts"}),
    (" user_id = customer id , event_type='a, b' ", {"user_id": "customer id", "event_type": "'a, b'"}),
    ("event_time=parse_time(day, 'dd.MM.yyyy HH:mm'),value=p.price",
     {"event_time": "parse_time(day, 'dd.MM.yyyy HH:mm')", "value": "p.price"}),
    ("event_type=if(a = 'x', 'y', 'z'), value=a >= b", {"event_type": "if(a = 'x', 'y', 'z')", "value": "a >= b"}),
    ("event_type='it''s, so'", {"event_type": "'it''s, so'"}),
    ("user_id=`a, (b`,item_id=\"c,'d\"", {"user_id": "`a, (b`", "item_id": "\"c,'d\""}),
    ("value=concat(a, replace(b, ')', '('))", {"value": "concat(a, replace(b, ')', '('))"}),
    ("value=a\n,\ncount=b\n", {"value": "a", "count": "b"}),
])  # fmt: skip
def test_commas_in_quotes_and_brackets_part_nothing(text, pairs):
    assert split_mapping("event_columns", text) == pairs


@pytest.mark.parametrize(("text", "message"), [
    ("user_id", "event_columns must read like user_id=customer,event_time=ts; this part does not: 'user_id'"),
    ("=x", "this part does not: '=x'"),
    ("user_id=", "this part does not: 'user_id='"),
    ("a=b,a=c", "event_columns maps 'a' twice: 'a=b,a=c'. Keep one of them"),
    ("a='b,c=d", r"cannot read \"'b,c=d\" at character 3: this ' is not closed"),
    ("a=f(b,c=d", r"cannot read '\(b,c=d' at character 4: this bracket is not closed"),
    ("a=b),c=d", r"at character 4: this bracket was never opened"),
])  # fmt: skip
def test_what_cannot_be_split_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        split_mapping("event_columns", text)

"""What no expression may hold: each is refused before an engine sees it, with the reason and the way out."""

import pytest

from lib.errors import ConfigError
from lib.expressions.expression import parse
from lib.expressions.kinds import MapOf, Struct

NAMES = {
    "n": "bigint", "x": "double", "s": "string", "t": "timestamp", "day": "date", "ok": "boolean", "d": "decimal(10,2)",
    "p": Struct({"price": "double", "in": Struct({"b": "int"})}), "m": MapOf("double"), "items": "array",
    "raw": "binary", "a.b": "string", "twin": "string", "TWIN": "string",
}  # fmt: skip
ROW, CLOCK, CHANCE = "sees one row of the source", "nothing asks what time it is", "nothing is left to chance"
OUTSIDE = "reads the source's columns and nothing else"
REFUSED = {  # part of the message -> texts, one a line
    ROW: """
        select 1
        (select 1)
        n in (select n from other)
        exists(select 1)
        n = (select max(n) from other)
        with a as (select 1) select * from a
        sum(n)
        count(*)
        count(n)
        avg(x)
        min(n)
        max(n) - n
        median(x)
        array_agg(n)
        string_agg(s, ',')
        collect_list(n)
        row_number()
        sum(n) over (partition by s)
        lag(n)
        rank()
        first(n)
        explode(items)
        unnest(items)
        count(distinct n)
        n is distinct from x
        values (1)
        stack(2, 1, 2)
    """,
    CLOCK: """
        now()
        current_date
        current_date()
        current_timestamp
        current_timestamp()
        t > now()
        t < current_timestamp
        localtimestamp
        localtime()
        unix_timestamp()
        getdate()
        age(t)
        today()
    """,
    CHANCE: """
        rand()
        rand(1) < 0.5
        random()
        uuid()
        gen_random_uuid()
        randn()
        uniform(1, 2)
        monotonically_increasing_id()
    """,
    OUTSIDE: """
        secret('scope', 'key')
        try_secret('scope', 'key')
        getenv('HOME')
        current_setting('TimeZone')
        read_csv('x.csv')
        read_csv_auto('x.csv')
        read_parquet('x')
        read_text('x')
        read_blob('x')
        read_files('x')
        glob('x')
        input_file_name()
        current_user()
        current_user
        session_user()
        current_catalog()
        current_schema()
        version()
        reflect('java.lang.Math', 'abs')
        java_method('java.lang.Math', 'abs')
        http_request('x')
        ai_query('x', s)
        query_table('x')
        getvariable('x')
        nextval('x')
        which_secret('x', 's3')
        duckdb_secrets()
        is_member('x')
        error('x')
        raise_error('x')
        sleep(1)
    """,
    "not several statements": """
        n; n
        n;
        n; drop table x
        ; n
    """,
    "comments are not read": """
        n -- comment
        n /* comment */
        /* x */ n
        --n
        n--1
        n /*+ hint */
    """,
    "neither functions of one's own nor arrows": """
        x -> x
        transform(items, x -> x + 1)
        s -> 'a'
        s ->> 'a'
    """,
    "arguments have no names": """
        round(x, digits => 2)
        f(a => 1)
    """,
    "nothing is filled in": """
        :name
        ?
        $1
        ${name}
        {name}
        {{name}}
        @name
        n = ?
        n = :n
        s like $1
    """,
    "instead of a cast": """
        n::int
        s::timestamp
    """,
    "a field of a struct is written": """
        items[0]
        p['price']
        [1, 2]
        m['k']
    """,
    "this sign means nothing here": """
        n & 1
        n ^ 2
        ~n
        n # 1
        n \\ 2
        !ok
        s ~ 'a'
        n § 2
        s = “a”
        n № 1
    """,
    "is not on the list of functions; did you mean": """
        lowr(s)
        to_intt(s)
        json_texts(s, '$.a')
        timestamp_second(n)
        contain(s, 'a')
    """,
    "is not on the list of functions; there are abs": """
        frobnicate(n)
        md5(s)
        sha2(s, 256)
        eval(s)
        xpath(s, 'a')
        aes_decrypt(s, 'k')
    """,
    "is not on the list of functions; write": """
        ifnull(n, 1)
        nvl(n, 1)
        substr(s, 1, 2)
        left(s, 1)
        from_unixtime(n)
        to_timestamp(s)
        strptime(s, '%Y')
        to_date(s)
        get_json_object(s, '$.a')
        from_json(s, 'a int')
        regexp_replace(s, 'a', 'b')
        split(s, ',')
        from_utc_timestamp(t, 'Europe/Berlin')
        dayofweek(t)
        date_trunc('month', t)
        extract(month, t)
        mod(n, 2)
        any(n)
        string(n)
        bigint(s)
        ltrim(s)
        convert(n, s)
    """,
    "nothing is cast to": """
        cast(n as binary)
        cast(n as variant)
        cast(n as decimal)
        cast(s as json)
        cast(s as interval)
        cast(s as blob)
        try_cast(s as uuid)
        cast(s as tinyint)
        cast(s as hugeint)
        cast(s as "int")
    """,
    "CAST reads like CAST(x AS int)": """
        cast(n)
        cast(n, int)
        cast()
    """,
    "nothing joins": """
        s n
        n order by n
        n limit 1
        n collate x
        n between symmetric 1 and 2
    """,
    "write date('2024-06-01')": "date '2024-06-01'",
    "write to_time('2024-06-01 10:00:00')": "timestamp '2024-06-01'",
    "instead of an interval": "t + interval 1 day",
    "write lower(x) LIKE": "s ilike 'a'",
    "write regexp_like": "s rlike 'a'",
    "LIKE has no escapes": "s like 'a' escape '!'",
    "write to_int(x / y)": "n div 2",
    "is not on the list; docs/expressions.md": """
        *
        n as m
        n is
        + * n
        (n, x)
        ()
        n in (1) as y
    """,
    "only columns have fields": """
        p.*
        p.1
        (p).price
        lower(s).a
        p.""
        ""
    """,
    "a function's name stands without quotes": """
        "lower"(s)
        `now`()
    """,
    "functions stand alone": """
        p.lower(s)
        system.lower(s)
        main.pragma.x(s)
    """,
    "an operator, an operand or a comma is missing": """
        n +
        n + * 2
        n = = 1
        case when ok then 1
        case
        n between 1
        not
        and ok
        s like
        n ,, n
        n , x
    """,
    "this bracket is not closed": """
        (n
        lower(s
        ((n)
    """,
    "this bracket was never opened": """
        n)
        )(
        lower(s))
    """,
    "is not closed; in a text write it twice": """
        'abc
        s = 'it's'
        "abc
        `abc
        s = "abc
    """,
    "nothing stands between this comma": """
        lower(s,)
        n in (1,)
    """,
    "two texts stand side by side": """
        'a' 'b'
        s = 'a' 'b'
    """,
    "this is no number": """
        1_000
        0x1F
        1d
        12abc
        1e999
    """,
    "at most 63 bits": """
        9223372036854775808
        n > 99999999999999999999
        -9223372036854775809
    """,
    "IS is read with NULL alone": """
        ok is true
        ok is not false
        n is x
    """,
    "IN is read with values written out": """
        n in (x)
        n in
        n in ()
        s in (lower(s))
        n in x
    """,
    "nothing is equal to NULL": """
        n = NULL
        s <> NULL
        n in (1, NULL)
        n between NULL and 1
    """,
    "comparisons needs brackets": """
        n = 1 = ok
        1 < n < 3
        n = 1 is null
        n = 1 in (TRUE)
        not n = x = ok
        n between 1 and 2 = ok
    """,
    "which must be of one kind": """
        s = 1
        n = '1'
        t = 5
        ok = 1
        n = ok
        coalesce(n, s)
        coalesce(day, '2024-06-01')
        if(ok, 1, 'a')
        least(n, s)
        nullif(s, 0)
    """,
    "the values of a CASE are of one kind": """
        case when ok then 1 else 'a' end
        case when ok then t when n = 1 then n end
    """,
    "behind WHEN stands a condition": """
        case when n then 1 end
        case when s then 1 end
    """,
    "was given a": """
        s + 1
        s * 2
        t - t
        day + 1
        -s
        abs(s)
        to_text(x)
        to_int(t)
        to_number(t)
    """,
    "takes a": """
        lower(n)
        not n
        n and ok
        ok or 1
        s || 1
        s < t || s
        upper(t)
        if(n, 1, 2)
        year(s)
        hour(n)
        json_text(n, '$.a')
        timestamp_millis(x)
    """,
    "is called with": """
        lower()
        lower(s, s)
        replace(s, 'a')
        if(ok)
        coalesce(s)
        round(x)
        parse_time(s)
    """,
    "written out": """
        round(x, n)
        substring(s, n)
        parse_time(s, s)
        json_text(s, s)
        s like s
        regexp_like(s, s)
        to_zone(t, s)
        split_part(s, s, 1)
        replace(s, s, 'a')
        round(x, 2.0)
        round(x, 7)
        substring(s, 0)
        substring(s, -1)
        substring(s, 1, -1)
        split_part(s, ',', 0)
        split_part(s, ',', -1)
    """,
    "an empty text is everywhere": """
        replace(s, '', 'a')
        split_part(s, '', 1)
    """,
    "is no part of a time pattern": """
        parse_time(s, 'dd.MM.yy')
        parse_time(s, 'DD.MM.YYYY')
        parse_time(s, 'EEE, dd MMM yyyy')
        parse_time(s, 'yyyy-MM-dd z')
        parse_time(s, 'yyyy-MM-dd VV')
        parse_time(s, 'yyyy-MM-dd HH:mm:ss Z')
        parse_time(s, 'yyyy-MM-ddTHH:mm:ssX')
        parse_time(s, 'yyyy-MM-dd kk:mm')
        parse_time(s, 'YYYY-MM-dd')
        parse_time(s, 'yyyy-MM-dd HH:mm:ss.SSSSSSS')
    """,
    "names no day": """
        parse_time(s, 'HH:mm')
        parse_time(s, 'yyyy-MM')
        parse_time(s, '')
    """,
    "names one part twice": """
        parse_time(s, 'yyyy-MM-dd dd')
        parse_time(s, 'yyyy-MM-dd HH:hh a')
    """,
    "belong together": """
        parse_time(s, 'yyyy-MM-dd hh:mm')
        parse_time(s, 'yyyy-MM-dd HH:mm a')
    """,
    "leaves out hours or minutes": """
        parse_time(s, 'yyyy-MM-dd mm')
        parse_time(s, 'yyyy-MM-dd HH:ss')
    """,
    "may have several digits": """
        parse_time(s, 'yyyyMd')
        parse_time(s, 'yyyy-MM-d0')
    """,
    "is not read; between its parts": """
        parse_time(s, 'yyyy-MM-dd[ HH:mm]')
        parse_time(s, '%d.%m.%Y')
        parse_time(s, 'yyyy-MM-dd ''UTC')
    """,
    "is no time zone of the IANA list": """
        to_zone(t, 'BST')
        to_zone(t, 'EST')
        to_zone(t, '+02:00')
        to_zone(t, 'Europe/Nowhere')
        from_zone(t, 'CET')
        from_zone(t, '')
    """,
    "is no path to a field": """
        json_text(s, 'a')
        json_text(s, '$')
        json_text(s, '$.a[0]')
        json_text(s, '$.*')
        json_text(s, '$..a')
        json_number(s, '$.a[*]')
    """,
    "is not read alike": """
        regexp_like(s, '\\bword')
        regexp_like(s, '\\s')
        regexp_like(s, '(?i)a')
        regexp_like(s, '(?=a)')
        regexp_like(s, '(a+)+')
        regexp_like(s, '(a|b)*')
        regexp_like(s, 'a++')
        regexp_like(s, '(a)\\1')
        regexp_like(s, '[[:alpha:]]')
        regexp_like(s, '[a&&b]')
        regexp_like(s, 'a$b')
        regexp_like(s, '*')
        regexp_like(s, '\\p{L}')
        regexp_like(s, '[z-a]')
        regexp_like(s, 'a{3,1}')
        regexp_like(s, '[+--]')
        regexp_like(s, '\\“')
    """,
    "in the pattern": """
        regexp_like(s, '(a')
        regexp_like(s, 'a)')
    """,
    "there is none of number": "regexp_extract(s, 'a', 1)",
    "is not a date like": """
        t > 'yesterday'
        day = '01.06.2024'
        day > '2024-02-30'
        t > '2024-06-01 25:00'
        date('2024-6-1')
        to_time('soon')
    """,
    "the events have no column": """
        missing
        nn + 1
        s = abc
        date
        nan
        default
        null_
        unknown.field
    """,
    "is written in backticks, `a.b`": "a.b",
    "could be 'twin' or 'TWIN'": """
        twin
        Twin
    """,
    "has no fields": """
        n.a
        p.price.x
        m.k.x
    """,
    "has no field": """
        p.prize
        p.in.c
    """,
    "holds several values": """
        p
        p.in
        m
    """,
    "which no expression can read": """
        items
        raw
        items is null
    """,
}  # fmt: skip
CASES = [(line.strip(), part) for part, lines in REFUSED.items() for line in lines.strip().split("\n")]


def test_there_are_enough():
    assert len({text for text, _ in CASES}) == len(CASES) >= 200


@pytest.mark.parametrize(("text", "part"), CASES, ids=[text for text, _ in CASES])
def test_it_is_refused_by_name(text, part):
    with pytest.raises(ConfigError) as told:
        parse(text, names=NAMES, what="event_where")
    assert part in str(told.value)
    assert str(told.value).startswith("event_where: cannot read ")
    assert told.value.__cause__ is None


@pytest.mark.parametrize(("text", "part"), [
    ("", "event_where is blank"),
    (" \n ", "event_where is blank"),
    ("n + " * 500 + "n", "at most 2000 are read"),
    ("(" * 31 + "n" + ")" * 31, "more than 30 deep"),
    ("not " * 400 + "ok", "simplify it"),
    ("- " * 900 + "n", "simplify it"),
    (" + ".join(["n"] * 100), "deep: simplify it"),
    ("case when ok then " * 80 + "1" + " end" * 80, "simplify it"),
    ("to_text(" * 4 + "x" + ", 2)" * 4, "found a text"),
    ("round(" * 25 + "x" + ", 2)" * 25, "becomes too long"),
    ("s = 'a\x00b'", "control characters"),
    ("s = 'a\ud800'", "control characters"),
    ("n\x07", "control characters"),
    ("n\u2028+ 1 \u2066", "means nothing here"),
], ids=range(14))  # fmt: skip
def test_texts_too_long_deep_or_odd_are_refused(text, part):
    with pytest.raises(ConfigError) as told:
        parse(text, names=NAMES, what="event_where")
    assert part in str(told.value)
    assert len(str(told.value)) < 900


def test_the_message_says_where():
    with pytest.raises(ConfigError) as told:
        parse("n > 1 AND lowr(s) = 'a'", names=NAMES, what="event_where")
    assert str(told.value) == (
        "event_where: cannot read \"lowr(s) = 'a'\" at character 11: lowr is not on the list of functions; "
        "did you mean lower?."
    )

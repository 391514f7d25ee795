"""200 expressions that must work, over the columns of `benchmarks.expressions`."""

WORKING = r"""
n
x
d
ok
t
local
day
p.price
p.`odd 'name{}`
p.in.b
m.k
m.`it's`
`it's {a}, b`
"with space" + 1
`dot.ted` * 2
"quo""te"
`back``tick`
`select`
größe
mixed
S
42
-42
'Levi''s'
TRUE
FALSE
1.5e3
.5
n + 1
n - 1
n * 2
n * n
n + small
n - n
-n
-x
- -n
n / 100
n / small
x / small
x / 0
n / 0
n % small
n % 0
n % -1
x % 2.5
x % 0
-7 % 3
small % 3
x + n
x - d
d + 0.1
d * d
big + 1
real + x
real
1 + 2 * 3
(1 + 2) * 3
10 - 4 - 3
100 / 10 / 5
n = small
n <> small
n != small
n == small
n < small
x >= 0.5
x = x
x <= n
x > d
d = 1.5
s = 'a'
s = ''
s = 'it''s'
s < 'b'
s >= ''
s <> 'purchase'
ok = TRUE
ok <> FALSE
t = '1970-01-01'
t >= '2024-06-01'
t < '2024-06-01 10:00:00'
t > '2024-06-01T10:00:00+02:00'
day = '2024-02-29'
day < '2024-02-29 12:00'
day <= t
t = local
local BETWEEN '2024-01-01' AND '2024-12-31'
n BETWEEN 1 AND 100
x BETWEEN -1 AND 1.5
s BETWEEN 'a' AND 'c'
n NOT BETWEEN 0 AND 7
n IN (1, 2, 3)
n NOT IN (1, 2, 3)
x IN (0, 0.5, 1.5)
x IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0.5)
d IN (1.5, 0)
s IN ('a', '', 'it''s')
s NOT IN ('purchase', 'view')
day IN ('2024-02-29', '1970-01-01')
t IN ('1970-01-01', '2024-06-01 10:00:00')
s LIKE 'a%'
s LIKE '%b'
s LIKE 'a_b'
s LIKE 'a!b'
s LIKE '%\%'
s LIKE 'a\b'
s LIKE ''
s NOT LIKE '%a%'
s LIKE '%''%'
s LIKE '_'
s IS NULL
s IS NOT NULL
x IS NULL
big IS NULL
p.price IS NOT NULL
NOT ok
NOT s = 'a'
ok AND n > 0
ok OR n > 0
ok AND NULL
NULL OR ok
NOT (ok AND n > 0 OR s = 'a')
n > 0 AND small > 0 AND x > 0 AND ok
n > 0 OR small > 0 OR x > 0 OR ok
(s = 'a') = ok
CASE WHEN n > 0 THEN 'plus' WHEN n < 0 THEN 'minus' ELSE 'none' END
CASE WHEN ok THEN n END
CASE WHEN ok THEN n ELSE x END
CASE WHEN ok THEN NULL ELSE d END
CASE s WHEN 'a' THEN 1 WHEN '' THEN 2 ELSE 0 END
CASE small WHEN 1 THEN 'one' WHEN 2 THEN s END
case when ok then day else t end
CASE WHEN s IS NULL THEN '' ELSE s END || '!'
if(ok, 1, 0)
if(s = 'a', s, NULL)
timestamp_seconds(n)
timestamp_seconds(x)
timestamp_seconds(small)
timestamp_millis(n)
timestamp_micros(n)
parse_time(dotted, 'dd.MM.yyyy HH:mm')
parse_time(dotted, 'd.M.yyyy H:mm')
parse_time(dotted, 'dd.MM.yyyy')
parse_time(english, 'MMM d, yyyy h:mm a')
parse_time(english, 'MMM d, yyyy hh:mm a')
parse_time(english, 'MMMM d, yyyy h:mm a')
parse_time(clock, 'yyyy-MM-dd')
parse_time(clock, 'yyyy-MM-dd HH:mm')
parse_time(clock, 'yyyy-MM-ddTHH:mm:ss')
parse_time(clock, 'yyyy-MM-dd HH:mm:ss.SSS')
parse_time(clock, 'yyyy-MM-dd HH:mm:ss.SSSSSS')
parse_time(clock, 'yyyy-MM-ddTHH:mm:ssXXX')
parse_time(clock, 'yyyy-MM-dd HH:mm:ss ''UTC''')
parse_time(clock, 'yyyy-MM-dd HH:mm:ss XX')
parse_time(clock, 'yyyyMMdd')
parse_time(clock, 'yyyy/MM/dd')
parse_time(replace(clock, '-', ''), 'yyyyMMdd')
from_zone(parse_time(dotted, 'dd.MM.yyyy HH:mm'), 'Europe/Berlin')
to_time(clock)
to_time(day)
to_time(t)
to_time('2024-06-01T10:00:00+02:00')
date(t)
date(clock)
date(day)
date('2024-06-01')
date(parse_time(dotted, 'dd.MM.yyyy HH:mm'))
to_zone(t, 'Europe/Berlin')
to_zone(t, 'America/Sao_Paulo')
to_zone(t, 'Asia/Kolkata')
to_zone(t, 'Pacific/Auckland')
to_zone(t, 'UTC')
from_zone(local, 'Europe/Berlin')
from_zone(local, 'America/New_York')
from_zone(local, 'Australia/Lord_Howe')
from_zone(local, 'America/Sao_Paulo')
date(to_zone(t, 'America/New_York'))
year(t)
month(t)
day(t)
day(day)
hour(t)
hour(local)
weekday(t)
weekday(day)
hour(to_zone(t, 'Europe/Berlin')) BETWEEN 8 AND 17
lower(s)
upper(s)
trim(s)
trim(digits)
length(s)
concat(s, '-', js)
s || clock
'a' || s || ''
substring(s, 2)
substring(s, 1, 3)
substring(s, 3, 0)
replace(s, 'a', 'b')
replace(s, '''', s)
split_part(s, ',', 1)
split_part(s, ',', 3)
split_part(clock, '-', 2)
contains(s, 'a')
contains(lower(s), 'str')
starts_with(s, 'a')
ends_with(s, 'b')
contains(js, '{')
regexp_like(s, '^[a-z]+$')
regexp_like(js, '"a":[0-9]+')
regexp_extract(clock, '^(\d{4})-(\d\d)', 2)
regexp_extract(s, '.+$', 0)
regexp_extract(s, '(a|P)(.)?', 2)
regexp_extract(js, '"a":"([^"]*)"', 1)
abs(n)
abs(x)
abs(small)
round(x, 2)
round(x, 0)
round(x, 6)
round(n, 1)
round(d, 1)
round(n / 100, 2)
floor(x)
ceil(x)
floor(n / 7)
coalesce(s, digits, '')
coalesce(x, n)
coalesce(p.price, 0)
coalesce(day, t)
nullif(s, '')
nullif(n, 0)
nullif(x, n)
least(n, small)
greatest(n, small, 5)
least(x, d)
greatest(x, n)
least(s, digits)
greatest(t, local, day)
greatest(NULL, small)
to_int(digits)
to_int(x)
to_int(small)
to_int(d)
to_number(digits)
to_number(n)
to_number(big)
to_text(n)
to_text(d)
to_text(big)
to_text(ok)
to_text(day)
to_text(s)
to_text(x, 2)
to_text(n / 8, 3)
to_text(to_int(x))
CAST(digits AS int)
CAST(digits AS double)
CAST(n AS text)
cast(t as date)
CAST(clock AS timestamp)
json_text(js, '$.a')
json_text(js, '$.a.b')
json_text(js, '$[''a b'']')
json_text(js, '$.a-b')
json_text(js, '$[''x y''].a') IS NULL
json_number(js, '$.a')
json_number(js, '$.a.b')
coalesce(json_number(js, '$.a'), to_number(json_text(js, '$.a')))
to_int(json_text(js, '$.a'))
""".strip().split("\n")

"""Expressions over the source's columns: how a person says which rows count and what is in them.

Read `expression.py` first: `parse` turns a text into an `Expression`, which Spark and DuckDB answer alike.
`functions.py` is the list of all that may be called, as data, `operators.py` that of the operators, with a rendering
for each engine; `listing.py` shows both. `grammar.py` reads a text, `build.py` and `binding.py` hold it against the
lists. `literals.py`, `regex.py` and `written.py` read what is written out, `columns.py` finds what a name means,
`failures.py` tells rows on which it
fails, `letters.py` has capitals and small letters, `scan.py` splits mappings, `kinds.py` says what a column is, and
`render.py` spells a `tree.py` in SQL and in words.
"""

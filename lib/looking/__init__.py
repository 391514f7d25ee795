"""A look at events before a first run: in seconds, with DuckDB, without Spark.

Read `look.py` first: `look` answers what a person asks of a file. `relations.py` opens files by the rules of
`lib/sources`, `texts.py` refuses what those refuse of bytes, `mapping.py` proposes which columns are ours, `columns.py`
brings them to our shape as `lib/features/columns.py` does on Spark, `measures.py` counts all rows, `samples.py` some of
them, and `format.py` says it. What Spark then reads agrees with it: `tests/spark/test_look.py` holds both to the same
files.
"""

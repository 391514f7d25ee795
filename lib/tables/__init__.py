"""Where rows are kept, and what every table's columns are.

Read `contracts.py` first: the columns of all tables, as data. `protocol.py` says what the stages ask of tables;
`delta.py` does it over Delta through Spark, and is the only place that reads and writes Delta, `memory.py` over DuckDB
for tests and replays. `sql.py` spells values so that both engines read them alike.
"""

"""Pages and plots that people read.

Read `sections.py` first: what the report of a list tells, section by section; the texts stand in `report.html.j2`.
`page.py` renders it, `numbers.py` takes numbers from tables, `tables.py` and `plots.py` lay them out; `charts.py` draws
for the executed notebooks.
"""

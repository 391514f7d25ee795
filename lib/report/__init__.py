"""Pages and plots that people read.

Read `first_screen.py` and `sections.py` first: what the report of a list tells. Its texts stand in `report.html.j2`,
those that the summary has too in `sentences.py`. `page.py` renders it, `numbers.py` takes numbers from tables,
`tables.py` and `plots.py` lay them out; `charts.py` draws for the executed notebooks.
"""

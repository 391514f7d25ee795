"""A whole job on this machine: its loop, its record, its page.

Read `job.py` first: order, retries, time limits, cancelling. `machine.py` is what it needs of its surroundings,
`record.py` is what is known of a run, and `page.py` and `graph.py` show it.
"""

"""The list that people act on: its order, its checks, whom to contact, and how it turned out.

Read `ranking.py` first: rank, decile, band, and who is held out; `spread.py` says the same in SQL, for any size.
`release.py` keeps a list back that is broken or too far from the last one, `contacts.py` chooses whom a file names,
`outcomes.py` holds past scores against what happened, and `files.py` writes files beside their place before the list
changes.
"""

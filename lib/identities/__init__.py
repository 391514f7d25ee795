"""One person, several ids: whose the events of an id are, as it was known at a moment.

Read `resolving.py` first: from joins (id, user, known_at) to the rows of the table `identities`. `together.py` says
which ids go together where somebody is forgotten. `lib/features/identities.py` reads the table of joins; activity
as its readers see it is in `lib/tables/views.py`.
"""

"""Who the users are: attributes such as a country, a plan or a day of sign-up, from a table of users beside the events.

Read `columns.py` first: what an attribute is, and what its columns are called. `joining.py` is the SQL of a user's
attributes at a cutoff, `codes.py` makes numbers of texts for models. `lib/features/users.py` reads the table itself.
"""

"""Why a propensity is what it is, in words.

Read `reasons.py` first: the strongest reasons of each user. `groups.py` puts features together as people think of them,
`phrases.py` says what a group tells of one user, and `importance.py` what a pair looks at over all users.
"""

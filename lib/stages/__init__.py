"""One module for each notebook, of the same name: read, let the other rooms decide, write.

Read `train.py` first. `champion.py` loads and judges the models in use, `records.py` is what runs write down and later
ones read, `ledger.py` writes the outcomes of past lists, `publications.py` keeps lists over time and rolls one back,
`cleaning.py` removes what need not be kept, `by_hand.py` writes down a promotion or rollback of models and carries it
out, and `scoring.py` scores a batch of rows.
"""

"""Our `retrain` beside FLAML and AutoGluon at equal CPU seconds, rows, features and folds: see `__main__.py`."""

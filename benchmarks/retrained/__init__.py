"""`retrain` of this build beside that of e755a24: CPU seconds, and log loss on what came later. See `__main__.py`."""

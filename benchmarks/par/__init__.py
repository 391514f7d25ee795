"""Our stages beside plain outside models, on logs that this project neither made nor holds: see `__main__.py`."""

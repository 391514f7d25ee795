"""What can go wrong when a data set is made, in a way that the person who asked for it can mend."""


class DatasetError(Exception):
    """A data set cannot be made as asked; the message says what to do."""

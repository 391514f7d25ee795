"""What an export is, as bytes."""

import io

from lib.audience.exports import write_file


def exported(rows, wanted, columns, question):
    """The file of these rows."""
    file = io.BytesIO()
    write_file(file, rows, wanted, columns, question)
    return file.getvalue()

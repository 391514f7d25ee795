#!/usr/bin/env bash
# deltalake 1.6.6: `vacuum` leaves files for ever that a checkpoint has forgotten, whatever retention it is given.
#
# A file that a later version no longer reads stays in the log as removed, and a checkpoint drops that note after
# `delta.deletedFileRetentionDuration`, a week unless it is set. By default `DeltaTable.vacuum` looks at these notes alone,
# not at the folder. So whoever keeps old files for longer than that, or comes later, gets an empty list and no error,
# while the files lie there. `full=True` lists the folder and removes them; Spark's VACUUM always does.
# https://delta-io.github.io/delta-rs/api/delta_table/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==25.0.1
"$folder/env/bin/python" - "$folder/table" <<'PYTHON'
import sys
import time
from pathlib import Path

import deltalake
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

place = Path(sys.argv[1])
# A second stands for the week, so that nobody has to wait for it.
write_deltalake(place, pa.table({"n": [1]}), configuration={"delta.deletedFileRetentionDuration": "interval 1 seconds"})
write_deltalake(place, pa.table({"n": [2]}), mode="overwrite")


def old(**how):
    table = DeltaTable(place)
    return len(table.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False, **how))


before = old()
time.sleep(2)
DeltaTable(place).create_checkpoint()
after, whole = old(), old(full=True)
files = len(list(place.glob("*.parquet")))
print(f"deltalake {deltalake.__version__}: of {files} files one is read by no version but the first;")
print(f"vacuum finds {before} before a checkpoint, {after} after it, and {whole} with full=True")
assert (files, before, after, whole) == (2, 1, 0, 1)
PYTHON

"""Primary keys of tables in Unity Catalog, whose feature store takes a table with one and its time column."""

from lib.errors import ConfigError
from lib.tables.delta import DeltaTables

KEYS = {"features": ("user_id", "cutoff")}  # the last column is the time column
NOTE = "primary_key"


def check_can_have_keys(tables: DeltaTables) -> None:
    """Refuse to make keys where there are none.

    Raises
    ------
    ConfigError
        For a schema outside of Unity Catalog.
    """
    catalog = tables.schema.rpartition(".")[0]
    if catalog in ("", "spark_catalog", "hive_metastore"):
        raise ConfigError(
            f"feature_keys is yes and the schema is {tables.schema!r}: only a catalog of Unity Catalog keeps primary "
            "keys. Name one in schema, or set feature_keys to no."
        )


def ensure_key(tables: DeltaTables, name: str) -> None:
    """Declare the primary key of a table, unless it was declared: a kill in between is made good by the next run."""
    columns = KEYS[name]
    key = ", ".join(columns)
    if tables.get_property(name, NOTE) == key:
        return
    table = tables.full_name(name)
    for column in columns:
        tables.spark.sql(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")
    tables.spark.sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}_key")
    tables.spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT {name}_key PRIMARY KEY ({key} TIMESERIES)")
    tables.set_property(name, NOTE, key)

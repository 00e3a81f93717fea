"""The smallest folder of recordings, and its messages."""

from __future__ import annotations

import gzip
from pathlib import Path

_BTC = (
    '{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000",'
    '"T":1723161255342,"m":true,"M":true}'
)
_ETH = (
    '{"e":"trade","E":1723161255340,"s":"ETHUSDT","t":1520538925,"p":"2683.80000000","q":"0.00200000",'
    '"T":1723161255339,"m":false,"M":true}'
)
_MATCH = (
    '{"type":"match","trade_id":280232,"maker_order_id":"2a0d","taker_order_id":"3c82","side":"sell","size":"985",'
    '"price":"0.00001305","product_id":"SKL-BTC","sequence":177100030,"time":"2021-04-17T16:43:37.089723Z"}'
)
_REST = (
    (
        '{"pair":"XBTUSDT","price":"105433.60000","volume":"0.00027625","time":1762795433.9717445,"side":"b","type":"l",'
        '"trade_id":10218208}'
    ),
    (
        '{"pair":"XBTUSDT","price":"105433.7","volume":"0.00000001","time":1762795433.99,"side":"s","type":"m",'
        '"trade_id":10218209}'
    ),
    (
        '{"pair":"XBTUSDT","price":"105410.10000","volume":"0.00005000","time":1762795434,"side":"b","type":"m",'
        '"trade_id":10218210}'
    ),
)
_FILES = {
    "binance-spot-btcusdt-1": [_BTC],
    "binance-spot-ethusdt-1": [_ETH],
    "coinbase-matches-1": [_MATCH],
    "kraken-rest-trades": _REST,
}
RECORDED = {
    "binance": [_ETH, _BTC],  # in the order of their times
    "coinbase": [_MATCH],
    "kraken": [
        (
            '{"channel":"trade","type":"update","data":['
            '{"symbol":"BTC/USDT","side":"buy","price":105433.60000,"qty":0.00027625,"ord_type":"limit",'
            '"trade_id":10218208,"timestamp":"2025-11-10T17:23:53.9717445Z"},'
            '{"symbol":"BTC/USDT","side":"sell","price":105433.7,"qty":0.00000001,"ord_type":"limit",'
            '"trade_id":10218209,"timestamp":"2025-11-10T17:23:53.99Z"}]}'
        ),
        (
            '{"channel":"trade","type":"update","data":['
            '{"symbol":"BTC/USDT","side":"buy","price":105410.10000,"qty":0.00005000,"ord_type":"limit",'
            '"trade_id":10218210,"timestamp":"2025-11-10T17:23:54.0Z"}]}'
        ),
    ],
}


def record(folder: Path) -> None:
    """Write the files."""
    for name, lines in _FILES.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.write("".join(f"{line}\n" for line in lines))

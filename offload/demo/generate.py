"""
Generated trades with properties of real ones, created inside ClickHouse: a million in one or two seconds.

Every value of the n-th trade of a market is a hash of n, so the same call generates the same trades with any number of
threads; only the times depend on the caller's clock. Properties as in recordings: 77-82 % of Binance's trades share
their millisecond with another trade, some bursts of hundreds of trades do, one order takes several levels of the book.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

BURST_BLOCK = 1024
TICK_BLOCK = 16


@dataclass(frozen=True)
class Market:
    """
    One symbol of one exchange.

    Attributes:
        share: Share of all trades in percent; the shares of `MARKETS` add up to 100.
        price: Base price, as a number of ticks.
        tick: Price step, as a decimal literal.
        lot: Quantity step, as a decimal literal.
        first_id: Trade id of the first trade.
    """

    exchange: str
    symbol: str
    canonical: str
    share: int
    price: int
    tick: str
    lot: str
    first_id: int

    @property
    def table(self) -> str:
        """The hot table of the exchange."""
        return f"bronze_trades_{self.exchange}"


MARKETS = (
    Market("binance", "BTCUSDT", "BTC/USDT", 32, 6_183_763, "0.01", "0.00001", 3_735_683_259),
    Market("binance", "ETHUSDT", "ETH/USDT", 20, 268_380, "0.01", "0.0001", 1_520_538_925),
    Market("binance", "SOLUSDT", "SOL/USDT", 12, 15_412, "0.01", "0.001", 801_263_411),
    Market("kraken", "BTC/USD", "BTC/USD", 10, 618_371, "0.1", "0.00001003", 71_208_208),
    Market("kraken", "ETH/USD", "ETH/USD", 8, 268_395, "0.01", "0.00010007", 48_665_906),
    Market("coinbase", "BTC-USD", "BTC/USD", 10, 6_184_011, "0.01", "0.00001003", 676_280_232),
    Market("coinbase", "ETH-USD", "ETH/USD", 8, 268_402, "0.01", "0.00010007", 556_826_827),
)

# The resolution of each exchange's times: Binance milliseconds, the others microseconds. All trades of a group share
# their millisecond; only on Coinbase they have different microseconds.
_TICKS = {
    "binance": "intDiv(us, 1000) * 1000",
    "kraken": "us",
    "coinbase": "intDiv(us, 1000) * 1000 + least(nth, 999)",
}
_ISO = "replaceOne(toString(exchange_timestamp), ' ', 'T') || 'Z'"
_METADATA = {
    "binance": "'exchange_time', toString(intDiv(ticks, 1000)), 'event_time', toString(intDiv(ticks, 1000) + 1)",
    "kraken": f"'exchange_time', {_ISO}, 'order_type', if(dice % 3 = 0, 'market', 'limit')",
    "coinbase": f"'exchange_time', {_ISO}, 'sequence', toString(sequence_number * 3), 'taker_order_id', hex(dice)",
}


def generate(
    client: Any, rows: int, start: datetime, end: datetime, on_market: Callable[[Market, int], None] = lambda *_: None
) -> int:
    """
    Insert `rows` trades of all markets between `start` and `end` (UTC); ids and prices continue those in the tables.

    Args:
        client: A clickhouse-connect client for a database with the bronze tables.
        rows: Number of trades of all markets together.
        start: All trades are at least a millisecond later.
        end: All trades are earlier.
        on_market: Called after each market's insert, with the market and its number of trades.

    Returns:
        The number of inserted trades: `rows`.
    """
    done = 0
    for number, market in enumerate(MARKETS, start=1):
        until = rows * sum(other.share for other in MARKETS[:number]) // 100
        _fill(client, market, until - done, (_microseconds(start) + 1000, _microseconds(end) - 1000))
        on_market(market, until - done)
        done = until
    return done


def _fill(client: Any, market: Market, rows: int, times: tuple[int, int]) -> None:
    newest = int(
        client.command(
            f"SELECT max(sequence_number) FROM {market.table} WHERE symbol = {{symbol:String}}",
            parameters={"symbol": market.symbol},
        )
    )
    first = newest - market.first_id + 1 if newest else 0
    if rows:
        client.command(_insert(market, first, rows, times))


def _insert(market: Market, first: int, rows: int, times: tuple[int, int]) -> str:
    """
    The statement that inserts trades `first` to `first + rows - 1` of a market.

    `leader` is the number of the first trade of a trade's group, `nth` the trade's position in the group. Side, time
    and first price level are those of the group.
    """
    seed = f"'{market.exchange}', '{market.symbol}'"
    low, high = times
    return f"""
    INSERT INTO {market.table}
    (exchange, symbol, canonical_symbol, trade_id, sequence_number, side, is_buyer_maker, price, quantity,
     quote_volume, exchange_timestamp, metadata, kafka_partition, kafka_offset, ingestion_timestamp)
    WITH
        {_leader(seed, first)} AS leader,
        number - leader AS nth,
        cityHash64({seed}, 'trade', number) AS dice,
        cityHash64({seed}, 'order', leader) AS order_dice,
        {low} + toInt64((leader - {first} + order_dice / 18446744073709551616.0) / {rows} * {high - low}) AS us,
        toInt64({_TICKS[market.exchange]}) AS ticks,
        order_dice % 2 = 0 AS sells,
        toInt64({market.price} * (1 + {_walk(seed)})) + if(sells, -1, 1) * intDiv(least(nth, 60), 3) AS price_ticks,
        1 + (dice % 100) * (intDiv(dice, 100) % 100) * if(intDiv(dice, 10000) % 16 = 0, 50, 1) AS lots
    SELECT '{market.exchange}', '{market.symbol}', '{market.canonical}',
        toString({market.first_id} + number), {market.first_id} + number AS sequence_number,
        if(sells, 'sell', 'buy'), sells,
        toDecimal64(price_ticks, 0) * toDecimal64('{market.tick}', 8) AS price,
        toDecimal64(lots, 0) * toDecimal64('{market.lot}', 8) AS quantity,
        toDecimal128(price, 8) * toDecimal128(quantity, 8),
        fromUnixTimestamp64Micro(ticks, 'UTC') AS exchange_timestamp,
        map({_METADATA[market.exchange]}),
        number % 3, intDiv(number, 3), fromUnixTimestamp64Milli(intDiv(ticks, 1000) + 5 + dice % 50, 'UTC')
    FROM numbers({first}, {rows})
    """


def _leader(seed: str, first: int) -> str:
    """
    The expression for the number of the first trade of a trade's group.

    In each block of 16 trades, hash bits mark the starts of groups, each with probability 7/16: 4 of 5 trades then
    share their millisecond with another. In one of 40 blocks of 1024, the first 100 to 735 trades are one group.
    """
    bits = [f"cityHash64({seed}, 'group{bit}', intDiv(number, {TICK_BLOCK}))" for bit in range(4)]
    starts = f"bitOr(1, bitAnd({bits[0]}, bitOr({bits[1]}, bitOr({bits[2]}, {bits[3]}))))"
    seen = f"bitAnd({starts}, bitShiftLeft(toUInt64(2), number % {TICK_BLOCK}) - 1)"
    # Adding 0.5 keeps the logarithm away from whole numbers, where a rounding error would change the result.
    usual = f"intDiv(number, {TICK_BLOCK}) * {TICK_BLOCK} + toUInt64(floor(log2({seen} + 0.5)))"
    burst = f"cityHash64({seed}, 'burst', intDiv(number, {BURST_BLOCK}))"
    inside = f"{burst} % 40 = 0 AND number % {BURST_BLOCK} < 100 + intDiv({burst}, 40) % 636"
    return f"greatest({first}, if({inside}, intDiv(number, {BURST_BLOCK}) * {BURST_BLOCK}, {usual}))"


def _walk(seed: str) -> str:
    """The expression for the relative distance from the base price: hashed noise on five scales."""
    scales = ((65536, 0.05), (8192, 0.02), (1024, 0.006), (128, 0.002), (16, 0.0004))
    return " + ".join(_noise(seed, width, height) for width, height in scales)


def _noise(seed: str, width: int, height: float) -> str:
    def point(cell: str) -> str:
        return f"(cityHash64({seed}, {width}, {cell}) / 18446744073709551616.0 - 0.5)"

    cell, along = f"intDiv(leader, {width})", f"(leader % {width}) / {width}"
    return f"{2 * height} * ({point(cell)} * (1 - {along}) + {point(f'{cell} + 1')} * {along})"


def _microseconds(time: datetime) -> int:
    return int(time.timestamp()) * 1_000_000 + time.microsecond

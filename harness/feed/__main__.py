"""`python -m harness.feed`: run one feed handler; after SIGTERM it waits for the broker's answers and ends."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from harness.feed.handler import Handler
from harness.feed.journal import Journal
from harness.trades.exchanges import EXCHANGES
from harness.trades.messages import GeneratedMessages, MessageSource, RecordedMessages


def main() -> None:
    """Read the arguments and run the handler."""
    arguments = _arguments()
    with Journal(arguments.journal) as journal:
        handler = Handler(
            _source(arguments), journal, arguments.bootstrap, arguments.topic, arguments.rate, arguments.until
        )

        def stop(*_: object) -> None:
            handler.stopping = True

        signal.signal(signal.SIGTERM, stop)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        handler.run()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchange", choices=EXCHANGES, required=True)
    parser.add_argument("--bootstrap", required=True, help="host:port of the broker")
    parser.add_argument("--topic", required=True)
    parser.add_argument(
        "--journal", type=Path, required=True, help="file of sent messages and answers; an existing file is continued"
    )
    parser.add_argument("--rate", type=float, default=0.0, help="at most this many messages per second; 0: no limit")
    parser.add_argument("--until", type=int, help="end before the message with this number")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--recorded", type=Path, help="folder of recordings; send these messages")
    kind.add_argument("--seed", type=int, help="generate trades from this seed")
    parser.add_argument(
        "--start", type=int, default=0, help="time of the first generated trade, in microseconds since 1970 UTC"
    )
    parser.add_argument("--per-second", type=int, default=100, help="generated messages per second of trade time")
    return parser.parse_args()


def _source(arguments: argparse.Namespace) -> MessageSource:
    if arguments.recorded:
        return RecordedMessages(arguments.exchange, arguments.recorded)
    return GeneratedMessages(arguments.exchange, arguments.seed, arguments.start, arguments.per_second)


if __name__ == "__main__":
    main()

"""`python -m harness.feed`: one feed handler; SIGTERM makes it wait for the broker's answers and end."""

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
    """Read the command line and run the handler."""
    given = _arguments()
    with Journal(given.journal) as journal:
        handler = Handler(_source(given), journal, given.bootstrap, given.topic, given.rate, given.until)

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
    parser.add_argument("--journal", type=Path, required=True, help="file; it is continued")
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second at most")
    parser.add_argument("--until", type=int, help="end before the message of this number")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--recorded", type=Path, help="folder of recordings")
    kind.add_argument("--seed", type=int, help="make trades up")
    parser.add_argument("--start", type=int, default=0, help="time of the first made-up trade, microseconds since 1970")
    parser.add_argument("--per-second", type=int, default=100, help="made-up messages in a second of trade time")
    return parser.parse_args()


def _source(given: argparse.Namespace) -> MessageSource:
    if given.recorded:
        return RecordedMessages(given.exchange, given.recorded)
    return GeneratedMessages(given.exchange, given.seed, given.start, given.per_second)


if __name__ == "__main__":
    main()

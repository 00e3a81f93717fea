"""The broker: Redpanda, or Apache Kafka as its stand-in."""

from __future__ import annotations

from dataclasses import dataclass

from harness.stack.compose import Entry

TIMEOUT = 2.0


@dataclass(frozen=True)
class BrokerServer:
    """Addresses of the broker: `outside` for this host, `inside` for the other containers (host:port)."""

    outside: str
    inside: str

    @classmethod
    def from_entry(cls, entry: Entry) -> BrokerServer:
        """Build the server's address from its entry in the compose file."""
        return cls(f"127.0.0.1:{entry.host_port}", f"{entry.service}:9092")

    def answers(self) -> bool:
        """Return whether the broker sends metadata with at least one live broker within two seconds."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        client = AdminClient({"bootstrap.servers": self.outside, "log_level": 0, "log.connection.close": False})
        try:
            return bool(client.list_topics(timeout=TIMEOUT).brokers)
        except KafkaException:
            return False

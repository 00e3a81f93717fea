"""The broker: Redpanda, or Kafka in its place."""

from __future__ import annotations

from dataclasses import dataclass

from harness.stack.compose import Entry

TIMEOUT = 2.0


@dataclass(frozen=True)
class BrokerServer:
    """Where the broker answers: as this host sees it, and as the other containers do."""

    outside: str
    inside: str

    @classmethod
    def of(cls, entry: Entry) -> BrokerServer:
        """The address that an entry of the compose file gives."""
        return cls(f"127.0.0.1:{entry.host_port}", f"{entry.service}:9092")

    def answers(self) -> bool:
        """Whether metadata that name a living broker come back within two seconds."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        client = AdminClient({"bootstrap.servers": self.outside, "log_level": 0, "log.connection.close": False})
        try:
            return bool(client.list_topics(timeout=TIMEOUT).brokers)
        except KafkaException:
            return False

"""The services of a stack."""

from enum import StrEnum


class Service(StrEnum):
    """A service; the value is its name in docker-compose.test.yml and on the stack's network."""

    CLICKHOUSE = "clickhouse"
    BROKER = "broker"
    MINIO = "minio"
    POSTGRES = "postgres"

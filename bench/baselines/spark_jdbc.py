"""
The usual Spark script: one JDBC query, cached, appended to Iceberg, and the watermark kept in Postgres.

What teams write first: `ts > watermark and ts <= now - 5 min order by ts, seq`, and the largest timestamp becomes the
next watermark. It is measured beside the offload, with the settings that its users would choose: large fetches,
4 GB for the driver, two cores. The hot table is the one that bench/tables.py fills.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark script uses

SOURCE = "bench"
TARGET = "cold.cold.bench"
# Spark's JDBC reader knows neither a time with a zone nor UInt64.
COLUMNS = """
    CAST(exchange_timestamp AS DateTime64(6)) AS exchange_timestamp, toInt64(sequence_number) AS sequence_number,
    toString(symbol) AS symbol, price, quantity, quote_volume, CAST(event_time AS DateTime64(6)) AS event_time,
    kafka_offset, kafka_partition, CAST(ingestion_timestamp AS DateTime64(3)) AS ingestion_timestamp
"""


def session() -> SparkSession:
    """A session with the Iceberg catalog `cold` in Postgres and its files in S3."""
    options = {
        "spark.driver.memory": "4g",
        "spark.jars": ",".join(str(jar) for jar in Path(os.environ["JARS"]).glob("*.jar")),
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.ui.enabled": "false",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.cold": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.cold.type": "jdbc",
        "spark.sql.catalog.cold.uri": "jdbc:postgresql://{POSTGRES_HOST}:{POSTGRES_PORT}/{POSTGRES_DATABASE}",
        "spark.sql.catalog.cold.jdbc.user": "{POSTGRES_USER}",
        "spark.sql.catalog.cold.jdbc.password": "{POSTGRES_PASSWORD}",
        "spark.sql.catalog.cold.jdbc.schema-version": "V1",
        "spark.sql.catalog.cold.warehouse": "{WAREHOUSE}",
        "spark.sql.catalog.cold.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.cold.s3.endpoint": "{S3_ENDPOINT}",
        "spark.sql.catalog.cold.s3.path-style-access": "true",
    }
    builder = SparkSession.builder.appName("offload").master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value.format(**os.environ))
    return builder.getOrCreate()


def read(spark: SparkSession, watermark: str) -> DataFrame:
    """The new rows of the hot table, in order."""
    query = f"""
        SELECT {COLUMNS} FROM {SOURCE}
        WHERE exchange_timestamp > toDateTime64('{watermark}', 6, 'UTC')
            AND exchange_timestamp <= now() - INTERVAL 5 MINUTE
        ORDER BY exchange_timestamp, sequence_number
    """
    return (
        spark.read.format("jdbc")
        .option("driver", "com.clickhouse.jdbc.ClickHouseDriver")
        .option(
            "url", "jdbc:clickhouse://{CLICKHOUSE_HOST}:{CLICKHOUSE_PORT}/{CLICKHOUSE_DATABASE}".format(**os.environ)
        )
        .option("user", os.environ["CLICKHOUSE_USER"])
        .option("password", os.environ["CLICKHOUSE_PASSWORD"])
        .option("fetchsize", 100_000)
        .option("query", query)
        .load()
    )


def append(spark: SparkSession, rows: DataFrame) -> None:
    """Append to the Iceberg table, which is partitioned by day; create it at the first run."""
    if spark.catalog.tableExists(TARGET):
        rows.writeTo(TARGET).append()
    else:
        spark.sql("CREATE NAMESPACE IF NOT EXISTS cold.cold")
        rows.writeTo(TARGET).partitionedBy(F.days("exchange_timestamp")).create()


def main() -> None:
    """Move what is new."""
    database = psycopg.connect(
        "host={POSTGRES_HOST} port={POSTGRES_PORT} dbname={POSTGRES_DATABASE} user={POSTGRES_USER}".format(
            **os.environ
        ),
        password=os.environ["POSTGRES_PASSWORD"],
        autocommit=True,
    )
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS watermarks (source text PRIMARY KEY, watermark text NOT NULL)")
        found = database.execute("SELECT watermark FROM watermarks WHERE source = %s", (SOURCE,)).fetchone()
        spark = session()
        rows = read(spark, found[0] if found else "1970-01-01 00:00:00").cache()
        append(spark, rows)
        newest = rows.agg(F.date_format(F.max("exchange_timestamp"), "yyyy-MM-dd HH:mm:ss.SSSSSS")).first()
        if newest and newest[0]:
            database.execute(
                "INSERT INTO watermarks VALUES (%s, %s) "
                "ON CONFLICT (source) DO UPDATE SET watermark = excluded.watermark",
                (SOURCE, newest[0]),
            )
        spark.stop()


if __name__ == "__main__":
    main()

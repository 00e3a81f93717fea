"""The settings of every query: those that the promise depends on do not follow the profile of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offload.errors import AccessRefused, ConfigurationError

# One setting of a profile can hide rows (a shard that is skipped, a limit), cut an answer (an overflow mode `break`),
# show deleted rows, or answer from a cache.
_OVERFLOWS = ("distinct", "group_by", "join", "read", "result", "set", "sort", "timeout", "transfer")
PINNED: Mapping[str, Any] = {
    "additional_result_filter": "",
    "additional_table_filters": "{}",
    "aggregate_functions_null_for_empty": 0,
    "allow_experimental_parallel_reading_from_replicas": 0,  # one replica per shard, and always the same one
    "apply_deleted_mask": 1,
    "enable_parallel_replicas": 0,
    "fallback_to_stale_replicas_for_distributed_queries": 0,
    "final": 0,
    "force_index_by_date": 0,
    "force_primary_key": 0,
    "limit": 0,
    "load_balancing": "in_order",
    "max_query_size": 64 * 2**20,  # bytes: a query names the cold files that it reads
    "max_subquery_depth": 100,
    "offset": 0,
    "output_format_native_encode_types_in_binary_format": 0,
    # An alias never hides the column that a condition or an order means.
    "prefer_column_name_to_alias": 1,
    # NULL as in the file's schema: by default all columns are nullable, and nullable elements hash otherwise.
    "schema_inference_make_columns_nullable": "auto",
    "skip_unavailable_shards": 0,
    "use_hive_partitioning": 0,
    "use_query_cache": 0,
    **{f"{name}_overflow_mode": "throw" for name in _OVERFLOWS},
    **{f"{name}_overflow_mode_leaf": "throw" for name in ("read", "timeout")},
}


def changes(known: Mapping[str, Any], wanted: Mapping[str, Any], user: str) -> dict[str, Any]:
    """
    The settings that must be sent: those that this server has, and whose value is another one.

    Args:
        known: Name, value and `readonly` of each setting, as clickhouse-connect reads them from system.settings.
        wanted: The values.
        user: The user, for the message.

    Raises:
        AccessRefused: The user may not change one of them.
        ConfigurationError: The driver could not read the settings, which the profile has cut.
    """
    if "limit" not in known:  # every server has it
        raise cut_answers(user, f"{len(known)} settings, without limit")
    found = {}
    for name, value in wanted.items():
        setting = known.get(name)
        if setting is None or setting.value == str(value):
            continue
        if setting.readonly:
            raise AccessRefused(
                f"a ClickHouse user who may set {name} = {value}",
                f"{name} = {setting.value}, which the user {user} may not change",
                f"give {user} a profile with readonly = 0 or 2 and without a constraint on {name} (docs/grants.md)",
            )
        found[name] = value
    return found


def cut_answers(user: str, found: str) -> ConfigurationError:
    """The error for a profile that changes the answers to the first queries of the driver."""
    return ConfigurationError(
        f"a profile of the ClickHouse user {user} that leaves answers as they are",
        found,
        f"remove limit, offset and output_format settings from the profile of {user} (docs/grants.md)",
    )

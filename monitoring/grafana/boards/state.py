"""Shared state: Redis, and the sessions, streams and collections that live in it."""

from grafana_foundation_sdk.models import units

from monitoring.grafana.board import Board
from monitoring.grafana.panels import BYTES, COUNT, PER_SECOND, SECONDS, SHARE, THIRD, Query, figure, lines

SESSIONS = "create_session|validate_session|revoke_session"
STREAMS = "publish_resource|read_resource_stream"
COLLECTIONS = "upsert_vectors|search_vectors"

NOW = [
    figure("Redis down", "Instances of Redis that do not answer.", COUNT, "count(redis_up == 0) or vector(0)",
           [(1, "red")], ["RedisDown"]),
    figure("Memory", "Used of what it may; at 100 % it refuses writes.", SHARE,
           "max(redis_memory_used_bytes / (redis_memory_max_bytes > 0))", [(0.85, "orange"), (0.98, "red")],
           ["RedisMemoryHigh", "RedisFull"]),
    figure("Keys", "Keys there are.", COUNT, "sum(redis_db_keys)"),
    figure("Commands", "Commands a second.", PER_SECOND, "sum(rate(redis_commands_processed_total[$__rate_interval]))"),
    figure("Last snapshot", "Age of the last snapshot on disk.", SECONDS,
           "max(time() - redis_rdb_last_save_timestamp_seconds)", runbooks=["RedisPersistenceFails"]),
    figure("Writes to disk fail", "1 where Redis could not write its files.", COUNT,
           "1 - min(redis_rdb_last_bgsave_status * redis_aof_last_write_status * redis_aof_last_bgrewrite_status)",
           [(1, "red")], ["RedisPersistenceFails"]),
]  # fmt: skip

REDIS = [
    lines("Memory", "What is used, and what may be.", BYTES, Query("redis_memory_used_bytes", "{{instance}} used"),
          Query("redis_memory_max_bytes", "{{instance}} most"),
          Query("redis_memory_used_rss_bytes", "{{instance}} RSS"),
          runbooks=["RedisMemoryHigh"], span=THIRD),
    lines("Clients", "Connections, and those that wait for something to arrive.", COUNT,
          Query("redis_connected_clients", "{{instance}} connected"),
          Query("redis_blocked_clients", "{{instance}} waiting"), span=THIRD),
    lines("Network", "Bytes a second, from the clients and to them.", units.BytesPerSecondIEC,
          Query("rate(redis_net_input_bytes_total[$__rate_interval])", "{{instance}} in"),
          Query("rate(redis_net_output_bytes_total[$__rate_interval])", "{{instance}} out"), span=THIRD),
    lines("Commands", "A second, the ten most used.", PER_SECOND,
          Query("topk(10, sum by (cmd) (rate(redis_commands_total[$__rate_interval])))", "{{cmd}}"), stacked=True,
          span=THIRD),
    lines("Processor", "Cores that Redis uses; it has one for commands.", COUNT,
          Query("rate(redis_cpu_user_seconds_total[$__rate_interval]) + rate(redis_cpu_sys_seconds_total"
                "[$__rate_interval])", "{{instance}}"), limits=[(0.9, "red")], span=THIRD),
    lines("Refused", "Connections and commands that Redis refused, and keys it dropped for want of memory.", PER_SECOND,
          Query("rate(redis_rejected_connections_total[$__rate_interval])", "{{instance}} connections"),
          Query("rate(redis_total_error_replies[$__rate_interval])", "{{instance}} errors"),
          Query("rate(redis_evicted_keys_total[$__rate_interval])", "{{instance}} evicted"), span=THIRD),
]  # fmt: skip

AS_SEEN = [
    lines("Commands by service", "What each service asks, a second.", PER_SECOND,
          Query("sum by (service) (rate(a2a_mcp_redis_command_duration_seconds_count[$__rate_interval]))",
                "{{service}}"), stacked=True, span=THIRD),
    lines("p95 by service", "Time Redis took to answer, as the service waited for it.", SECONDS,
          Query("service:a2a_mcp_redis_command_duration_seconds:p95_rate5m", "{{service}}"),
          limits=[(0.05, "orange")], span=THIRD),
    lines("Errors by service", "Commands that failed, a second.", PER_SECOND,
          Query("sum by (service) (rate(a2a_mcp_redis_errors_total[$__rate_interval]))", "{{service}}"),
          runbooks=["RedisFails", "RedisDown"], span=THIRD),
]  # fmt: skip

KEPT = [
    lines("Sessions", "Calls of the tools that make, judge and end sessions, a second.", PER_SECOND,
          Query(f'sum by (tool, outcome) (rate(a2a_mcp_calls_total{{tool=~"{SESSIONS}"}}[$__rate_interval])) > 0',
                "{{tool}} {{outcome}}"), span=THIRD),
    lines("Streams", "Events published and read, calls a second.", PER_SECOND,
          Query(f'sum by (tool, outcome) (rate(a2a_mcp_calls_total{{tool=~"{STREAMS}"}}[$__rate_interval])) > 0',
                "{{tool}} {{outcome}}"), span=THIRD),
    lines("Collections", "Vectors put into collections and searched for, calls a second.", PER_SECOND,
          Query(f'sum by (tool, outcome) (rate(a2a_mcp_calls_total{{tool=~"{COLLECTIONS}"}}[$__rate_interval])) > 0',
                "{{tool}} {{outcome}}"), span=THIRD),
    lines("Keys", "All keys, and those that expire by themselves (sessions, budgets).", COUNT,
          Query("sum by (db) (redis_db_keys) > 0", "{{db}} all"),
          Query("sum by (db) (redis_db_keys_expiring) > 0", "{{db}} expiring"), span=THIRD),
    lines("Expired", "Keys a second whose time was up.", PER_SECOND,
          Query("rate(redis_expired_keys_total[$__rate_interval])", "{{instance}}"), span=THIRD),
    lines("Append-only file", "Its size on disk.", BYTES, Query("redis_aof_current_size_bytes", "{{instance}}"),
          span=THIRD),
]  # fmt: skip

BOARD = Board(
    "a2a-state",
    "State",
    "Redis, as it says itself and as the services see it, and what lives in it.",
    {"Is it well?": NOW, "Redis": REDIS, "As the services see it": AS_SEEN, "Sessions, streams, collections": KEPT},
)

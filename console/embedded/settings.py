"""The embedded Postgres's configuration: for a queue and analytics together on a small machine."""

from collections.abc import Mapping

# Passed on the command line, so that a newer version of Rollcall applies its own to old data. Durability is Postgres's
# default: 200 means kept, so fsync, synchronous_commit and full_page_writes are on, here explicitly.
SERVER_SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Memory for a machine with at least 2 GB; the kernel's cache does the rest.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # Bodies go through the WAL twice, for the queue and the ledger, so checkpoint rarely. After one, whole pages
    # are logged: compressing them with this build's only algorithm (pglz) would cost more CPU than everything else.
    "wal_compression": "off",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    # A queue's table churns constantly: small, frequent vacuums keep it small.
    "autovacuum_naptime": "10s",
    "autovacuum_vacuum_cost_limit": "1000",
    # Solid-state disks, and statements too short to compile.
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    # A failing statement in the log would expose the bodies in it.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}

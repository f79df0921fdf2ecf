"""How the embedded Postgres is set: for a queue and analytics together on a small machine."""

from collections.abc import Mapping

# Given on the command line, so that a newer version of Rollcall brings its own to old data. Durability stays as
# Postgres has it: 200 means kept, so fsync, synchronous_commit and full_page_writes are on; they stand here to say so.
SERVER_SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Memory for a machine of 2 GB and more; the kernel's cache does the rest.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # Bodies pass through the log of writes twice, in the queue and in the ledger: few checkpoints. After one, pages are
    # logged whole: this build's only compression (pglz) would cost more CPU for those than everything else together.
    "wal_compression": "off",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    # A queue's table turns over all the time: small, frequent clean-ups keep it small.
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
    # A failing statement in the log would show the bodies that it holds.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}

"""What is done to the queue's table, one statement each; every one is a transaction of its own.

The table is dramatiq-postgres's; a message in it is `queued`, or `consumed` while worker `worker_id` has it.
"""

SCHEMA = "rollcall_queue"

ENQUEUE = f"""
    WITH enqueued AS (
        INSERT INTO {SCHEMA}.queue (queue_name, message_id, state, message) VALUES (%s, %s, 'queued', %s::jsonb)
        ON CONFLICT (message_id) DO NOTHING
    )
    SELECT pg_notify(%s, '')"""  # noqa: S608 - the schema is a constant of this module
WAITING = f"SELECT count(*) FROM {SCHEMA}.queue WHERE queue_name = %s AND state = 'queued'"  # noqa: S608 - as above
CLAIM = f"""
    WITH next AS (
        SELECT message_id FROM {SCHEMA}.queue
        WHERE queue_name = %s AND state = 'queued' AND available_at <= now()
        ORDER BY available_at, position LIMIT %s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE {SCHEMA}.queue AS q SET state = 'consumed', worker_id = %s, consumed_at = now(), mtime = now()
    FROM next WHERE q.message_id = next.message_id
    RETURNING q.message_id::text, q.message::text"""  # noqa: S608 - as above
# In whatever state: it has committed, so another worker that was given it meanwhile need not do it again.
ACK = f"DELETE FROM {SCHEMA}.queue WHERE message_id = %s"  # noqa: S608 - as above
RETURN = f"""
    UPDATE {SCHEMA}.queue SET state = 'queued', worker_id = NULL, consumed_at = NULL, mtime = now(),
        available_at = greatest(available_at, now() + make_interval(secs => %s))
    WHERE message_id = ANY(%s::uuid[]) AND state = 'consumed' AND worker_id = %s"""  # noqa: S608 - as above
RETURN_LOST = f"""
    UPDATE {SCHEMA}.queue SET state = 'queued', worker_id = NULL, consumed_at = NULL, mtime = now()
    WHERE state = 'consumed' AND worker_id = %s AND message_id <> ALL(%s::uuid[])"""  # noqa: S608 - as above

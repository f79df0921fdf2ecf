"""The statements on the queue's table, each run in a separate transaction.

The table is dramatiq-postgres's; a message in it is `queued`, or `consumed` while worker `worker_id` holds it.
Unreadable messages are moved to the table `parked`.
"""

# Seconds that the worker's statements on the queue may take before their connection is dropped.
STATEMENT_DEADLINE = 30.0

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
    RETURNING q.message_id::text, CASE WHEN pg_column_size(q.message) <= %s THEN q.message::text END"""  # noqa: S608 - as above
# In any state: it has committed, so another worker that has got it since need not repeat it.
ACK = f"DELETE FROM {SCHEMA}.queue WHERE message_id = %s"  # noqa: S608 - as above
RETURN = f"""
    UPDATE {SCHEMA}.queue SET state = 'queued', worker_id = NULL, consumed_at = NULL, mtime = now(),
        available_at = greatest(available_at, now() + make_interval(secs => %s))
    WHERE message_id = ANY(%s::uuid[]) AND state = 'consumed' AND worker_id = %s"""  # noqa: S608 - as above
RETURN_LOST = f"""
    UPDATE {SCHEMA}.queue SET state = 'queued', worker_id = NULL, consumed_at = NULL, mtime = now()
    WHERE state = 'consumed' AND worker_id = %s AND message_id <> ALL(%s::uuid[])"""  # noqa: S608 - as above
PARK = f"""
    WITH taken AS (
        DELETE FROM {SCHEMA}.queue AS q USING unnest(%s::uuid[], %s::text[]) AS unreadable (message_id, reason)
        WHERE q.message_id = unreadable.message_id AND q.state = 'consumed' AND q.worker_id = %s
        RETURNING q.message_id, q.queue_name, q.message, unreadable.reason
    )
    INSERT INTO {SCHEMA}.parked (message_id, queue_name, reason, message)
    SELECT message_id, queue_name, reason, message FROM taken"""  # noqa: S608 - as above
COUNT_PARKED = f"SELECT count(*) FROM {SCHEMA}.parked WHERE queue_name = %s"  # noqa: S608 - as above
LOOK_AT_PARKED = f"""
    SELECT id, message_id::text, parked_at, left(message ->> 'actor_name', 200),
        coalesce(pg_column_size(message), 0), reason,
        CASE WHEN pg_column_size(message) <= coalesce(%s, pg_column_size(message)) THEN message::text END
    FROM {SCHEMA}.parked WHERE queue_name = %s AND id > %s ORDER BY id LIMIT %s"""  # noqa: S608 - as above
# Under a new id: the old one may be in the queue again.
TAKE_BACK = f"""
    WITH taken AS (DELETE FROM {SCHEMA}.parked WHERE id = ANY(%s) RETURNING queue_name, message)
    INSERT INTO {SCHEMA}.queue (message_id, queue_name, state, message)
    SELECT gen_random_uuid(), queue_name, 'queued', message FROM taken"""  # noqa: S608 - as above
REMOVE_PARKED = f"DELETE FROM {SCHEMA}.parked WHERE id = ANY(%s)"  # noqa: S608 - as above

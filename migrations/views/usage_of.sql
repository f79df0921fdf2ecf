-- The totals of some sessions. A function, not a join, so that Postgres plans it for the few sessions it is given: as a
-- part of daily_usage it would be costed for a spinning disk (random_page_cost is 4 by default), which makes reading all
-- participants ever, with JIT compilation, look cheaper.
CREATE OR REPLACE FUNCTION rollcall.usage_of(
    session_ids text[],
    OUT participant_time interval,
    OUT recordings_count bigint,
    OUT recording_seconds numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT participants.time, recordings.number, recordings.seconds
    FROM (
        SELECT coalesce(sum(present_until - present_from), interval '0') AS time
        FROM rollcall.connections WHERE session_id = ANY (session_ids)
    ) AS participants
    CROSS JOIN (
        SELECT count(*) AS number, coalesce(sum(seconds), 0) AS seconds
        FROM rollcall.recording_lengths WHERE session_id = ANY (session_ids)
    ) AS recordings;
END;

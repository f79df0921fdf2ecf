-- LATERAL looks up one session at a time: whether a query selects by id, by organization or the last twenty, only the
-- participants of those sessions are read.
CREATE OR REPLACE VIEW rollcall.session_summary AS
SELECT
    s.id AS session_id,
    s.meeting_id,
    s.organization_id,
    s.title,
    s.status,
    s.started_at,
    s.ended_at,
    -- greatest ignores nulls: 0 if the start is not known.
    extract(
        epoch FROM greatest(coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) - s.started_at, interval '0')
    ) AS duration_seconds,
    c.people,
    c.connections,
    (
        SELECT coalesce(max(present), 0) FROM rollcall.concurrency WHERE session_id = s.id
    ) AS peak_concurrency,
    c.participant_minutes,
    (
        SELECT coalesce(sum(seconds), 0) / 60 FROM rollcall.recording_lengths WHERE session_id = s.id
    ) AS recording_minutes
FROM rollcall.sessions s
CROSS JOIN LATERAL (
    SELECT
        count(DISTINCT person) AS people,
        count(*) AS connections,
        coalesce(extract(epoch FROM sum(present_until - present_from)), 0) / 60 AS participant_minutes
    FROM rollcall.connections
    WHERE session_id = s.id
) AS c;

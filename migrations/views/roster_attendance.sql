-- Who is expected, and how much of it they were there: over all sessions of the meeting that overlap their time, since
-- a room that drops makes two.
CREATE OR REPLACE VIEW rollcall.roster_attendance AS
SELECT
    r.meeting_id,
    r.person,
    r.starts_at,
    r.ends_at,
    r.display_name,
    r.minimum_share,
    held.sessions,
    attended.seconds AS attended_seconds,
    CASE WHEN held.seconds > 0 THEN least(1, attended.seconds / held.seconds) END AS share,
    CASE
        WHEN now() < r.ends_at OR held.goes_on THEN 'open'
        -- A session may still begin late.
        WHEN held.sessions = 0 AND now() < r.ends_at + interval '30 minutes' THEN 'open'
        WHEN attended.seconds = 0 THEN 'no_show'
        WHEN attended.seconds / nullif(held.seconds, 0) < r.minimum_share THEN 'below_threshold'
        ELSE 'attended'
    END AS verdict
FROM rollcall.roster r
CROSS JOIN LATERAL (
    SELECT
        count(*) AS sessions,
        coalesce(bool_or(s.status = 'live' AND now() < s.last_event_at + interval '24 hours'), false) AS goes_on,
        (
            SELECT coalesce(sum(extract(epoch FROM upper(stretch) - lower(stretch))), 0)
            FROM unnest(
                range_agg(
                    tstzrange(
                        s.started_at,
                        greatest(s.started_at, coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)))
                    )
                ) * tstzmultirange(tstzrange(r.starts_at, r.ends_at))
            ) AS stretch
        ) AS seconds
    FROM rollcall.sessions s
    WHERE s.meeting_id = r.meeting_id
        AND s.started_at < r.ends_at
        AND coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) > r.starts_at
) AS held
CROSS JOIN LATERAL (
    SELECT (
        SELECT coalesce(sum(extract(epoch FROM upper(stretch) - lower(stretch))), 0)
        FROM unnest(
            range_agg(tstzrange(c.present_from, c.present_until)) FILTER (WHERE c.present_from IS NOT NULL)
            * tstzmultirange(tstzrange(r.starts_at, r.ends_at))
        ) AS stretch
    ) AS seconds
    FROM rollcall.sessions s
    JOIN rollcall.connections c ON c.session_id = s.id AND c.person = r.person
    WHERE s.meeting_id = r.meeting_id
        AND s.started_at < r.ends_at
        AND coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) > r.starts_at
) AS attended;

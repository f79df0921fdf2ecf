-- A session counts whole on the UTC day on which it started, so that it stands on one bill and the days add up to
-- session_summary.
CREATE OR REPLACE VIEW rollcall.daily_usage AS
SELECT
    days.organization_id,
    days.day,
    days.sessions_count,
    extract(epoch FROM days.session_time) / 60 AS session_minutes,
    extract(epoch FROM usage.participant_time) / 60 AS participant_minutes,
    usage.recordings_count,
    usage.recording_seconds / 60 AS recording_minutes
FROM (
    SELECT
        organization_id,
        (started_at AT TIME ZONE 'UTC')::date AS day,
        count(*) AS sessions_count,
        sum(
            greatest(coalesce(ended_at, rollcall.counted_until(last_event_at)) - started_at, interval '0')
        ) AS session_time,
        array_agg(id) AS session_ids
    FROM rollcall.sessions
    GROUP BY 1, 2
) AS days
CROSS JOIN LATERAL rollcall.usage_of(days.session_ids) AS usage;

-- What the tables come to beside what the vendor counts itself, for sessions that it was asked about after their end.
CREATE OR REPLACE VIEW rollcall.session_drift AS
SELECT
    s.id AS session_id,
    u.participant_minutes,
    s.api_minutes,
    u.participant_minutes - s.api_minutes AS minutes_drift,
    u.peak_concurrency,
    s.api_peak,
    u.connections,
    l.participants AS api_connections,
    CASE
        WHEN l.session_id IS NULL OR NOT l.is_complete OR NOT l.is_ended OR s.api_minutes IS NULL THEN 'not compared'
        -- The vendor rounds each connection to the ten-thousandth of a minute.
        WHEN abs(u.participant_minutes - s.api_minutes) <= 0.0001 * greatest(u.connections, 1) THEN 'equal'
        WHEN abs(u.participant_minutes - s.api_minutes) <= 1 THEN 'within a minute'
        ELSE 'differs'
    END AS verdict
FROM rollcall.sessions s
LEFT JOIN rollcall.lookups l ON l.session_id = s.id
CROSS JOIN LATERAL (
    SELECT participant_minutes, peak_concurrency, connections FROM rollcall.session_summary WHERE session_id = s.id
) AS u;

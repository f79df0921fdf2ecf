-- How much of what happened came by webhooks: of sessions whose end the vendor's API was asked about. Of anything, it
-- counts as come by webhook what an event states the time of.
CREATE OR REPLACE VIEW rollcall.capture AS
SELECT
    organization_id,
    day,
    sessions,
    sessions_by_webhook,
    starts_by_webhook,
    ends_by_webhook,
    joins,
    joins_by_webhook,
    leaves,
    leaves_by_webhook,
    recordings,
    recordings_by_webhook,
    (starts_by_webhook + ends_by_webhook + joins_by_webhook + leaves_by_webhook + recordings_by_webhook)::numeric
        / nullif(2 * sessions + joins + leaves + recordings, 0) AS completeness,
    minutes_corrected
FROM (
    SELECT
        s.organization_id,
        (s.started_at AT TIME ZONE 'UTC')::date AS day,
        count(*) AS sessions,
        count(*) FILTER (WHERE s.last_received_at IS NOT NULL) AS sessions_by_webhook,
        count(*) FILTER (WHERE s.started_source = 'event') AS starts_by_webhook,
        count(*) FILTER (WHERE s.ended_source = 'event') AS ends_by_webhook,
        sum(p.joins)::bigint AS joins,
        sum(p.joins_by_webhook)::bigint AS joins_by_webhook,
        sum(p.leaves)::bigint AS leaves,
        sum(p.leaves_by_webhook)::bigint AS leaves_by_webhook,
        sum(r.recordings)::bigint AS recordings,
        sum(r.recordings_by_webhook)::bigint AS recordings_by_webhook,
        sum(p.seconds_corrected) / 60 AS minutes_corrected
    FROM rollcall.sessions s
    JOIN rollcall.lookups l ON l.session_id = s.id AND l.is_complete AND l.is_ended
    CROSS JOIN LATERAL (
        SELECT
            count(c.joined_at) AS joins,
            count(*) FILTER (WHERE c.joined_source = 'event') AS joins_by_webhook,
            count(c.left_at) AS leaves,
            count(*) FILTER (WHERE c.left_source = 'event') AS leaves_by_webhook,
            coalesce(sum(abs(extract(epoch FROM
                greatest(c.left_at - c.joined_at, interval '0')
                - coalesce(greatest(w.left_at - w.joined_at, interval '0'), interval '0')
            ))), 0) AS seconds_corrected
        FROM rollcall.participants c
        -- The same without the API: as the rules have it for events alone.
        CROSS JOIN LATERAL (
            SELECT
                coalesce(c.stated_joined_at, c.noticed_joined_at) AS joined_at,
                coalesce(
                    CASE WHEN c.last_joined_at > c.last_left_at THEN NULL ELSE c.last_left_at END,
                    s.stated_ended_at,
                    s.noticed_ended_at,
                    rollcall.counted_until(s.last_received_at)
                ) AS left_at
        ) AS w
        WHERE c.session_id = s.id
    ) AS p
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS recordings,
            count(*) FILTER (WHERE EXISTS (
                SELECT FROM rollcall.deliveries d WHERE d.subject_id = recording.id AND d.status = 'processed'
            )) AS recordings_by_webhook
        FROM rollcall.recordings recording WHERE recording.session_id = s.id
    ) AS r
    GROUP BY 1, 2
) AS counted;

CREATE OR REPLACE VIEW rollcall.concurrency AS
SELECT
    session_id,
    at,
    (sum(change) OVER (PARTITION BY session_id ORDER BY at))::bigint AS present
FROM (
    SELECT c.session_id, step.at, sum(step.change) AS change
    FROM rollcall.connections c
    CROSS JOIN LATERAL (VALUES (c.present_from, 1), (c.present_until, -1)) AS step (at, change)
    WHERE c.present_until > c.present_from
        -- Open connections have no end: no step down at now().
        AND (step.change = 1 OR c.left_at IS NOT NULL OR c.present_until < now())
    GROUP BY c.session_id, step.at
    -- One joins at the moment another leaves: the number does not change.
    HAVING sum(step.change) <> 0
) AS steps;

CREATE OR REPLACE VIEW rollcall.attendance AS
SELECT
    session_id,
    person,
    -- The name received last.
    (
        array_agg(display_name ORDER BY display_name_by DESC NULLS LAST, peer_id)
        FILTER (WHERE display_name IS NOT NULL)
    )[1] AS display_name,
    min(joined_at) AS first_joined_at,
    -- Null while one of the person's connections is open.
    CASE WHEN bool_and(left_at IS NOT NULL) THEN max(left_at) END AS last_left_at,
    count(*) AS connections,
    -- range_agg merges overlapping ranges: two devices at once count once.
    (
        SELECT coalesce(sum(extract(epoch FROM upper(stretch) - lower(stretch))), 0)
        FROM unnest(
            range_agg(tstzrange(present_from, present_until)) FILTER (WHERE present_from IS NOT NULL)
        ) AS stretch
    ) AS attended_seconds
FROM rollcall.connections
GROUP BY session_id, person;

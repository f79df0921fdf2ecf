-- What the other views share, one row a connection. Not among the views that people are promised.
CREATE OR REPLACE VIEW rollcall.connections AS
SELECT
    session_id,
    peer_id,
    coalesce(custom_participant_id, peer_id) AS person,
    display_name,
    display_name_by,
    joined_at,
    left_at,
    joined_at AS present_from,
    -- A leave before the join leaves an empty stretch, not a negative one.
    greatest(
        joined_at,
        coalesce(
            left_at,
            -- Not a join: only the few that are still open have to look at their session.
            (SELECT rollcall.counted_until(s.last_event_at) FROM rollcall.sessions s WHERE s.id = p.session_id)
        )
    ) AS present_until
FROM rollcall.participants p;

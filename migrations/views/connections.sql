-- Shared by the other views: one row per connection. Not part of the public interface.
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
    -- A leave before the join gives an empty range, not a negative one.
    greatest(
        joined_at,
        coalesce(
            left_at,
            -- Not a join: only the few still open connections have to look up their session.
            (SELECT rollcall.counted_until(s.last_event_at) FROM rollcall.sessions s WHERE s.id = p.session_id)
        )
    ) AS present_until
FROM rollcall.participants p;

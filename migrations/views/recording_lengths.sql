-- Shared by the other views: one row per recording. Not part of the public interface.
CREATE OR REPLACE VIEW rollcall.recording_lengths AS
SELECT
    id AS recording_id,
    session_id,
    greatest(
        coalesce(
            duration_seconds,
            -- Still running; it stops with its session at the latest.
            CASE WHEN stopped_at IS NULL AND status IN ('RECORDING', 'PAUSED') THEN (
                SELECT extract(epoch FROM coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) - r.started_at)
                FROM rollcall.sessions s WHERE s.id = r.session_id
            ) END
        ),
        0
    ) AS seconds
FROM rollcall.recordings r;

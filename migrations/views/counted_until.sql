-- The one place that says how long something counts that has not ended as far as is known. Postgres inlines it.
CREATE OR REPLACE FUNCTION rollcall.counted_until(last_event_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
-- A lost end must not bill indefinitely.
RETURN least(now(), last_event_at + interval '24 hours');

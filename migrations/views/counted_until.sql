-- The one definition of how long something counts whose end is not known. Postgres inlines it.
CREATE OR REPLACE FUNCTION rollcall.counted_until(last_event_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
-- A lost end must not bill indefinitely.
RETURN least(now(), last_event_at + interval '24 hours');

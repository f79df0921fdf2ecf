-- What the web console shows besides, for the sessions of populate_chunk.sql, in its transaction: deliveries that were set
-- aside, what the vendor's API was asked, and the messages of the last 90 days with how sending them went.

INSERT INTO rollcall.endpoints (id, name, url, types, status, disabled_reason)
VALUES
    ('ep_everything', 'Everything', 'https://hooks.example.com/all', '{*}', 'enabled', NULL),
    ('ep_sessions', 'Sessions', 'https://hooks.example.com/sessions', '{session.*}', 'enabled', NULL),
    ('ep_recordings', 'Recordings', 'https://hooks.example.com/recordings', '{recording.*}', 'disabled', 'failed for 5 days')
ON CONFLICT DO NOTHING;

-- One session in fifty has a delivery that was set aside; as many name no session.
INSERT INTO rollcall.deliveries
    (id, provider, delivery_uuid, webhook_id, event, body_sha256, received_at, processed_at, status, error, session_id,
     meeting_id, payload)
SELECT
    (overlay(h.id::text PLACING substr(md5(random()::text), 1, 12) FROM 25))::uuid, 'realtimekit',
    gen_random_uuid()::text, '0f3f1f5e-0000-4000-8000-000000000001', aside.event, sha256(uuid_send(gen_random_uuid())),
    h.received_at, h.received_at + interval '70 milliseconds', aside.status, aside.error,
    CASE WHEN aside.is_named THEN h.session_id END, CASE WHEN aside.is_named THEN told.meeting ->> 'id' END,
    jsonb_build_object('event', aside.event, 'meeting', told.meeting)
FROM (SELECT *, random() AS draw FROM happening WHERE kind = 'session.started') AS h
JOIN told USING (session_id)
JOIN (VALUES
    ('meeting.pollCreated', 'unknown', 'the event is not known to this version', true, 0, 0.014),
    ('meeting.ended', 'quarantined', 'endedAt is not a time: "yesterday"', true, 0.014, 0.02),
    ('meeting.started', 'foreign', 'the webhook id is not in WEBHOOK_IDS', false, 0.02, 0.036),
    ('meeting.ended', 'quarantined', 'meeting.sessionId is missing', false, 0.036, 0.04)
) AS aside (event, status, error, is_named, least, most) ON draw >= least AND draw < most;

INSERT INTO rollcall.lookups (session_id, asked_at, is_found, is_ended, participants, is_complete)
SELECT id, ended_at + interval '20 minutes', true, true, connections, random() >= 0.01 FROM run WHERE has_end;

CREATE TEMPORARY TABLE message ON COMMIT DROP AS
SELECT 'msg_' || gen_random_uuid() AS id, h.kind AS type, h.occurred_at, h.received_at, h.session_id, told.meeting, h.detail
FROM happening h JOIN told USING (session_id)
WHERE h.received_at > now() - interval '90 days'
    AND h.kind IN ('session.started', 'session.ended', 'participant.joined', 'recording.uploaded')
ORDER BY h.id;

INSERT INTO rollcall.messages (id, type, occurred_at, created_at, session_id, meeting_id, organization_id, body)
SELECT
    id, type, occurred_at, received_at, session_id, meeting ->> 'id', meeting -> 'organizedBy' ->> 'id',
    jsonb_build_object('type', type, 'timestamp', occurred_at, 'data', jsonb_build_object('session', meeting, 'entry', detail))
FROM message;

-- The youngest wait, one in a thousand was given up, and one endpoint has been disabled for three weeks.
INSERT INTO rollcall.message_deliveries
    (message_id, endpoint_id, position, session_id, status, reason, attempts, next_attempt_at, delivered_at, changed_at)
SELECT
    m.id, fate.endpoint_id, m.position, m.session_id, fate.status,
    CASE fate.status WHEN 'held' THEN 'disabled' WHEN 'given_up' THEN 'attempts' END,
    CASE fate.status WHEN 'delivered' THEN 1 WHEN 'given_up' THEN 3 ELSE 0 END,
    CASE fate.status WHEN 'pending' THEN now() END,
    CASE fate.status WHEN 'delivered' THEN m.created_at + interval '50 milliseconds' END,
    m.created_at + interval '1 second'
FROM message
JOIN rollcall.messages AS m USING (id)
CROSS JOIN LATERAL (
    SELECT e.id AS endpoint_id, CASE
        WHEN e.status = 'disabled' AND m.created_at > now() - interval '21 days' THEN 'held'
        WHEN m.created_at > now() - interval '5 minutes' THEN 'pending'
        WHEN random() < 0.001 THEN 'given_up'
        ELSE 'delivered'
    END AS status
    FROM rollcall.endpoints AS e
    WHERE EXISTS (SELECT FROM unnest(e.types) AS type WHERE m.type LIKE replace(type, '*', '%'))
) AS fate;

INSERT INTO rollcall.attempts (message_id, endpoint_id, number, at, duration_ms, status, error, answer)
SELECT
    d.message_id, d.endpoint_id, number, d.changed_at + (number - 1) * interval '1 minute', 20 + 100 * random(),
    CASE d.status WHEN 'delivered' THEN 200 ELSE 503 END, CASE d.status WHEN 'given_up' THEN 'answered 503' END,
    CASE d.status WHEN 'given_up' THEN 'Service Unavailable' END
FROM message
JOIN rollcall.message_deliveries AS d ON d.message_id = message.id
CROSS JOIN LATERAL generate_series(1, d.attempts) AS number;

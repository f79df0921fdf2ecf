-- One chunk of a populated database: sessions number populate.first to populate.last of populate.sessions, with all that
-- belongs to them, as workers would have written it. Times run up to now() over populate.days days, in order of number.
-- Run by benchmarks/populate.py in one transaction; the temporary tables vanish with it.

CREATE TEMPORARY TABLE run ON COMMIT DROP AS
SELECT
    n,
    gen_random_uuid()::text AS id,
    md5('meeting' || n % greatest(1, total / 10))::uuid::text AS meeting_id,
    md5('organization' || organization)::uuid::text AS organization_id,
    'Organization ' || organization AS organization_name,
    'Lesson ' || n % 40 || ', group ' || n % 997 AS title,
    started_at,
    started_at + length AS ended_at,
    length,
    -- Three in a thousand lose their end; the youngest are still going on.
    random() >= 0.003 AND started_at + length < now() AS has_end,
    random() < 0.5 AS is_recorded,
    -- A few large ones, some of a class's size, most of them small: 10 on average.
    CASE
        WHEN size < 0.001 THEN 1000
        WHEN size < 0.002 THEN 500
        WHEN size < 0.010 THEN 0
        WHEN size < 0.050 THEN 50
        ELSE 1 + floor(random() * 12.8)::int
    END AS connections
FROM (
    SELECT
        n,
        current_setting('populate.sessions')::int AS total,
        -- One organization has half of all sessions.
        CASE WHEN random() < 0.5 THEN 1
            ELSE 1 + floor(random() * current_setting('populate.organizations')::int)::int END AS organization,
        now() - current_setting('populate.days')::int * interval '1 day'
            * (1 - n::float8 / current_setting('populate.sessions')::int) AS started_at,
        interval '10 minutes' + random() * interval '80 minutes' AS length,
        random() AS size
    FROM generate_series(current_setting('populate.first')::int, current_setting('populate.last')::int) AS n
) AS drawn;

-- The `meeting` object of a session's events.
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
SELECT
    id AS session_id,
    jsonb_build_object(
        'id', meeting_id, 'sessionId', id, 'title', title, 'status', 'LIVE', 'roomName', meeting_id,
        'createdAt', to_char(started_at - interval '9 days', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'startedAt', to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'endedAt', null,
        'organizedBy', jsonb_build_object('id', organization_id, 'name', organization_name)
    ) AS meeting
FROM run;

CREATE TEMPORARY TABLE connection ON COMMIT DROP AS
SELECT
    session_id, peer_id, person, display_name, joined_at,
    CASE WHEN (has_end OR left_at < now()) AND NOT loses_leave THEN left_at END AS left_event_at,
    CASE WHEN has_end THEN ended_at END AS session_ended_at
FROM (
    SELECT
        run.id AS session_id,
        run.has_end,
        run.ended_at,
        gen_random_uuid()::text AS peer_id,
        -- Three in a hundred are machines, one in twelve is a person who rejoins or has a second device.
        CASE WHEN random() >= 0.03 THEN 'student-' || (run.n * 37 + k - (random() < 0.08)::int) % 60000 END AS person,
        'Student ' || (run.n * 37 + k) % 60000 AS display_name,
        run.started_at + power(random(), 4) * run.length AS joined_at,
        run.ended_at - power(random(), 6) * run.length AS early_or_late,
        random() < 0.03 AS loses_leave
    FROM run, generate_series(1, run.connections) AS k
) AS drawn, LATERAL (SELECT greatest(early_or_late, joined_at + interval '5 seconds') AS left_at) AS leave;

-- The events, one row each, in the order of receipt.
CREATE TEMPORARY TABLE happening ON COMMIT DROP AS
SELECT
    -- A version 7 UUID with microseconds, like the receiver's.
    (lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000), 3, '0')
        || 'a' || substr(md5(random()::text), 1, 15))::uuid AS id,
    received_at, event, kind, session_id, subject_id, occurred_at, detail, part
FROM (
    SELECT
        *,
        (extract(epoch FROM received_at) * 1000000)::bigint AS us
    FROM (
        SELECT *, occurred_at + interval '200 milliseconds' + random() * interval '2 seconds' AS received_at
        FROM (
            SELECT 'meeting.started' AS event, 'session.started' AS kind, id AS session_id, id AS subject_id,
                started_at AS occurred_at, '{}'::jsonb AS detail, '{}'::jsonb AS part
            FROM run
            UNION ALL
            SELECT 'meeting.ended', 'session.ended', id, id, ended_at,
                '{"reason": "ALL_PARTICIPANTS_LEFT"}', '{"reason": "ALL_PARTICIPANTS_LEFT"}'
            FROM run WHERE has_end
            UNION ALL
            SELECT 'meeting.participant' || initcap(kind), 'participant.' || kind, session_id, peer_id, at,
                jsonb_build_object('display_name', display_name, 'custom_participant_id', person),
                jsonb_build_object('participant', jsonb_build_object(
                    'peerId', peer_id, 'userDisplayName', display_name, 'clientSpecificId', person,
                    'customParticipantId', person,
                    'joinedAt', to_char(joined_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                    'leftAt', to_char(left_event_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
            FROM connection, LATERAL (VALUES ('joined', joined_at), ('left', left_event_at)) AS step (kind, at)
            WHERE at IS NOT NULL
            UNION ALL
            SELECT 'recording.statusUpdate', 'recording.' || lower(status), id, md5('recording' || id)::uuid::text,
                started_at + share * length, jsonb_build_object('status', status),
                jsonb_build_object('recording', jsonb_build_object(
                    'id', md5('recording' || id)::uuid, 'status', status, 'roomUUID', id, 'meetingId', meeting_id,
                    'organizationId', organization_id, 'outputFileName', id || '.mp4', 'fileSize', 183500800,
                    'downloadUrl', 'https://recordings.example.com/' || id || '.mp4?sig=' || md5(id) || md5(status)))
            FROM run, (VALUES ('INVOKED', 0.02), ('RECORDING', 0.03), ('UPLOADING', 0.98), ('UPLOADED', 1.1))
                AS step (status, share)
            WHERE is_recorded AND has_end
            UNION ALL
            SELECT 'meeting.' || replace(artifact, 'chat', 'chatSynced'), artifact || '.available', id, id,
                ended_at + interval '2 minutes', '{}', jsonb_build_object(artifact || 'DownloadUrl',
                    'https://artifacts.example.com/' || id || '/' || artifact || '?sig=' || md5(id) || md5(artifact),
                    artifact || 'DownloadUrlExpiry', to_char(ended_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            FROM run, unnest(ARRAY['chat', 'transcript', 'summary']) AS artifact
            WHERE has_end
        ) AS told_of
    ) AS received
) AS numbered
ORDER BY received_at;

ANALYZE run, told, connection, happening;

INSERT INTO rollcall.deliveries
    (id, provider, delivery_uuid, webhook_id, event, body_sha256, received_at, processed_at, status, session_id,
     meeting_id, subject_id, payload)
SELECT
    h.id, 'realtimekit', gen_random_uuid()::text, '0f3f1f5e-0000-4000-8000-000000000001', h.event,
    sha256(uuid_send(h.id)), h.received_at, h.received_at + interval '80 milliseconds', 'processed', h.session_id,
    told.meeting ->> 'id', CASE WHEN h.event = 'recording.statusUpdate' THEN h.subject_id END,
    jsonb_build_object('event', h.event, 'meeting', told.meeting) || h.part
FROM happening h JOIN told USING (session_id)
ORDER BY h.id;

-- The vendor's retries: enough for 30 deliveries per session on average.
INSERT INTO rollcall.deliveries
    (id, provider, delivery_uuid, webhook_id, event, body_sha256, received_at, processed_at, status, repeat_of,
     session_id, meeting_id)
SELECT
    (overlay(h.id::text PLACING substr(md5(random()::text), 1, 12) FROM 25))::uuid,
    'realtimekit', gen_random_uuid()::text, '0f3f1f5e-0000-4000-8000-000000000001', h.event,
    sha256(uuid_send(h.id)), h.received_at, h.received_at + interval '90 milliseconds', 'repeat', h.id, h.session_id,
    told.meeting ->> 'id'
FROM happening h JOIN told USING (session_id)
WHERE random() < current_setting('populate.repeats')::float8 AND h.event <> 'recording.statusUpdate'
ORDER BY h.id;

INSERT INTO rollcall.sessions
    (id, meeting_id, organization_id, title, status, started_at, ended_at, end_reason, last_event_at, meeting_by,
     organization_by, title_by, end_reason_by, stated_started_at, stated_ended_at, last_received_at, started_source,
     ended_source)
SELECT
    run.id, meeting_id, organization_id, title, CASE WHEN has_end THEN 'ended' ELSE 'live' END, started_at,
    CASE WHEN has_end THEN ended_at END, CASE WHEN has_end THEN 'ALL_PARTICIPANTS_LEFT' END, last.received_at, last.id,
    last.id, last.id, CASE WHEN has_end THEN last.id END, started_at, CASE WHEN has_end THEN ended_at END,
    last.received_at, 'event', CASE WHEN has_end THEN 'event' END
FROM run
JOIN (
    SELECT DISTINCT ON (session_id) session_id, id, received_at FROM happening ORDER BY session_id, received_at DESC
) AS last ON last.session_id = run.id
ORDER BY started_at;

INSERT INTO rollcall.participants
    (session_id, peer_id, custom_participant_id, display_name, joined_at, left_at, left_source,
     custom_participant_by, display_name_by, stated_joined_at, last_joined_at, last_left_at, joined_source)
SELECT
    c.session_id, c.peer_id, c.person, c.display_name, c.joined_at, coalesce(c.left_event_at, c.session_ended_at),
    CASE WHEN c.left_event_at IS NOT NULL THEN 'event' WHEN c.session_ended_at IS NOT NULL THEN 'session_end' END,
    CASE WHEN c.person IS NOT NULL THEN h.id END, h.id, c.joined_at, c.joined_at, c.left_event_at, 'event'
FROM connection c
JOIN happening h ON (h.session_id, h.subject_id, h.kind) = (c.session_id, c.peer_id, 'participant.joined')
ORDER BY h.id;

INSERT INTO rollcall.participant_events (session_id, peer_id, kind, occurred_at, delivery_id)
SELECT session_id, subject_id, substr(kind, 13), occurred_at, id FROM happening
WHERE kind IN ('participant.joined', 'participant.left')
ORDER BY id;

INSERT INTO rollcall.timeline (session_id, occurred_at, kind, subject_id, detail, delivery_id, id)
SELECT session_id, occurred_at, kind, subject_id, detail, id, id FROM happening ORDER BY id;

INSERT INTO rollcall.recordings
    (id, session_id, meeting_id, status, invoked_at, started_at, stopped_at, duration_seconds, file_size, file_name,
     download_url, download_url_expires_at, stop_reason)
SELECT
    md5('recording' || id)::uuid::text, id, meeting_id, 'UPLOADED', started_at + 0.02 * length,
    started_at + 0.03 * length, started_at + 0.98 * length, extract(epoch FROM 0.95 * length), 183500800,
    id || '.mp4', 'https://recordings.example.com/' || id || '.mp4?sig=' || md5(id), ended_at + interval '7 days',
    'ALL_PEERS_LEFT'
FROM run WHERE is_recorded AND has_end
ORDER BY started_at;

INSERT INTO rollcall.artifacts (session_id, kind, download_url, download_url_expires_at)
SELECT id, kind, 'https://artifacts.example.com/' || id || '/' || kind || '?sig=' || md5(id) || md5(kind),
    ended_at + interval '7 days'
FROM run, unnest(ARRAY['chat', 'transcript', 'summary']) AS kind
WHERE has_end
ORDER BY started_at;

INSERT INTO rollcall.meetings (id, organization_id, title, room_name, created_at)
SELECT DISTINCT ON (meeting_id) meeting_id, organization_id, title, meeting_id, started_at - interval '9 days' FROM run
ORDER BY meeting_id
ON CONFLICT DO NOTHING;

INSERT INTO rollcall.organizations (id, name)
SELECT DISTINCT organization_id, organization_name FROM run
ORDER BY organization_id
ON CONFLICT DO NOTHING;

-- SESSIONS
WITH written AS (
INSERT INTO rollcall.sessions AS old (
    id, meeting_id, organization_id, title, end_reason, last_event_at, stated_started_at, noticed_started_at,
    stated_ended_at, noticed_ended_at, meeting_by, organization_by, title_by, end_reason_by, started_at, ended_at,
    status)
SELECT new.*,
    coalesce(new.stated_started_at, new.noticed_started_at),
    coalesce(new.stated_ended_at, new.noticed_ended_at),
    CASE
        WHEN coalesce(new.stated_ended_at, new.noticed_ended_at) IS NULL
        THEN 'live' ELSE 'ended' END
FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
    %b::timestamptz[], %b::timestamptz[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]) AS new (
    id, meeting_id, organization_id, title, end_reason, last_event_at, stated_started_at, noticed_started_at,
    stated_ended_at, noticed_ended_at, meeting_by, organization_by, title_by, end_reason_by)
ON CONFLICT (id) DO UPDATE SET
    meeting_id = CASE WHEN old.meeting_by > excluded.meeting_by OR excluded.meeting_by IS NULL
        THEN old.meeting_id ELSE excluded.meeting_id END,
    meeting_by = greatest(old.meeting_by, excluded.meeting_by),
    organization_id = CASE WHEN old.organization_by > excluded.organization_by OR excluded.organization_by IS NULL
        THEN old.organization_id ELSE excluded.organization_id END,
    organization_by = greatest(old.organization_by, excluded.organization_by),
    title = CASE WHEN old.title_by > excluded.title_by OR excluded.title_by IS NULL
        THEN old.title ELSE excluded.title END,
    title_by = greatest(old.title_by, excluded.title_by),
    end_reason = CASE WHEN old.end_reason_by > excluded.end_reason_by OR excluded.end_reason_by IS NULL
        THEN old.end_reason ELSE excluded.end_reason END,
    end_reason_by = greatest(old.end_reason_by, excluded.end_reason_by),
    last_event_at = greatest(old.last_event_at, excluded.last_event_at),
    stated_started_at = least(old.stated_started_at, excluded.stated_started_at),
    noticed_started_at = least(old.noticed_started_at, excluded.noticed_started_at),
    stated_ended_at = greatest(old.stated_ended_at, excluded.stated_ended_at),
    noticed_ended_at = greatest(old.noticed_ended_at, excluded.noticed_ended_at),
    started_at = coalesce(least(old.stated_started_at, excluded.stated_started_at),
        least(old.noticed_started_at, excluded.noticed_started_at)),
    ended_at = coalesce(greatest(old.stated_ended_at, excluded.stated_ended_at),
        greatest(old.noticed_ended_at, excluded.noticed_ended_at)),
    status = CASE
        WHEN coalesce(greatest(old.stated_ended_at, excluded.stated_ended_at),
            greatest(old.noticed_ended_at, excluded.noticed_ended_at)) IS NULL
        THEN 'live' ELSE 'ended' END
RETURNING id, ended_at)
UPDATE rollcall.participants AS participant
SET left_at = written.ended_at, left_source = 'session_end'
FROM written LEFT JOIN rollcall.sessions AS former ON former.id = written.id
WHERE written.ended_at IS NOT NULL AND written.ended_at IS DISTINCT FROM former.ended_at
    AND participant.session_id = written.id
    AND (participant.left_source IS NULL OR participant.left_source = 'session_end');


-- PARTICIPANTS
INSERT INTO rollcall.participants AS old (
    session_id, peer_id, custom_participant_id, display_name, stated_joined_at, noticed_joined_at, last_joined_at,
    last_left_at, custom_participant_by, display_name_by, joined_at, left_at, left_source)
SELECT new.*,
    coalesce(new.stated_joined_at, new.noticed_joined_at),
    coalesce(CASE WHEN new.last_joined_at > new.last_left_at THEN NULL ELSE new.last_left_at END,
        session.ended_at),
    CASE
        WHEN CASE WHEN new.last_joined_at > new.last_left_at THEN NULL ELSE new.last_left_at END IS NOT NULL THEN 'event'
        WHEN session.ended_at IS NOT NULL THEN 'session_end'
        END
FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
    %b::timestamptz[], %b::uuid[], %b::uuid[]) AS new (
    session_id, peer_id, custom_participant_id, display_name, stated_joined_at, noticed_joined_at, last_joined_at,
    last_left_at, custom_participant_by, display_name_by)
JOIN rollcall.sessions AS session ON session.id = new.session_id
ON CONFLICT (session_id, peer_id) DO UPDATE SET
    custom_participant_id = CASE WHEN old.custom_participant_by > excluded.custom_participant_by OR excluded.custom_participant_by IS NULL
        THEN old.custom_participant_id ELSE excluded.custom_participant_id END,
    custom_participant_by = greatest(old.custom_participant_by, excluded.custom_participant_by),
    display_name = CASE WHEN old.display_name_by > excluded.display_name_by OR excluded.display_name_by IS NULL
        THEN old.display_name ELSE excluded.display_name END,
    display_name_by = greatest(old.display_name_by, excluded.display_name_by),
    stated_joined_at = least(old.stated_joined_at, excluded.stated_joined_at),
    noticed_joined_at = least(old.noticed_joined_at, excluded.noticed_joined_at),
    last_joined_at = greatest(old.last_joined_at, excluded.last_joined_at),
    last_left_at = greatest(old.last_left_at, excluded.last_left_at),
    joined_at = coalesce(least(old.stated_joined_at, excluded.stated_joined_at),
        least(old.noticed_joined_at, excluded.noticed_joined_at)),
    left_at = coalesce(CASE
            WHEN greatest(old.last_joined_at, excluded.last_joined_at) > greatest(old.last_left_at, excluded.last_left_at)
            THEN NULL ELSE greatest(old.last_left_at, excluded.last_left_at) END,
        (SELECT ended_at FROM rollcall.sessions WHERE id = excluded.session_id)),
    left_source = CASE
        WHEN CASE
            WHEN greatest(old.last_joined_at, excluded.last_joined_at) > greatest(old.last_left_at, excluded.last_left_at)
            THEN NULL ELSE greatest(old.last_left_at, excluded.last_left_at) END IS NOT NULL THEN 'event'
        WHEN (SELECT ended_at FROM rollcall.sessions WHERE id = excluded.session_id) IS NOT NULL THEN 'session_end'
        END;


-- PARTICIPANT_EVENTS
INSERT INTO rollcall.participant_events AS old (
    session_id, peer_id, kind, occurred_at, delivery_id)
SELECT * FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::uuid[])
ON CONFLICT (session_id, peer_id, kind, occurred_at) DO UPDATE SET
    delivery_id = excluded.delivery_id
WHERE excluded.delivery_id < old.delivery_id;


-- TIMELINE
INSERT INTO rollcall.timeline AS old (
    session_id, kind, subject_id, occurred_at, detail, delivery_id)
SELECT * FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[]::jsonb[], %b::uuid[])
ON CONFLICT (session_id, kind, subject_id, occurred_at) DO UPDATE SET
    detail = excluded.detail,
    delivery_id = excluded.delivery_id
WHERE excluded.delivery_id < old.delivery_id;


-- ARTIFACTS
INSERT INTO rollcall.artifacts AS old (
    session_id, kind, download_url, download_url_expires_at, download_url_by, expires_by)
SELECT new.*
FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::uuid[], %b::uuid[]) AS new (
    session_id, kind, download_url, download_url_expires_at, download_url_by, expires_by)
ON CONFLICT (session_id, kind) DO UPDATE SET
    download_url = CASE WHEN old.download_url_by > excluded.download_url_by OR excluded.download_url_by IS NULL
        THEN old.download_url ELSE excluded.download_url END,
    download_url_by = greatest(old.download_url_by, excluded.download_url_by),
    download_url_expires_at = CASE WHEN old.expires_by > excluded.expires_by OR excluded.expires_by IS NULL
        THEN old.download_url_expires_at ELSE excluded.download_url_expires_at END,
    expires_by = greatest(old.expires_by, excluded.expires_by);


-- RECORDINGS
INSERT INTO rollcall.recordings AS old (
    id, session_id, meeting_id, status, invoked_at, started_at, stopped_at, duration_seconds, file_size, file_name,
    download_url, audio_download_url, download_url_expires_at, stop_reason)
SELECT * FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
    %b::numeric[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[])
ON CONFLICT (id) DO UPDATE SET
    session_id = excluded.session_id,
    meeting_id = excluded.meeting_id,
    status = excluded.status,
    invoked_at = excluded.invoked_at,
    started_at = excluded.started_at,
    stopped_at = excluded.stopped_at,
    duration_seconds = excluded.duration_seconds,
    file_size = excluded.file_size,
    file_name = excluded.file_name,
    download_url = excluded.download_url,
    audio_download_url = excluded.audio_download_url,
    download_url_expires_at = excluded.download_url_expires_at,
    stop_reason = excluded.stop_reason;


-- LIVESTREAMS
INSERT INTO rollcall.livestreams AS old (
    stream_id, meeting_id, status, last_changed_at, playback_url)
SELECT * FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[])
ON CONFLICT (stream_id) DO UPDATE SET
    meeting_id = excluded.meeting_id,
    status = excluded.status,
    last_changed_at = excluded.last_changed_at,
    playback_url = excluded.playback_url;


-- MEETINGS
INSERT INTO rollcall.meetings AS old (
    id, organization_id, title, room_name, created_at, organization_by, title_by, room_name_by)
SELECT new.*
FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::uuid[], %b::uuid[], %b::uuid[]) AS new (
    id, organization_id, title, room_name, created_at, organization_by, title_by, room_name_by)
ON CONFLICT (id) DO UPDATE SET
    organization_id = CASE WHEN old.organization_by > excluded.organization_by OR excluded.organization_by IS NULL
        THEN old.organization_id ELSE excluded.organization_id END,
    organization_by = greatest(old.organization_by, excluded.organization_by),
    title = CASE WHEN old.title_by > excluded.title_by OR excluded.title_by IS NULL
        THEN old.title ELSE excluded.title END,
    title_by = greatest(old.title_by, excluded.title_by),
    room_name = CASE WHEN old.room_name_by > excluded.room_name_by OR excluded.room_name_by IS NULL
        THEN old.room_name ELSE excluded.room_name END,
    room_name_by = greatest(old.room_name_by, excluded.room_name_by),
    created_at = least(old.created_at, excluded.created_at);


-- ORGANIZATIONS
INSERT INTO rollcall.organizations AS old (
    id, name, name_by)
SELECT new.*
FROM unnest(
    %b::text[], %b::text[], %b::uuid[]) AS new (
    id, name, name_by)
ON CONFLICT (id) DO UPDATE SET
    name = CASE WHEN old.name_by > excluded.name_by OR excluded.name_by IS NULL
        THEN old.name ELSE excluded.name END,
    name_by = greatest(old.name_by, excluded.name_by);


-- TIMELINE_WITHDRAWN
DELETE FROM rollcall.timeline AS entry
USING unnest(%b::text[], %b::text[], %b::text[], %b::timestamptz[]) AS gone (session_id, kind, subject_id, occurred_at)
WHERE entry.session_id = gone.session_id AND entry.kind = gone.kind
    AND entry.subject_id = gone.subject_id AND entry.occurred_at = gone.occurred_at;


-- TIMELINE_WITHDRAWN_WITHOUT_SESSION
DELETE FROM rollcall.timeline AS entry
USING unnest(%b::text[], %b::text[], %b::timestamptz[]) AS gone (kind, subject_id, occurred_at)
WHERE entry.session_id IS NULL AND entry.kind = gone.kind
    AND entry.subject_id = gone.subject_id AND entry.occurred_at = gone.occurred_at;

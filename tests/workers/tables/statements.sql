-- SESSIONS
WITH written AS (
INSERT INTO rollcall.sessions AS old (
id, meeting_id, organization_id, title, end_reason, last_received_at, stated_started_at, noticed_started_at,
stated_ended_at, noticed_ended_at, meeting_by, organization_by, title_by, end_reason_by, started_at, started_source,
ended_at, ended_source, status, last_event_at)
SELECT new.*,
coalesce(new.stated_started_at, new.noticed_started_at),
CASE
WHEN new.stated_started_at IS NOT NULL THEN 'event'
WHEN new.noticed_started_at IS NOT NULL THEN 'received'
END,
coalesce(new.stated_ended_at, new.noticed_ended_at),
CASE
WHEN new.stated_ended_at IS NOT NULL THEN 'event'
WHEN new.noticed_ended_at IS NOT NULL THEN 'received'
END,
CASE
WHEN coalesce(new.stated_ended_at, new.noticed_ended_at) IS NULL
THEN 'live' ELSE 'ended' END,
new.last_received_at
FROM unnest(
%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
%b::timestamptz[], %b::timestamptz[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]) AS new (
id, meeting_id, organization_id, title, end_reason, last_received_at, stated_started_at, noticed_started_at,
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
last_received_at = greatest(old.last_received_at, excluded.last_received_at),
stated_started_at = least(old.stated_started_at, excluded.stated_started_at),
noticed_started_at = least(old.noticed_started_at, excluded.noticed_started_at),
stated_ended_at = greatest(old.stated_ended_at, excluded.stated_ended_at),
noticed_ended_at = greatest(old.noticed_ended_at, excluded.noticed_ended_at),
started_at = coalesce(least(old.stated_started_at, excluded.stated_started_at),
old.api_started_at,
least(old.noticed_started_at, excluded.noticed_started_at)),
started_source = CASE
WHEN least(old.stated_started_at, excluded.stated_started_at) IS NOT NULL THEN 'event'
WHEN old.api_started_at IS NOT NULL THEN 'api'
WHEN least(old.noticed_started_at, excluded.noticed_started_at) IS NOT NULL THEN 'received'
END,
ended_at = coalesce(greatest(old.stated_ended_at, excluded.stated_ended_at),
old.api_ended_at,
greatest(old.noticed_ended_at, excluded.noticed_ended_at)),
ended_source = CASE
WHEN greatest(old.stated_ended_at, excluded.stated_ended_at) IS NOT NULL THEN 'event'
WHEN old.api_ended_at IS NOT NULL THEN 'api'
WHEN greatest(old.noticed_ended_at, excluded.noticed_ended_at) IS NOT NULL THEN 'received'
END,
status = CASE
WHEN coalesce(greatest(old.stated_ended_at, excluded.stated_ended_at),
old.api_ended_at,
greatest(old.noticed_ended_at, excluded.noticed_ended_at)) IS NULL
THEN 'live' ELSE 'ended' END,
last_event_at = coalesce(greatest(greatest(old.last_received_at, excluded.last_received_at), old.live_at),
old.api_ended_at,
old.first_observed_at)
RETURNING id, ended_at)
UPDATE rollcall.participants AS participant
SET left_at = written.ended_at, left_source = 'session_end'
FROM written LEFT JOIN rollcall.sessions AS former ON former.id = written.id
WHERE written.ended_at IS NOT NULL AND written.ended_at IS DISTINCT FROM former.ended_at
AND participant.session_id = written.id
AND (participant.left_source IS NULL OR participant.left_source = 'session_end');


-- OBSERVED_SESSIONS
WITH written AS (
INSERT INTO rollcall.sessions AS old (
id, meeting_id, organization_id, title, observed_by, api_started_at, api_ended_at, api_minutes, api_peak, live_at,
first_observed_at, meeting_by, organization_by, title_by, started_at, started_source, ended_at, ended_source,
status, last_event_at)
SELECT new.*,
new.api_started_at,
CASE WHEN new.api_started_at IS NOT NULL THEN 'api' END,
new.api_ended_at,
CASE WHEN new.api_ended_at IS NOT NULL THEN 'api' END,
CASE WHEN new.api_ended_at IS NULL THEN 'live' ELSE 'ended' END,
coalesce(new.live_at, new.api_ended_at, new.first_observed_at)
FROM unnest(
%b::text[], %b::text[], %b::text[], %b::text[], %b::uuid[], %b::timestamptz[], %b::timestamptz[], %b::numeric[],
%b::bigint[], %b::timestamptz[], %b::timestamptz[], %b::uuid[], %b::uuid[], %b::uuid[]) AS new (
id, meeting_id, organization_id, title, observed_by, api_started_at, api_ended_at, api_minutes, api_peak, live_at,
first_observed_at, meeting_by, organization_by, title_by)
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
observed_by = greatest(old.observed_by, excluded.observed_by),
api_started_at = CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_started_at ELSE excluded.api_started_at END,
api_ended_at = CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_ended_at ELSE excluded.api_ended_at END,
api_minutes = CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_minutes ELSE excluded.api_minutes END,
api_peak = CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_peak ELSE excluded.api_peak END,
live_at = greatest(old.live_at, excluded.live_at),
first_observed_at = least(old.first_observed_at, excluded.first_observed_at),
started_at = coalesce(old.stated_started_at,
CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_started_at ELSE excluded.api_started_at END,
old.noticed_started_at),
started_source = CASE
WHEN old.stated_started_at IS NOT NULL THEN 'event'
WHEN CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_started_at ELSE excluded.api_started_at END IS NOT NULL THEN 'api'
WHEN old.noticed_started_at IS NOT NULL THEN 'received'
END,
ended_at = coalesce(old.stated_ended_at,
CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_ended_at ELSE excluded.api_ended_at END,
old.noticed_ended_at),
ended_source = CASE
WHEN old.stated_ended_at IS NOT NULL THEN 'event'
WHEN CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_ended_at ELSE excluded.api_ended_at END IS NOT NULL THEN 'api'
WHEN old.noticed_ended_at IS NOT NULL THEN 'received'
END,
status = CASE
WHEN coalesce(old.stated_ended_at,
CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_ended_at ELSE excluded.api_ended_at END,
old.noticed_ended_at) IS NULL
THEN 'live' ELSE 'ended' END,
last_event_at = coalesce(greatest(old.last_received_at, greatest(old.live_at, excluded.live_at)),
CASE WHEN old.observed_by > excluded.observed_by
THEN old.api_ended_at ELSE excluded.api_ended_at END,
least(old.first_observed_at, excluded.first_observed_at))
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
    last_left_at, custom_participant_by, display_name_by, joined_at, joined_source, left_at, left_source)
SELECT new.*,
    coalesce(new.stated_joined_at, new.noticed_joined_at),
    CASE
        WHEN new.stated_joined_at IS NOT NULL THEN 'event'
        WHEN new.noticed_joined_at IS NOT NULL THEN 'received'
        END,
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
        old.api_joined_at,
        least(old.noticed_joined_at, excluded.noticed_joined_at)),
    joined_source = CASE
        WHEN least(old.stated_joined_at, excluded.stated_joined_at) IS NOT NULL THEN 'event'
        WHEN old.api_joined_at IS NOT NULL THEN 'api'
        WHEN least(old.noticed_joined_at, excluded.noticed_joined_at) IS NOT NULL THEN 'received'
        END,
    left_at = coalesce(CASE
            WHEN greatest(old.last_joined_at, excluded.last_joined_at) > greatest(old.last_left_at, excluded.last_left_at)
            THEN NULL ELSE greatest(old.last_left_at, excluded.last_left_at) END,
        CASE
            WHEN greatest(old.last_joined_at, excluded.last_joined_at) > old.api_left_at
            THEN NULL ELSE old.api_left_at END,
        (SELECT ended_at FROM rollcall.sessions WHERE id = excluded.session_id)),
    left_source = CASE
        WHEN CASE
            WHEN greatest(old.last_joined_at, excluded.last_joined_at) > greatest(old.last_left_at, excluded.last_left_at)
            THEN NULL ELSE greatest(old.last_left_at, excluded.last_left_at) END IS NOT NULL THEN 'event'
        WHEN CASE
            WHEN greatest(old.last_joined_at, excluded.last_joined_at) > old.api_left_at
            THEN NULL ELSE old.api_left_at END IS NOT NULL THEN 'api'
        WHEN (SELECT ended_at FROM rollcall.sessions WHERE id = excluded.session_id) IS NOT NULL THEN 'session_end'
        END;


-- OBSERVED_PARTICIPANTS
INSERT INTO rollcall.participants AS old (
    session_id, peer_id, custom_participant_id, display_name, observed_by, user_id, preset_name, api_joined_at,
    api_left_at, spans_connections, custom_participant_by, display_name_by, joined_at, joined_source, left_at,
    left_source)
SELECT new.*,
    new.api_joined_at,
    CASE WHEN new.api_joined_at IS NOT NULL THEN 'api' END,
    coalesce(new.api_left_at, session.ended_at),
    CASE
        WHEN new.api_left_at IS NOT NULL THEN 'api'
        WHEN session.ended_at IS NOT NULL THEN 'session_end'
        END
FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::uuid[], %b::text[], %b::text[], %b::timestamptz[],
    %b::timestamptz[], %b::boolean[], %b::uuid[], %b::uuid[]) AS new (
    session_id, peer_id, custom_participant_id, display_name, observed_by, user_id, preset_name, api_joined_at,
    api_left_at, spans_connections, custom_participant_by, display_name_by)
JOIN rollcall.sessions AS session ON session.id = new.session_id
ON CONFLICT (session_id, peer_id) DO UPDATE SET
    custom_participant_id = CASE WHEN old.custom_participant_by > excluded.custom_participant_by OR excluded.custom_participant_by IS NULL
        THEN old.custom_participant_id ELSE excluded.custom_participant_id END,
    custom_participant_by = greatest(old.custom_participant_by, excluded.custom_participant_by),
    display_name = CASE WHEN old.display_name_by > excluded.display_name_by OR excluded.display_name_by IS NULL
        THEN old.display_name ELSE excluded.display_name END,
    display_name_by = greatest(old.display_name_by, excluded.display_name_by),
    observed_by = greatest(old.observed_by, excluded.observed_by),
    user_id = CASE WHEN old.observed_by > excluded.observed_by
        THEN old.user_id ELSE excluded.user_id END,
    preset_name = CASE WHEN old.observed_by > excluded.observed_by
        THEN old.preset_name ELSE excluded.preset_name END,
    api_joined_at = CASE WHEN old.observed_by > excluded.observed_by
        THEN old.api_joined_at ELSE excluded.api_joined_at END,
    api_left_at = CASE WHEN old.observed_by > excluded.observed_by
        THEN old.api_left_at ELSE excluded.api_left_at END,
    spans_connections = CASE WHEN old.observed_by > excluded.observed_by
        THEN old.spans_connections ELSE excluded.spans_connections END,
    joined_at = coalesce(old.stated_joined_at,
        CASE WHEN old.observed_by > excluded.observed_by
            THEN old.api_joined_at ELSE excluded.api_joined_at END,
        old.noticed_joined_at),
    joined_source = CASE
        WHEN old.stated_joined_at IS NOT NULL THEN 'event'
        WHEN CASE WHEN old.observed_by > excluded.observed_by
            THEN old.api_joined_at ELSE excluded.api_joined_at END IS NOT NULL THEN 'api'
        WHEN old.noticed_joined_at IS NOT NULL THEN 'received'
        END,
    left_at = coalesce(CASE WHEN old.last_joined_at > old.last_left_at THEN NULL ELSE old.last_left_at END,
        CASE
            WHEN old.last_joined_at > CASE WHEN old.observed_by > excluded.observed_by
                THEN old.api_left_at ELSE excluded.api_left_at END
            THEN NULL ELSE CASE WHEN old.observed_by > excluded.observed_by
                THEN old.api_left_at ELSE excluded.api_left_at END END,
        (SELECT ended_at FROM rollcall.sessions WHERE id = excluded.session_id)),
    left_source = CASE
        WHEN CASE WHEN old.last_joined_at > old.last_left_at THEN NULL ELSE old.last_left_at END IS NOT NULL THEN 'event'
        WHEN CASE
            WHEN old.last_joined_at > CASE WHEN old.observed_by > excluded.observed_by
                THEN old.api_left_at ELSE excluded.api_left_at END
            THEN NULL ELSE CASE WHEN old.observed_by > excluded.observed_by
                THEN old.api_left_at ELSE excluded.api_left_at END END IS NOT NULL THEN 'api'
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
    session_id, kind, subject_id, occurred_at, detail, delivery_id, id)
SELECT new.*, new.delivery_id FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[]::jsonb[], %b::uuid[]) AS new (
    session_id, kind, subject_id, occurred_at, detail, delivery_id)
ON CONFLICT (session_id, kind, subject_id, occurred_at) DO UPDATE SET
    detail = excluded.detail,
    delivery_id = excluded.delivery_id,
    id = excluded.id
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


-- TIMELINE_OVER_OBSERVED
DELETE FROM rollcall.timeline WHERE id IN (
    SELECT entry.id FROM unnest(%b::text[], %b::text[], %b::text[]) AS event (session_id, kind, subject_id), LATERAL (
        SELECT api.id FROM rollcall.timeline AS api
        WHERE api.source = 'api' AND api.subject_id = event.subject_id AND api.kind = event.kind
            AND api.session_id = event.session_id
        OFFSET 0) AS entry);


-- TIMELINE_OBSERVED_WITHDRAWN
DELETE FROM rollcall.timeline AS entry
WHERE entry.source = 'api' AND entry.subject_id = ANY(%b::text[]) AND entry.kind = ANY(%b::text[]);


-- TIMELINE_OBSERVED
WITH reported AS MATERIALIZED (
    SELECT DISTINCT session_id, kind, subject_id FROM rollcall.timeline
    WHERE session_id = ANY(%b::text[]) AND source = 'event')
INSERT INTO rollcall.timeline (id, session_id, kind, subject_id, occurred_at, detail, source, observation_id)
SELECT new.id, new.session_id, new.kind, new.subject_id, new.occurred_at, new.detail, 'api', new.observation_id
FROM unnest(
    %b::uuid[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[]::jsonb[], %b::uuid[]) AS new (
    id, session_id, kind, subject_id, occurred_at, detail, observation_id)
WHERE NOT EXISTS (
    SELECT FROM reported
    WHERE reported.session_id = new.session_id AND reported.kind = new.kind AND reported.subject_id = new.subject_id)
ON CONFLICT (id) DO UPDATE SET
    occurred_at = excluded.occurred_at, detail = excluded.detail, observation_id = excluded.observation_id;


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

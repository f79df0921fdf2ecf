"""Rules that are wrong, each as a change of a line of the reference model; see `mutations`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """A wrong rule: in a module of the reference model, `wrong` replaces `right`."""

    rule: str
    module: str
    right: str
    wrong: str


MUTATIONS = [
    Mutation("fractions of milliseconds get lost", "values", "{1,6}))?(?:", "{1,3})\\d*)?(?:"),
    Mutation("an offset counts the wrong way", "values", 'if sign == "+"', 'if sign == "-"'),
    Mutation(
        "the recording's session wins over the meeting's",
        "reading",
        'report.session_id or self._id(recording, "roomUUID")',
        'self._id(recording, "roomUUID") or report.session_id',
    ),
    Mutation("the old name of a person's id is not read", "reading", 'else "clientSpecificId"', 'else "-"'),
    Mutation("a file's size as text is not read", "reading", "isinstance(size, str) and", "False and"),
    Mutation("a leave without its time counts", "reading", "self._need(self.report.left_at)", "pass"),
    Mutation("same bytes are never a new transition", "ledger", "        moved_on\n        and", "        False and"),
    Mutation("a subject need not have moved on", "ledger", "        moved_on\n        and", "        True and"),
    Mutation("it suffices to have moved on since ever", "ledger", "copies.previous.id < other_id", "other_id"),
    Mutation("a minute need not have passed", "ledger", "> A_RETRY_COMES_WITHIN", ">= timedelta(0)"),
    Mutation("a minute suffices to the microsecond", "ledger", "> A_RETRY_COMES_WITHIN", ">= A_RETRY_COMES_WITHIN"),
    Mutation("a known delivery id can be a new transition", "ledger", "bool(_uuids(delivery) - copies.uuids)", "True"),
    Mutation("a minute counts from the first copy", "ledger", "copies.previous = delivery", "pass"),
    Mutation("repeats count", "ledger", "copies = bodies.get(body_sha256(delivery))", "copies = None"),
    Mutation(
        "identity is the delivery's id", "ledger", "hashlib.sha256(delivery.body)", "hashlib.sha256(delivery.id.bytes)"
    ),
    Mutation(
        "no header is anybody's",
        "ledger",
        "delivery.webhook_id not in",
        "delivery.webhook_id and delivery.webhook_id not in",
    ),
    Mutation("a leave at any time counts", "reading", "moment > self.received_at + _A_DAY", "False"),
    Mutation("the year 1970 counts", "reading", "moment < _SERVICE_BEGAN or", ""),
    Mutation("2015 has not begun", "reading", "moment < _SERVICE_BEGAN", "moment <= _SERVICE_BEGAN"),
    Mutation("nothing happens ahead of its receipt", "reading", "self.received_at + _A_DAY", "self.received_at"),
    Mutation("a link expires within a day", "reading", "self.received_at + _TEN_YEARS", "self.received_at + _A_DAY"),
    Mutation("a link never expires", "reading", "moment > self.received_at + _TEN_YEARS", "False"),
    Mutation("any organization counts", "ledger", "not report.organizations_named <= scope.organization_ids", "False"),
    Mutation(
        "one organization of ours suffices",
        "ledger",
        "not report.organizations_named <= scope",
        "not report.organizations_named & scope",
    ),
    Mutation("who names nobody counts", "ledger", 'report.event != "livestreaming.statusUpdate"', "False"),
    Mutation("a stream must name somebody", "ledger", 'report.event != "livestreaming.statusUpdate"', "True"),
    Mutation("a stream that names nobody has a meeting", "ledger", "report = report.of_stream_alone()", "pass"),
    Mutation("what can't be read is nobody's", "ledger", " or not report.is_object", ""),
    Mutation(
        "only the meeting's organizer is looked at",
        "reading",
        'for place in (body, self._object(body, "meeting"), self._object(body, "recording"))',
        'for place in (self._object(body, "meeting"),)',
    ),
    Mutation(
        "the order is another than that of ids",
        "ledger",
        "key=lambda delivery: delivery.id)",
        "key=lambda delivery: hash(delivery.body))",
    ),
    Mutation("the first name wins", "oracle", "return values[-1] if", "return values[0] if"),
    Mutation(
        "the latest start and join win",
        "oracle",
        "return min(values, default=None)",
        "return max(values, default=None)",
    ),
    Mutation(
        "the earliest end and leave win",
        "oracle",
        "return max(values, default=None)",
        "return min(values, default=None)",
    ),
    Mutation("the latest join wins", "oracle", '"joined_at": _earliest(stated)', '"joined_at": _latest(stated)'),
    Mutation("a start is when its event came", "oracle", '_earliest(_stated(entries, "started_at")) or', "None or"),
    Mutation("an end is when its event came", "oracle", '_latest(_stated(entries, "ended_at")) or', "None or"),
    Mutation(
        "only meeting.ended ends a session",
        "oracle",
        '_stated(entries, "ended_at")',
        '_stated((e for e in entries if e.report.event == "meeting.ended"), "ended_at")',
    ),
    Mutation("nobody is ever back", "oracle", "(last_join is None or last_join <= last_leave)", "True"),
    Mutation("who joins as they leave is back", "oracle", "last_join <= last_leave", "last_join < last_leave"),
    Mutation("an end takes nobody along", "oracle", '"session_end"', "None"),
    Mutation(
        "an end wins over a real leave",
        "oracle",
        "if last_leave is not None and",
        "if _ended_at(sessions[session]) is None and last_leave is not None and",
    ),
    Mutation(
        "a left gives no join",
        "oracle",
        'stated = _stated(entries, "joined_at")',
        'stated = _stated((e for e in entries if e.report.left_at is None), "joined_at")',
    ),
    Mutation("a recording goes back", "oracle", "return RANKS[str(entry.report.status)]", "return 0"),
    Mutation("paused is later than recording", "oracle", '"PAUSED": 2', '"PAUSED": 2.5'),
    Mutation("the first of equals wins", "oracle", "sorted(ranked, key=_rank)", "sorted(reversed(ranked), key=_rank)"),
    Mutation(
        "the vendor's duration wins",
        "oracle",
        "if started is not None and stopped is not None and",
        'if not _stated(entries, "recording_duration") and started and stopped and',
    ),
    Mutation("every status moves a livestream's change", "oracle", "and entry.report.status != status:", "and True:"),
    Mutation(
        "every RECORDING began with the first",
        "happenings",
        "report.started_time if first_recording else None",
        "report.started_time",
    ),
    Mutation(
        "a later UPLOADING stopped with the first",
        "happenings",
        "None if entry.copy else report.stopped_time",
        "report.stopped_time",
    ),
    Mutation("what happened, happened on receipt", "happenings", "stated or entry.received_at", "entry.received_at"),
    Mutation(
        "the last to report has it",
        "happenings",
        "happenings.setdefault((report.session_id, kind, subject, stated or entry.received_at), entry.id)",
        "happenings[report.session_id, kind, subject, stated or entry.received_at] = entry.id",
    ),
    Mutation(
        "two devices count twice",
        "presence",
        "in pieces(intervals) if number)",
        "in [(*stay, 1) for stay in intervals])",
    ),
    Mutation("a lost end bills for ever", "presence", "return min(now, last_event_at + LOST_END_COUNTS)", "return now"),
    Mutation("a lost end bills nothing", "presence", "timedelta(hours=24)", "timedelta(0)"),
    Mutation("a change counts one step only", "presence", "sum(start <= begin", "any(start <= begin"),
    Mutation("a person is a connection", "presence", 'participant["custom_participant_id"] or ', ""),
]

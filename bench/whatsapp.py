"""A million messages by WhatsApp, asked for as their people do; and how soon people see what somebody writes."""

from collections.abc import Sequence

import psycopg

from bench import questions, replies
from bench.data import BUSY, Caller
from bench.questions import Question
from bench.report import Outcome, aligned
from bench.site import Site

MESSAGES, JOBS = 1_000_000, 100_000
# Of the caller, beside what everybody has.
OWN_MESSAGES, OWN_JOBS = 1000, 200

QUESTIONS = (
    Question(
        "the newest messages",
        """{ whatsappMessages(first: 20, orderBy: [{ createdAt: DESC }]) {
             nodes { id direction status body createdAt trip { id title } } } }""",
        '"status":"READ"',
    ),
    Question(
        "one message, and what was told of it",
        """query ($message: UUID!) { whatsappMessage(id: $message) {
             status body cost sender { displayName } deliveries(first: 10) { nodes { status occurredAt } } } }""",
        '"status":"DELIVERED"',
    ),
    Question(
        "the messages about one trip",
        """query ($trip: UUID!) {
             whatsappMessages(filter: { tripId: { eq: $trip } }, first: 20, orderBy: [{ createdAt: DESC }]) {
               nodes { id status body } } }""",
        '"nodes":[{',
    ),
    Question(
        "what was told of messages",
        """{ deliveryEvents(first: 20, orderBy: [{ occurredAt: DESC }]) {
             nodes { status occurredAt errorCode message { templateName } } } }""",
        '"status":"',
    ),
    Question(
        "what a month's messages cost, by category",
        """{ whatsappMessagesGrouped(
               by: [CATEGORY], filter: { createdAt: { gte: "2026-11-01T00:00:00Z", lt: "2026-12-01T00:00:00Z" } }
             ) { key { category } count sum { cost } } }""",
        '"category":"UTILITY"',
    ),
    Question(
        "by what one is reached",
        "{ whatsappContact { phone verifiedAt optedInAt optedOutAt } }",
        '"phone":"+39',
    ),
    Question(
        "the reminders to come",
        """{ scheduledJobs(filter: { status: { eq: SCHEDULED } }, first: 20, orderBy: [{ runAt: ASC }]) {
             nodes { id runAt payload trip { title } tripItem { title } } } }""",
        '"runAt":"',
    ),
)


def measure(site: Site) -> Outcome:
    """Ask each question many times, one at a time, over PostgREST and over SQL; then have people write.

    Raises:
        WrongAnswerError: An answer is not what it should be.
    """
    site.progress(f"whatsapp: loading {MESSAGES:,} messages and {JOBS:,} reminders")
    caller = site.callers[BUSY]
    given, people = _load(site.info.admin_db_url, caller)
    rows, slowest = questions.measure(site, caller, "whatsapp", f"{MESSAGES:,} messages", QUESTIONS, given)
    heard, promised = replies.measure(site, people)
    return Outcome("\n".join([*aligned(rows), "", *aligned(heard)]), [slowest, promised])


def _load(url: str, caller: Caller) -> tuple[dict[str, Sequence[str]], list[tuple[str, str]]]:
    """Add it to the data; what the variables are taken from, and ids and numbers of people who are not the caller."""
    sizes = {"messages": MESSAGES, "jobs": JOBS, "me": caller.user_id, "own": OWN_MESSAGES, "own_jobs": OWN_JOBS}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in _STATEMENTS:
            connection.execute(statement.encode(), sizes)
        for table in ("whatsapp_contacts", "whatsapp_messages", "delivery_events", "scheduled_jobs"):
            connection.execute(f"vacuum (analyze) public.{table}".encode())
        found = connection.execute(
            """select id::text, trip_id::text from public.whatsapp_messages
               where user_id = %s and direction = 'outbound' order by id limit 300""",
            [caller.user_id],
        ).fetchall()
        people = connection.execute(
            "select user_id::text, phone from public.whatsapp_contacts where user_id <> %s order by user_id limit 100",
            [caller.user_id],
        ).fetchall()
    given: dict[str, Sequence[str]] = {
        "message": [message for message, _ in found],
        "trip": [trip for _, trip in found],
    }
    return given, [(person, phone) for person, phone in people]


_CONTACTS = """
insert into public.whatsapp_contacts (user_id, phone, verified_at, opted_in_at, last_inbound_at)
select id, '+39333' || lpad((row_number() over (order by id))::text, 7, '0'), now(), now(), now()
from public.profiles
"""
# A year of them. Every fifth is somebody's own, the others are reminders, news and what others write.
_MESSAGES = """
insert into public.whatsapp_messages (
    id, user_id, sender_id, trip_id, direction, template_name, parameters, body, status, wamid, dedupe_key, category,
    cost, sending_at, sent_at, delivered_at, read_at, created_at, updated_at
)
select
    md5('message ' || n)::uuid, person, case when n %% 5 = 1 then sender end, trip,
    case when n %% 5 = 0 then 'inbound' else 'outbound' end,
    case when n %% 5 > 0 then 'trip_reminder' end,
    case when n %% 5 > 0 then '{{"trip": "Rome", "text": "Pack"}}'::jsonb end,
    'Your reminder for “Rome”: pack the boots, and a book for the train. ' || n,
    case when n %% 5 = 0 then 'received' else 'read' end, 'wamid.bench.' || n,
    case when n %% 5 > 0 then 'bench:' || n end,
    case when n %% 5 = 0 then 'service' else 'utility' end, case when n %% 5 = 0 then 0 else 0.03 end,
    at, at, at, at, at, at
from (
    select
        n, people.id as person, everybody.ids[1 + (n * 7) %% cardinality(everybody.ids)] as sender,
        trips.ids[1 + n %% cardinality(trips.ids)] as trip,
        timestamptz '2025-12-01 00:00Z' + interval '1 year' * ((n - {first}) / {count}::float8) as at
    from {numbers}
) as message
"""
_EVERYBODY = """
(select array_agg(id order by id) as ids from public.profiles) as everybody,
generate_series(1, %({count})s::int) as n,
lateral (select everybody.ids[1 + n %% cardinality(everybody.ids)] as id) as people,
lateral (select array(select id from public.trips where user_id = people.id order by id limit 5) as ids) as trips
"""
_MINE = """
(select array_agg(id order by id) as ids from public.profiles) as everybody,
generate_series(%({count})s::int + 1, %({count})s::int + %({own})s::int) as n,
(select %(me)s::uuid as id) as people,
(select array(select id from public.trips where user_id = %(me)s::uuid order by id) as ids) as trips
"""
_EVENTS = """
insert into public.delivery_events (
    wamid, message_id, user_id, status, occurred_at, category, is_billable, created_at, updated_at
)
select wamid, id, user_id, told, created_at + make_interval(secs => place), 'utility', true, created_at, created_at
from public.whatsapp_messages, unnest(array['sent', 'delivered']) with ordinality as tells (told, place)
where direction = 'outbound'
"""
_JOBS = """
insert into public.scheduled_jobs (
    user_id, trip_id, kind, run_at, payload, status, attempts, created_at, updated_at
)
select
    people.id, trips.ids[1 + n %% cardinality(trips.ids)], 'reminder',
    now() + make_interval(hours => (1 + n %% 10000) * (2 * (n %% 2) - 1)),
    '{{"text": "Pack the boots", "channel": "whatsapp"}}',
    case when n %% 2 = 0 then 'done' else 'scheduled' end, 1,
    timestamptz '2025-12-01 00:00Z', timestamptz '2025-12-01 00:00Z'
from {numbers}
"""
_STATEMENTS = (
    _CONTACTS,
    _MESSAGES.format(numbers=_EVERYBODY.format(count="messages"), first="1", count="%(messages)s"),
    _MESSAGES.format(numbers=_MINE.format(count="messages", own="own"), first="%(messages)s", count="%(own)s"),
    _EVENTS,
    _JOBS.format(numbers=_EVERYBODY.format(count="jobs")),
    _JOBS.format(numbers=_MINE.format(count="jobs", own="own_jobs")),
)

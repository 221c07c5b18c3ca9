"""What a year of agents leaves behind, asked for as its people do; and how soon people see what an agent says.

Half a million runs and what was said in them; and twenty answers at once, of 50 chunks a second, by the real functions
and the fake of a provider, over two gateways; and what one long answer takes of the processor.
"""

from collections.abc import Sequence

import psycopg

from bench import answers, questions, streams
from bench.data import BUSY, Caller
from bench.questions import Question
from bench.report import Outcome, aligned
from bench.site import Site

RUNS, MESSAGES_EACH, MEMORIES_EACH = 500_000, 4, 40
# Of the caller, beside what everybody has.
OWN_RUNS = 1000


QUESTIONS = (
    Question(
        "the newest runs",
        "{ aiRuns(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { id status createdAt agent { key } } } }",
        '"status":"SUCCEEDED"',
    ),
    Question(
        "one run, what was said and what it cost",
        """query ($run: UUID!) { aiRun(id: $run) {
             status totalCost
             messages(first: 50) { nodes { role status content } }
             usage(first: 50) { nodes { model promptTokens completionTokens cost } } } }""",
        '"role":"ASSISTANT"',
    ),
    Question(
        "the runs about one trip",
        """query ($trip: UUID!) {
             aiRuns(filter: { tripId: { eq: $trip } }, first: 20, orderBy: [{ createdAt: DESC }]) {
               nodes { id status } } }""",
        '"nodes":[',
    ),
    Question(
        "one conversation",
        """query ($conversation: UUID!) {
             aiRuns(filter: { conversationId: { eq: $conversation } }, first: 20, orderBy: [{ createdAt: ASC }]) {
               nodes { id messages(first: 20) { nodes { role content } } } } }""",
        '"role":"USER"',
    ),
    Question(
        "what calls of models took",
        """{ aiUsages(first: 20, orderBy: [{ createdAt: DESC }]) {
             nodes { model promptTokens completionTokens cost } } }""",
        '"model":"',
    ),
    Question(
        "what is remembered",
        "{ aiMemories(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { kind content createdAt } } }",
        '"content":"',
    ),
)


def measure(site: Site) -> Outcome:
    """Ask each question many times, one at a time, over PostgREST and over SQL; then follow answers.

    Raises:
        WrongAnswerError: An answer is not what it should be.
    """
    site.progress(f"agents: loading {RUNS:,} runs and {RUNS * MESSAGES_EACH:,} messages")
    caller = site.callers[BUSY]
    given = _load(site.info.admin_db_url, caller)
    rows, target = questions.measure(site, caller, "agents", f"{RUNS:,} runs", QUESTIONS, given)
    streamed, promised = streams.measure(site)
    taken, allowed = answers.measure(site)
    text = "\n".join([*aligned(rows), "", *aligned(streamed), "", *aligned(taken)])
    return Outcome(text, [target, promised, allowed])


def _load(url: str, caller: Caller) -> dict[str, Sequence[str]]:
    """Add what agents leave behind to the data; what the variables are taken from."""
    sizes = {"runs": RUNS, "messages": MESSAGES_EACH, "memories": MEMORIES_EACH, "me": caller.user_id, "own": OWN_RUNS}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in _STATEMENTS:
            connection.execute(statement.encode(), sizes)
        connection.execute("vacuum (analyze)")
        found = connection.execute(
            """select id::text, trip_id::text, conversation_id::text from public.ai_runs
               where user_id = %s order by id limit 300""",
            [caller.user_id],
        ).fetchall()
    return {name: [row[at] for row in found] for at, name in enumerate(("run", "trip", "conversation"))}


# Ten runs in a conversation, five about each trip.
_RUNS = """
insert into public.ai_runs (
    id, user_id, trip_id, agent_id, conversation_id, status, input, result, idempotency_key, created_at, updated_at
)
select
    md5('run ' || n)::uuid, person, trip, agent, md5('conversation ' || person || turn / 10)::uuid, 'succeeded',
    '{{"prompt": "What could we do on the second day, should it rain?"}}', null, 'key ' || n, at, at
from (
    select
        n, n / {every} as turn, people.id as person, trips.ids[1 + n / {every} %% cardinality(trips.ids)] as trip,
        agents.ids[1 + n %% cardinality(agents.ids)] as agent,
        timestamptz '2026-01-01 00:00Z' + make_interval(secs => n * 63) as at
    from {numbers}
) as run
"""
_EVERYBODY = """
(select array_agg(id order by id) as ids from public.profiles) as everybody,
(select array_agg(id order by key) as ids from public.ai_agents) as agents,
generate_series(1, %(runs)s::int) as n,
lateral (select everybody.ids[1 + n %% cardinality(everybody.ids)] as id) as people,
lateral (select array(select id from public.trips where user_id = people.id order by id limit 5) as ids) as trips
"""
_MINE = """
(select array_agg(id order by key) as ids from public.ai_agents) as agents,
generate_series(%(runs)s::int + 1, %(runs)s::int + %(own)s::int) as n,
(select %(me)s::uuid as id) as people,
(select array(select id from public.trips where user_id = %(me)s::uuid order by id) as ids) as trips
"""
_MESSAGES = """
insert into public.ai_messages (run_id, user_id, role, content, status, sequence, created_at, updated_at)
select
    id, user_id, case when number = 0 then 'user' else 'assistant' end,
    'There are two museums near the lake, and a hall for climbing; the boat goes in the rain as well. ' || number,
    'complete', number, created_at, created_at
from public.ai_runs, generate_series(0, %(messages)s::int - 1) as number
"""
_USAGE = """
insert into public.ai_usage (
    run_id, user_id, call_index, model, status, prompt_tokens, completion_tokens, is_estimated, priced_at,
    prompt_price, cached_prompt_price, completion_price, cost, created_at, updated_at
)
select
    id, user_id, 0, 'gpt-5-mini', 'settled', 800, 120, false, date '2026-01-01', 0.25, 0.025, 2, 0.00044,
    created_at, created_at
from public.ai_runs
"""
_MEMORIES = """
insert into public.ai_memories (user_id, kind, content, embedding)
select
    id, 'fact', 'Prefers trains, number ' || number,
    array_fill(1.0 / number, array[1536])::extensions.vector
from (select id from public.profiles where id <> %(me)s::uuid order by id limit 499) as people,
    generate_series(1, %(memories)s::int) as number
union all
select
    %(me)s::uuid, 'fact', 'Prefers boats, number ' || number,
    array_fill(1.0 / number, array[1536])::extensions.vector
from generate_series(1, %(memories)s::int) as number
"""
_STATEMENTS = (
    _RUNS.format(numbers=_EVERYBODY, every="cardinality(everybody.ids)"),
    _RUNS.format(numbers=_MINE, every="1"),
    _MESSAGES,
    _USAGE,
    _MEMORIES,
)

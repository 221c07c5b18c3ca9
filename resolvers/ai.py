"""What the caller asks agents, what they said and remember of the caller, and what it cost."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import strawberry
from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql import derive
from gql.errors import bad_input
from gql.forward_types import list_of, object_type, optional
from gql.types.ai import RunAiAgentInput
from resolvers.context import Context
from resolvers.declared import DeclaredField, grouped, lookup, many, one
from resolvers.declared.base import planner
from resolvers.declared.crud import crud, domain
from resolvers.declared.invoked import Answered, Invoked, InvokedByInput
from resolvers.declared.writes import Write, in_order
from tripgate.planner import write
from tripgate.planner.plan import Call, Compare, Operator
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper

# What the functions answer, while the run goes on behind it.
AI_RUN = Answered("AiRun", "run")


class CancelAiRun(Write):
    """Ends a run that has not ended."""

    null_means_error = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        plan = self.plan(context, selected, variables)
        key = str(selected.arguments(variables)["id"])
        return await self.one(context, plan, Call("cancel_ai_run", {"run": key}, plan.returning))


class ApplyItinerary(Write):
    """Does what a run proposes for its trip."""

    null_means_error = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        plan = self.plan(context, selected, variables)
        given = {"run": str(selected.arguments(variables)["runId"])}
        rows = await context.backend.write(Call("apply_itinerary", given, plan.returning), caller, self.table)
        if rows and plan.read.embeds:
            rows = await self.read_back(context, plan, [row[self.table.primary_key] for row in rows])
        return [plan.shaper(row) for row in rows]


class SearchAiMemories(DeclaredField):
    """What is nearest in meaning; whoever makes numbers of the text is paid for it."""

    null_means_error = True
    has_effects = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        given = {name: value for name, value in selected.arguments(variables).items() if value is not None}
        if (first := given.get("first")) is not None and not 1 <= first <= context.max_page_size:
            raise bad_input(f"first is {first}; it must be between 1 and {context.max_page_size}.", field="first")
        found = await context.functions.invoke("search-ai-memories", given, caller)
        keys = [str(each["id"]) for each in found["memories"]]
        if not keys:
            return []
        key = self.table.primary_key
        plan = planner(context, variables).object(self.table, selected.children, Compare(key, Operator.IN, tuple(keys)))
        columns = write.returning(self.table, [pick.column for pick in plan.read.columns])
        answer = await context.backend.read(replace(plan.read, columns=columns), caller, self.table)
        shaper = object_shaper(plan.shape)
        return [shaper(row) for row in in_order(answer.rows, key, keys)]


def _trip() -> StrawberryArgument:
    return derive.argument("tripId", UUID, "The trip that it is about.")


@strawberry.type
class AiQuery:
    """Reading of agents and what they did."""

    ai_agents = many("AiAgent")
    ai_agents_grouped = grouped("AiAgent")
    ai_agent_by_key = lookup("AiAgent")
    ai_run = one("AiRun")
    ai_run_by_idempotency_key = lookup("AiRun")
    ai_runs = many("AiRun")
    ai_runs_grouped = grouped("AiRun")
    ai_memories = many("AiMemory")
    ai_memories_grouped = grouped("AiMemory")
    search_ai_memories = SearchAiMemories(
        "AiMemory",
        lambda: list_of(object_type("AiMemory")),
        lambda: [
            derive.argument("text", str, "What to look for, 1 to 1,000 characters long."),
            derive.argument("first", optional(int), "At most so many; 10 without it."),
        ],
        "What agents keep in mind of the caller and is nearest in meaning to a text, the nearest first. It is counted "
        "as what agents cost is, so it is asked by POST alone, and not followed.",
    )
    ai_usages = many("AiUsage")
    ai_usages_grouped = grouped("AiUsage")


@strawberry.type
class AiMutation:
    """Asking, and what comes of it."""

    run_ai_agent = InvokedByInput(
        AI_RUN,
        "run-ai-agent",
        {
            "agentKey": "agent_key",
            "prompt": "prompt",
            "tripId": "trip_id",
            "conversationId": "conversation_id",
            "idempotencyKey": "idempotency_key",
        },
        lambda: [derive.argument("input", RunAiAgentInput, "What is asked.")],
        "Ask an agent something. Its answer comes as messages of the run, which streams: follow `aiMessageChanges`.",
    )
    summarize_trip = Invoked(
        AI_RUN,
        "summarize-trip",
        {"tripId": "trip_id"},
        lambda: [_trip()],
        "Have a trip summarized; the summary is the run's `result`.",
    )
    optimize_itinerary = Invoked(
        AI_RUN,
        "optimize-itinerary",
        {"tripId": "trip_id", "dayNumber": "day_number"},
        lambda: [_trip(), derive.argument("dayNumber", optional(int), "The day, counted from 1; all without one.")],
        "Have a better order of a trip's itinerary proposed. Nothing changes until `applyItinerary` is asked for it.",
    )
    classify_place = Invoked(
        AI_RUN,
        "classify-place",
        {"placeId": "place_id"},
        lambda: [derive.argument("placeId", UUID, "The place.")],
        "Have a category proposed for a place, in the run's `result`; `updatePlace` takes it.",
    )
    apply_itinerary = ApplyItinerary(
        "TripItem",
        lambda: list_of(object_type("TripItem")),
        lambda: [derive.argument("runId", UUID, "The run that proposes it.")],
        "Do what a run of the caller's proposes for its trip's itinerary, with the caller's own rights; the answer is "
        "the items that it names. CONFLICT where the trip has changed since.",
    )
    cancel_ai_run = CancelAiRun(
        "AiRun",
        lambda: object_type("AiRun"),
        lambda: [derive.key_argument("AiRun")],
        "End a run of the caller's that is queued or running; what it has used is counted.",
    )


DOMAIN = domain(
    AiQuery,
    AiMutation,
    crud("AiRun", reads=False, writes=False, changes="How a run of the caller's goes on."),
    crud("AiMessage", reads=False, writes=False, changes="What is said in a run of the caller's."),
    crud("AiMemory", reads=False, changes="What agents keep in mind of the caller."),
    position=95,
)

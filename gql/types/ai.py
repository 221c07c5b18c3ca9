"""Helpers that a model speaks for: what they were asked, what they said and remember, and what it cost."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, REFERENCE, Streamed, column, computed_column, table, to_many, to_one, unique
from gql.scalars import JSON, BigInt, Vector
from gql.types.scopes import AI_RUN, USER

# Not cached, since Edge Functions write all of it; live queries hear of it.
TOLD = CacheControl(0, InvalidatedBy.SCOPE_TOPIC)


@strawberry.enum(description="How far something that an agent was asked is.")
class AiRunStatus(Enum):
    """The values of `ai_runs.status`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@strawberry.enum(description="Who said something.")
class AiMessageRole(Enum):
    """The values of `ai_messages.role`."""

    USER = strawberry.enum_value("user", description="The person who asked.")
    ASSISTANT = strawberry.enum_value("assistant", description="The agent.")
    TOOL = strawberry.enum_value("tool", description="What the agent looked up.")


@strawberry.enum(description="Whether something is still being said.")
class AiMessageStatus(Enum):
    """The values of `ai_messages.status`."""

    STREAMING = "streaming"
    COMPLETE = "complete"
    ABORTED = "aborted"


@strawberry.enum(description="What kind of thing is kept in mind.")
class AiMemoryKind(Enum):
    """The values of `ai_memories.kind`."""

    PREFERENCE = "preference"
    FACT = "fact"
    NOTE = "note"


@strawberry.enum(description="Whether a call of a model's provider was counted.")
class AiUsageStatus(Enum):
    """The values of `ai_usage.status`."""

    OPEN = strawberry.enum_value("open", description="It is still going on.")
    SETTLED = strawberry.enum_value("settled", description="It was counted.")
    RELEASED = strawberry.enum_value("released", description="It took nothing.")


@table(
    "ai_agents",
    unheard=REFERENCE,
    order_by=("key",),
    keys=(unique("key"),),
    hidden_columns=True,
    written_by_functions=True,
)
class AiAgent:
    """A helper that a model speaks for, over `ai_agents` without the system prompt, which nobody reads."""

    id: UUID = column(write=NEVER)
    key: str = column(write=NEVER)
    model: str = column(write=NEVER)
    tools: list[str] = column(write=NEVER)
    max_output_tokens: int = column(write=NEVER)
    is_active: bool = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    runs = to_many("AiRun", via="agent_id", description="What the caller has asked it.")


@table(
    "ai_runs",
    scope=AI_RUN,
    order_by=("created_at desc",),
    keys=(unique("user_id", "idempotency_key", own="user_id"),),
    written_by_functions=True,
    # What it cost, and whether its proposal may still be applied.
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC, depends_on=("ai_usage", "trips", "trip_items", "collaborators")),
)
class AiRun:
    """Something that an agent was asked, over `ai_runs`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    trip_id: UUID | None = column(write=NEVER)
    agent_id: UUID = column(write=NEVER)
    conversation_id: UUID = column(write=NEVER)
    status: AiRunStatus = column(write=NEVER)
    input: JSON = column(write=NEVER)
    result: JSON | None = column(write=NEVER)
    error_code: str | None = column(write=NEVER)
    idempotency_key: str | None = column(write=NEVER)
    lease_until: datetime | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)
    total_cost: Decimal = computed_column()
    is_applicable: bool = computed_column()

    user = to_one("Profile", via="user_id", description="The person who asked.")
    trip = to_one("Trip", via="trip_id", description="The trip that it is about.")
    agent = to_one("AiAgent", via="agent_id", description="The agent that was asked; null where it cannot be any more.")
    messages = to_many("AiMessage", via="run_id", description="What was said, in its order.")
    usage = to_many("AiUsage", via="run_id", description="What each call of the model's provider took.")


@table(
    "ai_messages",
    scope=AI_RUN.via("run_id"),
    order_by=("sequence",),
    streamed=Streamed("content", state="status", open="streaming", row="message_id"),
    written_by_functions=True,
    cache=TOLD,
)
class AiMessage:
    """What was said in a run, over `ai_messages`."""

    id: UUID = column(write=NEVER)
    run_id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    role: AiMessageRole = column(write=NEVER)
    content: str = column(write=NEVER, long=True)
    status: AiMessageStatus = column(write=NEVER)
    tool_calls: JSON | None = column(write=NEVER)
    sequence: int = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    run = to_one("AiRun", via="run_id", description="The run in which it was said.")
    user = to_one("Profile", via="user_id", description="The person who asked.")


@table(
    "ai_memories",
    scope=USER.via("user_id"),
    order_by=("created_at desc",),
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips",)),
)
class AiMemory:
    """Something that agents keep in mind of a person, over `ai_memories`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    trip_id: UUID | None = column(write=NEVER)
    kind: AiMemoryKind = column(write=NEVER)
    content: str = column(write=NEVER, long=True)
    embedding: Vector = column(write=NEVER)
    expires_at: datetime | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person of whom it is.")
    trip = to_one("Trip", via="trip_id", description="The trip that it is about.")


@table("ai_usage", scope=USER.via("user_id"), order_by=("created_at desc",), written_by_functions=True, cache=TOLD)
class AiUsage:
    """What one call of a model's provider took, over `ai_usage`."""

    id: UUID = column(write=NEVER)
    run_id: UUID | None = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    call_index: int | None = column(write=NEVER)
    model: str = column(write=NEVER)
    status: AiUsageStatus = column(write=NEVER)
    prompt_tokens: BigInt = column(write=NEVER)
    cached_tokens: BigInt = column(write=NEVER)
    completion_tokens: BigInt = column(write=NEVER)
    reasoning_tokens: BigInt = column(write=NEVER)
    is_estimated: bool = column(write=NEVER)
    priced_at: date = column(write=NEVER)
    prompt_price: Decimal = column(write=NEVER)
    cached_prompt_price: Decimal = column(write=NEVER)
    completion_price: Decimal = column(write=NEVER)
    cost: Decimal = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    run = to_one("AiRun", via="run_id", description="The run in which it was made.")
    user = to_one("Profile", via="user_id", description="The person for whom it was made.")


@strawberry.input(description="Something to ask an agent.")
class RunAiAgentInput:
    """The arguments of `runAiAgent`."""

    agent_key: str = strawberry.field(description="Which agent, such as `assistant`.")
    prompt: str = strawberry.field(description="What is asked, 1 to 8,000 characters long.")
    trip_id: UUID | None = strawberry.field(default=None, description="The trip that it is about, if any.")
    conversation_id: UUID | None = strawberry.field(
        default=None, description="The conversation that it goes on with; without one, another begins."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="The asker's own key, 1 to 200 characters long: the same again is the same run."
    )

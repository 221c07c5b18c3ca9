"""What the caller wants to be told, what is done for them by itself, and what is done later."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any
from uuid import UUID

import strawberry
from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql import derive
from gql.errors import ApiError
from gql.forward_types import object_type, optional
from gql.nullability import semantic_non_null
from gql.types.automations import (
    AutomationObstacle,
    AutomationResult,
    NotificationChannel,
    ScheduleReminderInput,
)
from resolvers.context import Context, Info
from resolvers.declared.crud import crud, domain
from resolvers.declared.writes import Write
from tripgate.planner.conditions import as_text
from tripgate.planner.plan import Call
from tripgate.planner.selection import Selected


class JobCall(Write):
    """A function of the database that makes or changes one of the caller's jobs.

    Args:
        function: The function.
        parameters: What it calls each argument.
        within: The argument that is an input with the others, if there is one.
    """

    null_means_error = True

    def __init__(
        self,
        function: str,
        parameters: dict[str, str],
        make_arguments: Callable[[], list[StrawberryArgument]],
        said: str,
        within: str = "",
    ) -> None:
        super().__init__("ScheduledJob", lambda: object_type("ScheduledJob"), make_arguments, said)
        self._function = function
        self._parameters = parameters
        self._within = within

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        plan = self.plan(context, selected, variables)
        arguments = selected.arguments(variables)
        given = arguments[self._within] if self._within else arguments
        values = {
            self._parameters[name]: as_text(value, f"{self._within}.{name}" if self._within else name)
            for name, value in given.items()
            if value is not None
        }
        try:
            return await self.one(context, plan, Call(self._function, values, plan.returning))
        except ApiError as error:
            names = {ours: name for name, ours in self._parameters.items()}
            if (name := names.get(str(error.extensions.get("field")))) is not None:
                error.extensions["field"] = f"{self._within}.{name}" if self._within else name
            raise


def _moment() -> list[StrawberryArgument]:
    return [
        derive.argument("runAt", optional(datetime), "When: a moment to come."),
        derive.argument("daysBefore", optional(int), "Or so many days before the trip's first day, and moved with it."),
        derive.argument(
            "localTime", optional(time), "At which time of that day, by the clocks of the caller's time zone."
        ),
    ]


@strawberry.type
class AutomationMutation:
    """What is to be done later, and rules by hand."""

    schedule_reminder = JobCall(
        "schedule_reminder",
        {
            "tripId": "trip",
            "tripItemId": "trip_item",
            "text": "text",
            "runAt": "run_at",
            "daysBefore": "days_before",
            "localTime": "local_time",
            "channel": "channel",
            "idempotencyKey": "idempotency_key",
        },
        lambda: [derive.argument("input", ScheduleReminderInput, "What, and when.")],
        "Be reminded of a trip, or of an entry of it. The reminder goes with the trip, the caller's part in it and "
        "their wish for messages; one that is relative moves with the trip's first day and the caller's clocks.",
        within="input",
    )
    move_scheduled_job = JobCall(
        "move_scheduled_job",
        {"id": "job", "runAt": "run_at", "daysBefore": "days_before", "localTime": "local_time"},
        lambda: [derive.key_argument("ScheduledJob"), *_moment()],
        "Move what is to be done for the caller: to a moment, or to so many days before the trip.",
    )
    cancel_scheduled_job = JobCall(
        "cancel_scheduled_job",
        {"id": "job"},
        lambda: [derive.key_argument("ScheduledJob")],
        "Cancel what is to be done for the caller; twice is no mistake.",
    )

    @strawberry.field(
        directives=semantic_non_null(),
        description="Do what a rule of the caller's says, of the row that something happened to last; a dry run only "
        "says what it would do.",
    )
    async def trigger_automation(self, info: Info, rule_id: UUID, dry_run: bool = True) -> AutomationResult | None:
        """By hand."""
        context = info.context
        caller = context.signed_in()
        call = Call("trigger_automation", {"rule": str(rule_id), "dry_run": dry_run}, ())
        try:
            (told,) = (await context.backend.fetch(context.backend.prepare(call), caller, None)).rows
        except ApiError as error:
            if error.extensions.get("field") == "rule":
                error.extensions["field"] = "ruleId"
            raise
        return AutomationResult(
            done=told["done"],
            reason=None if told["reason"] is None else AutomationObstacle(told["reason"]),
            channel=NotificationChannel(told["channel"]),
            title=told["title"],
            text=told["text"],
        )


DOMAIN = domain(
    crud("NotificationPreference", upsert=True, changes="What the caller wants to be told."),
    crud("AutomationRule", changes="The caller's rules."),
    crud("ScheduledJob", writes=False, changes="What is to be done for the caller, moved, done and cancelled."),
    AutomationMutation,
    position=130,
)

"""The bell: what the caller is told, and that they have read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from graphql.execution.values import VariableValues

from gql import derive
from gql.errors import bad_input
from gql.forward_types import list_of, object_type, optional
from resolvers.context import Context
from resolvers.declared import value_of
from resolvers.declared.crud import crud, domain
from resolvers.declared.writes import Write, in_order
from tripgate.planner import write
from tripgate.planner.plan import Compare, IsNull, Operator, OwnTest, Update
from tripgate.planner.selection import Selected


class MarkNotificationsRead(Write):
    """The caller has read some, or all until a moment."""

    null_means_error = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        arguments = selected.arguments(variables)
        which = self._which(context, arguments)
        if arguments.get("ids") == []:
            return []
        plan = self.plan(context, selected, variables)
        # The database sets its own time, whatever is said here.
        update = Update(self.table.name, (("user_id", str(caller.user_id)),), {"read_at": "now"}, plan.returning)
        marked = write.only(update, (which, IsNull("read_at")))
        rows = await context.backend.write(marked, caller, self.table)
        keys = sorted(row[self.table.primary_key] for row in rows)
        if keys and plan.read.embeds:
            rows = await self.read_back(context, plan, keys)
        return [plan.shaper(row) for row in in_order(rows, self.table.primary_key, keys)]

    def _which(self, context: Context, arguments: dict[str, Any]) -> OwnTest:
        ids: list[UUID] | None = arguments.get("ids")
        until: datetime | None = arguments.get("until")
        if (ids is None) == (until is None):
            raise bad_input("Say which notifications by ids, or all until a moment, and not both.", field="ids")
        if until is not None:
            return Compare("created_at", Operator.LTE, until.isoformat())
        assert ids is not None  # noqa: S101 - one of them is given
        if len(ids) > context.max_page_size:
            raise bad_input(f"ids has {len(ids)} entries; at most {context.max_page_size} go at once.", field="ids")
        return write.keyed(self.table, map(str, ids))


@strawberry.type
class NotificationQuery:
    """Counting what is new."""

    unread_notifications = value_of(
        "unread_notifications",
        returns=int,
        description="How many notifications the caller has not read.",
        depends_on=("notifications",),
    )


@strawberry.type
class NotificationMutation:
    """Reading."""

    mark_notifications_read = MarkNotificationsRead(
        "Notification",
        lambda: list_of(object_type("Notification")),
        lambda: [
            derive.argument("ids", optional(list_of(UUID)), "Which; instead of `until`."),
            derive.argument(
                "until",
                optional(datetime),
                "All that were told until this moment, as the `createdAt` of the newest that was shown.",
            ),
        ],
        "Mark notifications of the caller's as read; the answer is those that were not before, by their ids.",
    )


DOMAIN = domain(
    crud("Notification", changes="What the caller is told, reads and deletes."),
    NotificationQuery,
    NotificationMutation,
    position=40,
)

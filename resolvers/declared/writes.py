"""Declared writes of rows that are named: one request, and one read by key behind it when relations are selected."""

import datetime as dt
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import FieldType

from gql.catalog import catalog
from gql.errors import ApiError, ErrorCode, bad_input
from resolvers.context import Context
from resolvers.declared.base import DeclaredField, planner
from tripgate.planner import write
from tripgate.planner.conditions import key_in
from tripgate.planner.plan import ALWAYS, And, Compare, Delete, Match, Operator, Pick, Read
from tripgate.planner.plan import Write as WritePlan
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import ObjectShaper, object_shaper
from tripgate.upstream.backend import PreparedByKey

_WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Written:
    """What is selected of the rows written, planned: all that does not depend on what is written.

    Attributes:
        read: The rows with their relations.
        returning: What the write itself answers: its own columns, or where relations are selected the key to read by.
        by_key: The read of one row with its relations, made ready; `None` where none are selected, or it is not cached.
    """

    read: Read
    returning: tuple[Pick, ...]
    by_key: PreparedByKey | None
    shaper: ObjectShaper


class Write(DeclaredField):
    """What the writes share."""

    def made_type(self) -> FieldType:
        """The field's type.

        Raises:
            ValueError: It would write a view.
        """
        made = super().made_type()
        if self.table.read_only:
            raise ValueError(f"{self.table.type_name} is a view, which nobody writes: {self.python_name} cannot be")
        return made

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> Written:
        """What is selected of the rows written; planned once where nothing of it depends on variables."""
        cached: Written | None = selected.cached.get(_WRITTEN)
        if cached is not None:
            return cached
        plan = planner(context, variables).object(self.table, selected.children, ALWAYS)
        read, shaper = plan.read, object_shaper(plan.shape)
        returning = write.returning(self.table, [] if read.embeds else [pick.column for pick in read.columns])
        if not all(child.constant for child in selected.children):
            return Written(read, returning, None, shaper)
        by_key = None
        if read.embeds:
            columns = write.returning(self.table, [pick.column for pick in read.columns])
            by_key = context.backend.prepare_by_key(Read(self.table.name, columns, read.embeds), self.table.primary_key)
        found = selected.cached[_WRITTEN] = Written(read, returning, by_key, shaper)
        return found

    async def one(self, context: Context, plan: Written, wanted: WritePlan) -> dict[str, Any] | None:
        """Send a write of one row and shape what it wrote; `None` where it wrote nothing."""
        rows = await context.backend.write(wanted, context.caller, self.table)
        if rows and plan.read.embeds:
            rows = await self.read_back(context, plan, [rows[0][self.table.primary_key]])
        return plan.shaper(rows[0]) if rows else None

    async def read_back(self, context: Context, plan: Written, keys: list[str]) -> Sequence[dict[str, Any]]:
        """Rows by key in the order of the keys, with their relations."""
        if plan.by_key is not None and len(keys) == 1:
            return (await context.backend.fetch(plan.by_key.with_key(keys[0]), context.caller, self.table)).rows
        key = self.table.primary_key
        columns = write.returning(self.table, [pick.column for pick in plan.read.columns])
        read = Read(self.table.name, columns, plan.read.embeds, Compare(key, Operator.IN, tuple(keys)))
        answer = await context.backend.read(read, context.caller, self.table)
        return in_order(answer.rows, key, keys)

    async def by_key(self, context: Context, plan: Written, key: str) -> dict[str, Any] | None:
        """The row of this key, shaped; `None` where the caller may not see it."""
        rows = await self.read_back(context, plan, [key])
        return plan.shaper(rows[0]) if rows else None

    async def explain_nothing(self, context: Context, match: Match) -> ApiError:
        """Why a write of one row changed none: it is not visible, or visible and not permitted."""
        return self.not_written(visible=await self.visible(context, match))

    def not_written(self, *, visible: bool) -> ApiError:
        """Why a row was not written that is there for the caller, or is not."""
        if visible:
            return ApiError(ErrorCode.FORBIDDEN, f"You may see this {self.noun} but not change it.")
        return ApiError(ErrorCode.NOT_FOUND, f"There is no such {self.noun}.")

    async def visible(self, context: Context, match: Match) -> bool:
        """Whether the caller may see a row that matches."""
        return bool(await self.matching(context, match))

    async def matching(self, context: Context, match: Match, *columns: str) -> Sequence[dict[str, Any]]:
        """The keys and these columns of the rows that match."""
        where = And(tuple(Compare(column, Operator.EQ, value) for column, value in match))
        read = Read(self.table.name, write.returning(self.table, columns), where=where)
        return (await context.backend.read(read, context.caller, self.table)).rows

    @property
    def noun(self) -> str:
        """What a row is called in a sentence."""
        name = self.table.bare_name.replace("_", " ")
        return f"{stem}y" if (stem := name.removesuffix("ies")) != name else name.removesuffix("s")


class Create(Write):
    """`createTrip(input)`; null where the row cannot be read back any more, since it has been made all the same."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        answers = await self._insert(context, selected, variables, [selected.arguments(variables)["input"]], "input")
        return answers[0] if answers else None

    async def _insert(
        self, context: Context, selected: Selected, variables: VariableValues, inputs: list[dict[str, Any]], path: str
    ) -> list[dict[str, Any]]:
        context.signed_in()
        plan = self.plan(context, selected, variables)
        if write.has_related(self.table, inputs):
            rows = await self._insert_tree(context, plan, inputs, path)
        else:
            insert = write.insert(self.table, inputs, plan.returning, path)
            rows = await context.backend.write(insert, context.caller, self.table)
            key = self.table.primary_key
            # Of keys that the database makes, the rows' order is that of the inputs.
            known = len(inputs) > 1 and all(key in row for row in insert.rows)
            keys = [str(row[key]) for row in (insert.rows if known else rows)]
            rows = await self.read_back(context, plan, keys) if plan.read.embeds else in_order(rows, key, keys)
        shaper = plan.shaper
        return [shaper(row) for row in rows]

    async def _insert_tree(
        self, context: Context, plan: Written, inputs: list[dict[str, Any]], path: str
    ) -> Sequence[dict[str, Any]]:
        """Rows and those that they bring along, in one transaction, which returns nothing."""
        tree, keys = write.insert_tree(catalog, self.table, inputs, path, max_list=context.max_page_size)
        related = tuple(write.related_tables(catalog, self.table))
        await context.backend.write(tree, context.caller, self.table, related)
        return await self.read_back(context, plan, keys)


class CreateMany(Create):
    """`createTrips(inputs)`: all or none."""

    null_means_error = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        inputs = selected.arguments(variables)["inputs"]
        if len(inputs) > context.max_page_size:
            raise bad_input(
                f"inputs has {len(inputs)} entries; at most {context.max_page_size} go at once.", field="inputs"
            )
        if not inputs:
            context.signed_in()
            return []
        return await self._insert(context, selected, variables, inputs, "inputs")


class Matched(Write):
    """A write of the one row that matches."""

    @abstractmethod
    def match(self, context: Context, arguments: dict[str, Any]) -> Match:
        """Columns of a unique key and what they must equal."""


class Update(Matched):
    """`updateTrip(id, patch)`."""

    null_means_error = True

    def match(self, _context: Context, arguments: dict[str, Any]) -> Match:
        return ((self.table.primary_key, key_in(self.table, arguments)),)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        arguments = selected.arguments(variables)
        match = self.match(context, arguments)
        since = write.moment_of(arguments)
        plan = self.plan(context, selected, variables)
        update = write.update(self.table, match, arguments["patch"], plan.returning)
        answer = await self.one(context, plan, write.only(update, write.unmodified_since(self.table, since)))
        if answer is None:
            raise await self._explain(context, match, since)
        return answer

    async def _explain(self, context: Context, match: Match, since: dt.datetime | None) -> ApiError:
        if since is None:
            return await self.explain_nothing(context, match)
        updated_at = self.table.columns[write.UPDATED_AT].name
        rows = await self.matching(context, match, updated_at)
        if rows and (moved := write.changed_after(self.table, rows, since)) is not None:
            return ApiError(
                ErrorCode.CONFLICT,
                f"This {self.noun} has changed meanwhile, at {moved}. Read it anew, then decide.",
                reason="CHANGED_MEANWHILE",
                updatedAt=moved,
            )
        return self.not_written(visible=bool(rows))


class UpdateOwn(Update):
    """`updateMyProfile(patch)`: the row that belongs to the caller."""

    def __init__(
        self,
        type_name: str,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        by: str,
        description: str,
    ) -> None:
        super().__init__(type_name, make_type, make_arguments, description)
        self._by = by

    def match(self, context: Context, _arguments: dict[str, Any]) -> Match:
        return ((self.table.columns[self._by].name, str(context.caller.user_id)),)


class DeleteOne(Matched):
    """`deleteTrip(id)`."""

    null_means_error = True

    def match(self, _context: Context, arguments: dict[str, Any]) -> Match:
        return ((self.table.primary_key, key_in(self.table, arguments)),)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        match = self.match(context, selected.arguments(variables))
        plan = self.plan(context, selected, variables)
        # What is embedded goes with the row, so it is read before.
        before = await self._before(context, plan, match) if plan.read.embeds else None
        delete = Delete(self.table.name, match, plan.returning)
        rows = await context.backend.write(delete, context.caller, self.table)
        if not rows:
            raise await self.explain_nothing(context, match)
        return plan.shaper((before or rows)[0])

    async def _before(self, context: Context, plan: Written, match: Match) -> Sequence[dict[str, Any]]:
        where = And(tuple(Compare(column, Operator.EQ, value) for column, value in match))
        read = Read(self.table.name, plan.read.columns, plan.read.embeds, where)
        return (await context.backend.read(read, context.caller, self.table)).rows


def in_order(rows: Sequence[dict[str, Any]], key: str, keys: list[str]) -> list[dict[str, Any]]:
    """The rows in the order of their keys; keys without a row are passed over."""
    by_key = {row[key]: row for row in rows}
    return [by_key[each] for each in keys if each in by_key]

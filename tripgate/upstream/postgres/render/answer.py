"""A plan and its shape as one query whose value is the answer's text: Postgres writes it, and nobody reads it.

Where a shape holds what only the program can say (a Python field, stored JSON, floats, durations), there is no such
query, and rows are read instead. Response keys are the client's words: they are names of GraphQL or there is no query.
"""

from tripgate.planner import result_shape as shape
from tripgate.planner.plan import Aggregate, Function, Read
from tripgate.planner.planner import ConnectionPlan, ObjectPlan
from tripgate.upstream.postgres.render.connection import Connection, related
from tripgate.upstream.postgres.render.large import large_page
from tripgate.upstream.postgres.render.objects import row
from tripgate.upstream.postgres.render.query import OPEN, KeyedQuery, Query, Target, ordered, with_open_key
from tripgate.upstream.postgres.render.statement import Statement, Writing
from tripgate.upstream.postgres.render.text import NotInSqlError, concatenated

_COUNT = Aggregate("count", Function.COUNT)


def answer_query(plan: ConnectionPlan | ObjectPlan) -> Query | None:
    """The query whose one row is the answer's text, and how many rows are in it; `None` where rows must be read.

    Single rows without lists are read as rows, which is as fast.
    """
    if isinstance(plan, ObjectPlan):
        written = _of_object(plan)
        return None if written is None else Query((written,), False, plan.read, Target.of(plan.read), answers=True)
    return None if plan.read is None else _of_connection(plan, plan.read)


def keyed_answer_query(plan: ObjectPlan, name: str) -> KeyedQuery | None:
    """The same of a row whose condition will be that this column has some value."""
    written = _of_object(ObjectPlan(with_open_key(plan.read, name), plan.shape))
    if written is None:
        return None
    return KeyedQuery(plan.read, name, written, written.values.index(OPEN), Target.of(plan.read), answers=True)


def _of_object(plan: ObjectPlan) -> Statement | None:
    if not _has_lists(plan.shape):
        return None
    writing = Writing()
    alias = writing.alias()
    try:
        text = concatenated(row(writing, plan.shape, plan.read, alias, related))
    except NotInSqlError:
        return None
    return writing.statement(f"select {text}, 1{ordered(writing, plan.read, alias)}")


def _has_lists(wanted: shape.ResultObject) -> bool:
    return any(
        isinstance(field, shape.RelatedConnection)
        or (isinstance(field, shape.RelatedObject) and _has_lists(field.shape))
        for field in wanted.fields
    )


def _of_connection(plan: ConnectionPlan, read: Read) -> Query | None:
    target = Target.of(read)
    total = plan.total
    if total is None and read.count:
        total = read
    totals = None if total is None else Read(total.table, (), where=total.where, source=total.source)
    aggregates = () if total is None else total.aggregates or (_COUNT,)
    writing = Writing()
    try:
        if (large := large_page(plan.shape, read, totals, aggregates)) is not None:
            return Query(large[0], False, read, target, answers=True, frame=large[1])
        connection = Connection(writing, plan.shape, read, totals, aggregates, None)
    except NotInSqlError:
        return None
    text = f"select {concatenated(connection.parts)}, p.n from {connection.sources}"
    return Query((writing.statement(text),), False, read, target, answers=True)

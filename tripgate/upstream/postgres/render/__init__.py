"""Plan → SQL. Pure: text with `$1`, `$2`, … and the values that stand for them.

Tables, columns, operators and aliases come from the mapping and the planner, never from a client. A client's text is
always a value of its own, which no text can leave.
"""

from tripgate.upstream.postgres.render.answer import answer_query, keyed_answer_query
from tripgate.upstream.postgres.render.frame import Frame
from tripgate.upstream.postgres.render.query import KeyedQuery, Query, keyed_query, read_query, value_query
from tripgate.upstream.postgres.render.statement import Statement

__all__ = [
    "Frame",
    "KeyedQuery",
    "Query",
    "Statement",
    "answer_query",
    "keyed_answer_query",
    "keyed_query",
    "read_query",
    "value_query",
]

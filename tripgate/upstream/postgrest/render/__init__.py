"""Plan → PostgREST request. The only package that knows PostgREST's URL syntax.

Columns, operators and aliases come from the mapping and the planner, never from a client. A client's text enters
through `quoted` and `percent` alone, which are exact for every string that Postgres can hold.
"""

from tripgate.upstream.postgrest.render.functions import value_request
from tripgate.upstream.postgrest.render.long_texts import header_lines
from tripgate.upstream.postgrest.render.read_request import keyed_request, read_request
from tripgate.upstream.postgrest.render.request import KeyedRequest, Request, percent, quoted
from tripgate.upstream.postgrest.render.write_request import write_request

__all__ = [
    "KeyedRequest",
    "Request",
    "header_lines",
    "keyed_request",
    "percent",
    "quoted",
    "read_request",
    "value_request",
    "write_request",
]

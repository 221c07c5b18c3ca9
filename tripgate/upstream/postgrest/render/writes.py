"""Writes as requests."""

from typing import assert_never

import orjson

from tripgate.planner.plan import Call, Delete, Insert, Match, Update, Write
from tripgate.upstream.postgrest.render.request import Request, percent, pick_text


def write_request(write: Write) -> Request:
    """Render a write that answers with the columns it returns.

    Only own-column `col=op.value` filters: PostgREST applies `and=`, `or=` and embed filters of a PATCH or DELETE to
    the answer alone and would change every row.
    """
    select = f"select={','.join(pick_text(pick) for pick in write.returning)}"
    match write:
        case Insert():
            columns = ",".join(write.columns)
            path = f"{write.table}?{select}" + (f"&columns={columns}" if columns else "")
            return Request("POST", path, "return=representation,missing=default", orjson.dumps(list(write.rows)))
        case Update():
            path = f"{write.table}?{_match(write.match)}&{select}"
            return Request("PATCH", path, "return=representation", orjson.dumps(write.changes))
        case Delete():
            return Request("DELETE", f"{write.table}?{_match(write.match)}&{select}", "return=representation")
        case Call():
            return Request("POST", f"rpc/{write.function}?{select}", "", orjson.dumps(write.arguments))
        case _:
            assert_never(write)


def _match(match: Match) -> str:
    if not match:
        raise ValueError("a write without a condition would change every row")
    return "&".join(f"{column}=eq.{percent(value)}" for column, value in match)

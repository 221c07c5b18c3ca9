"""Writes as requests."""

from typing import assert_never

from gql.json_numbers import dumps
from gql.schemas import bare
from tripgate.planner.plan import Call, Delete, Insert, InsertTree, Pick, Update, Write
from tripgate.upstream.postgrest.render.conditions import own_parameter
from tripgate.upstream.postgrest.render.request import Request, percent, pick_text


def write_request(write: Write) -> Request:
    """Render a write that answers with the columns it returns.

    Only own-column `col=op.value` filters: PostgREST applies `and=`, `or=` and embed filters of a PATCH or DELETE to
    the answer alone and would change every row.
    """
    match write:
        case Insert():
            columns = ",".join(write.columns)
            path = f"{bare(write.table)}?{_select(write.returning)}" + (f"&columns={columns}" if columns else "")
            prefer = "return=representation,missing=default"
            if write.on_conflict:
                path += f"&on_conflict={','.join(write.on_conflict)}"
                prefer += f",resolution={'merge' if write.merge else 'ignore'}-duplicates"
            return Request("POST", path, prefer, dumps(list(write.rows)), plan=write).within(write.table)
        case InsertTree():
            tree = [{"table": table, "rows": rows} for table, rows in write.parts]
            return Request("POST", "rpc/insert_tree", "", dumps({"tree": tree}), plan=write)
        case Update():
            path = f"{bare(write.table)}?{_filters(write)}&{_select(write.returning)}"
            body = dumps(write.changes)
            return Request("PATCH", path, "return=representation", body, write.exactly, write).within(write.table)
        case Delete():
            path = f"{bare(write.table)}?{_filters(write)}&{_select(write.returning)}"
            return Request("DELETE", path, "return=representation", exactly=write.exactly, plan=write).within(
                write.table
            )
        case Call():
            path = f"rpc/{bare(write.function)}" + (f"?{_select(write.returning)}" if write.returning else "")
            return Request("POST", path, "", dumps(write.arguments), plan=write).within(write.function)
        case _:
            assert_never(write)


def _select(returning: tuple[Pick, ...]) -> str:
    return f"select={','.join(map(pick_text, returning))}"


def _filters(write: Update | Delete) -> str:
    filters = [f"{column}=eq.{percent(value)}" for column, value in write.match]
    filters += map(own_parameter, write.where)
    if not filters:
        raise ValueError("a write without a condition would change every row")
    return "&".join(filters)

"""How a case of `cases/` is read and planned."""

from pathlib import Path
from typing import Any

import orjson

from resolvers.context import Context
from resolvers.declared.groups import Grouped
from resolvers.declared.queries import Many, One
from tripgate.gateway.documents import Documents
from tripgate.gateway.executor import declared_field
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.schema import graphql_schema
from tripgate.planner.plan import Read, as_data
from tripgate.planner.planner import ConnectionPlan, ObjectPlan
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgres.render import Query, answer_query, read_query

CASES = Path(__file__).with_name("cases")


def names() -> list[str]:
    """Every case, in order."""
    return sorted(folder.name for folder in CASES.iterdir() if folder.is_dir())


def query(name: str) -> str:
    """The case's document."""
    return (CASES / name / "query.graphql").read_text()


def variables(name: str) -> dict[str, Any]:
    """The case's variables; none where it has no such file."""
    file = CASES / name / "variables.json"
    return dict(orjson.loads(file.read_bytes())) if file.exists() else {}


def settings(name: str) -> dict[str, Any]:
    """The settings of the gateway that is asked; none where the case has no such file."""
    file = CASES / name / "settings.json"
    return dict(orjson.loads(file.read_bytes())) if file.exists() else {}


def plans(name: str) -> dict[str, Any]:
    """The plans of the case's root fields, as JSON data, by response key."""
    found = reads(query(name), variables(name), **settings(name))
    return {key: list(map(as_data, each)) for key, each in found.items()}


def queries(name: str) -> list[Query]:
    """How Postgres is asked for the case's root fields: for their answers, or where that cannot be for their rows."""
    found: list[Query] = []
    for plan in root_plans(query(name), variables(name), **settings(name)).values():
        written = answer_query(plan) if isinstance(plan, ConnectionPlan | ObjectPlan) else None
        if written is not None:
            found.append(written)
        else:
            found += map(read_query, _reads(plan))
    return found


def reads(document: str, given: dict[str, Any], **settings: Any) -> dict[str, list[Read]]:
    """What the declared root fields of a document ask for, by response key."""
    return {key: _reads(plan) for key, plan in root_plans(document, given, **settings).items()}


def _reads(plan: Any) -> list[Read]:
    parts = [getattr(plan, part, None) for part in ("read", "total")]
    return [part for part in parts if part is not None]


def root_plans(document: str, given: dict[str, Any], *, max_page_size: int = 100) -> dict[str, Any]:
    """The plans of the declared root fields of a document, by response key."""
    documents = Documents(graphql_schema(), size=10, limits=Limits(), hide_suggestions=False, introspection=True)
    operation = documents.operation(document, None)
    prepared = operation.prepare(given, Caller("ada", "a token"))
    found = {}
    for selected in prepared.roots:
        field = declared_field(selected)
        if isinstance(field, One | Many | Grouped):
            context = Context(
                caller=None,  # type: ignore[arg-type]
                backend=None,  # type: ignore[arg-type]
                open_auth=None,  # type: ignore[arg-type]
                functions=None,  # type: ignore[arg-type]
                max_page_size=max_page_size,
            )
            found[selected.key] = field.plan(context, selected, prepared.values)
    return found

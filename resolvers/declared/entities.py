"""The two root fields of an Apollo Federation subgraph: its schema, and rows by their keys for a router.

Their types are those of the subgraph specification, never null. A router asks for nothing else beside them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, NewType, Union

import strawberry
from graphql.execution.values import VariableValues
from strawberry.types.field import FieldType
from strawberry.types.scalar import ScalarDefinition

from gql import derive
from gql.catalog import catalog
from gql.errors import ApiError, bad_input
from gql.forward_types import LateField, list_of, object_type, optional
from gql.table import Table
from resolvers.anonymous import ALLOWS_ANONYMOUS
from resolvers.context import Context
from resolvers.declared.base import DeclaredField
from resolvers.declared.lookups import rows_by_keys
from tripgate.planner import node_id
from tripgate.planner.selection import Selected

ENTITIES = "_entities"
SERVICE = "_service"

Representation = NewType("Representation", object)

ANY: Mapping[object, ScalarDefinition] = {
    Representation: strawberry.scalar(
        name="_Any", description="An entity's `__typename` and its key, as an object.", serialize=lambda value: value
    )
}
"""The scalar of representations, whose values `Entities` checks."""


@strawberry.type(name="_Service", description="This API as a subgraph.")
class Service:
    """Federation's `_Service`."""

    sdl: str = strawberry.field(description="Its schema, for the composition of a supergraph.")


class SubgraphField(DeclaredField):
    """A field that is never null, as the subgraph specification says."""

    def made_type(self) -> FieldType:
        return LateField.made_type(self)


class SubgraphSchema(SubgraphField):
    """`_service`: the schema, to whoever asks, signed in or not."""

    def __init__(self, sdl: Callable[[], str]) -> None:
        super().__init__("_Service", lambda: Service, list, "This API's schema, for the composition of a supergraph.")
        self.graphql_name = SERVICE
        self.metadata = MappingProxyType({**ALLOWS_ANONYMOUS})
        self._sdl = sdl

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:  # noqa: ARG002
        sdl = self._sdl()
        return {child.key: sdl if child.name == "sdl" else "_Service" for child in selected.children}


class Entities(SubgraphField):
    """`_entities(representations)`: the rows of these keys, by one request for each type among them."""

    def __init__(self) -> None:
        super().__init__(
            "_Entity",
            lambda: list_of(optional(_entity_type())),
            lambda: [
                derive.argument(
                    "representations",
                    list_of(Representation),
                    "The `__typename` and the key of each; what else stands there is not looked at.",
                )
            ],
            "The rows of these keys, in their order; null for each that is not there or may not be seen.",
        )
        self.graphql_name = ENTITIES

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        given = selected.arguments(variables)["representations"]
        if len(given) > context.max_page_size:
            raise too_many_representations(len(given), context.max_page_size)
        wanted = [_named(each, f"representations[{index}]") for index, each in enumerate(given)]
        return await rows_by_keys(context, selected, variables, wanted)


def too_many_representations(found: int, limit: int) -> ApiError:
    """The refusal of a request that names more entities than a page has rows."""
    return bad_input(
        f"The request has {found} representations; at most {limit} go at once. Let other subgraphs answer smaller "
        "pages, or raise TRIPGATE_MAX_PAGE_SIZE.",
        field="representations",
        limit=limit,
        found=found,
    )


def entity(representation: Any) -> Table | None:
    """The table of the type that a representation names; `None` where it names none."""
    name = representation.get("__typename") if isinstance(representation, dict) else None
    return catalog.get(name) if isinstance(name, str) else None


def _entity_type() -> Any:
    """`_Entity`: every type with a key."""
    types = tuple(object_type(table.type_name) for table in sorted(catalog, key=lambda each: each.type_name))
    return Annotated[Union[types], strawberry.union("_Entity", description="Whatever has a key.")]  # noqa: UP007


def _named(representation: Any, path: str) -> tuple[str, str]:
    """The type and the key in a representation, the key as a row holds it.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    if not isinstance(representation, dict):
        raise bad_input(f"{path} is not an object with `__typename` and a key.", field="representations")
    table = entity(representation)
    if table is None:
        raise bad_input(f"{path}.__typename does not name an entity of this API.", field="representations")
    key = table.key
    if representation.get(key.field) is None:
        raise bad_input(f"{path} lacks `{key.field}`, the key of `{table.type_name}`.", field="representations")
    try:
        return table.type_name, node_id.key_text(key.kind, representation[key.field])
    except ValueError:
        raise bad_input(
            f"{path}.{key.field} is no key that a `{table.type_name}` can have.", field="representations"
        ) from None

"""Variables that are all plain values, as most are, read without a look at what others may be.

What comes of them is what graphql-core makes of them; whatever is not plain is left to it, mistakes with their words
included.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLEnumType, GraphQLNonNull, GraphQLScalarType, GraphQLSchema, Undefined, VariableDefinitionNode
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource


@dataclass(frozen=True, slots=True)
class PlainVariables:
    """The variables of an operation, of scalars and enums alone, none with a default.

    Attributes:
        read: The name of each, its signature, and what reads it.
    """

    read: tuple[tuple[str, GraphQLVariableSignature, Callable[[Any], Any]], ...]

    @classmethod
    def of(cls, schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]) -> "PlainVariables | None":
        """Those of these definitions; `None` where one is not plain."""
        found = []
        for node in definitions:
            signature = get_variable_signature(schema, node)
            if not isinstance(signature, GraphQLVariableSignature) or signature.default is not None:
                return None
            type_ = signature.type.of_type if isinstance(signature.type, GraphQLNonNull) else signature.type
            if not isinstance(type_, GraphQLScalarType | GraphQLEnumType):
                return None
            found.append((signature.name, signature, type_.coerce_input_value))
        return cls(tuple(found))

    def values(self, given: dict[str, Any]) -> VariableValues | None:
        """The coerced values; `None` where one is missing, null or of another type."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, signature, read in self.read:
            value = given.get(name)
            if value is None:
                return None
            try:
                found = read(value)
            except Exception:  # graphql-core reads it again, and tells what is wrong
                return None
            if found is Undefined:
                return None
            coerced[name] = found
            sources[name] = VariableValueSource(signature, value)
        return VariableValues(sources, coerced)

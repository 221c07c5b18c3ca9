"""The custom scalars: how each is read from a request. Answers carry them as PostgREST sends them.

Each parser returns a Python value and raises `ValueError` with a sentence for the caller; graphql-core names the place.
"""

import datetime as dt
import decimal
import uuid
from enum import Enum
from typing import Any, NewType

import strawberry
from graphql import (
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)
from strawberry.types.scalar import ScalarDefinition

from gql.json_numbers import Exact, decimal_number, whole_number

JSON = NewType("JSON", object)


def parse_uuid(value: object) -> uuid.UUID:
    """A UUID in any of its usual spellings."""
    if isinstance(value, uuid.UUID):
        return value
    if not isinstance(value, str):
        raise ValueError("a UUID is a string such as 6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b10")
    try:
        return uuid.UUID(value)
    except ValueError:
        raise ValueError(f"{_shown(value)} is not a UUID") from None


def parse_datetime(value: object) -> dt.datetime:
    """An ISO 8601 instant. An offset is required: without one nobody knows which instant is meant."""
    if isinstance(value, dt.datetime):
        parsed = value
    else:
        if not isinstance(value, str):
            raise ValueError("a DateTime is a string such as 2026-05-01T09:30:00Z")
        try:
            parsed = dt.datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{_shown(value)} is not an ISO 8601 date and time") from None
    if parsed.tzinfo is None:
        raise ValueError("a DateTime needs an offset, as in 2026-05-01T09:30:00Z")
    return parsed


def parse_date(value: object) -> dt.date:
    """An ISO 8601 calendar date."""
    if isinstance(value, dt.date):
        return value
    if not isinstance(value, str):
        raise ValueError("a Date is a string such as 2026-05-01")
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{_shown(value)} is not an ISO 8601 date") from None


def parse_decimal(value: object) -> decimal.Decimal:
    """A decimal number from a string or an integer. A float is refused: it may already have lost a cent."""
    if isinstance(value, Exact) and value.text.lstrip("-").isdigit():
        value = value.text  # an integer that was too long for one
    if isinstance(value, decimal.Decimal):
        parsed = value
    elif isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError('a Decimal is a string such as "1299.50"')
    else:
        try:
            parsed = decimal.Decimal(value)
        except decimal.InvalidOperation:
            raise ValueError(f"{_shown(str(value))} is not a decimal number") from None
    if not parsed.is_finite():
        raise ValueError("a Decimal must be a finite number")
    return parsed


def _parse_decimal_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> decimal.Decimal:
    if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
        # The digits as written: `12.50` in a document never becomes a float.
        return parse_decimal(node.value)
    return parse_decimal(value_from_ast_untyped(node, variables))


def _parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    """JSON written in a document, and the variables in it as JSON has them.

    Args:
        variables: Coerced; `None` while a document is validated.
    """
    match node:
        case VariableNode():
            name = node.name.value
            if variables is not None and name not in variables:
                # Not a ValueError: it is found while the field runs, where that would be taken for a mistake of ours.
                raise GraphQLError(f"the variable ${name}, which stands in a JSON value, was not given")
            return parse_json((variables or {}).get(name))
        case IntValueNode():
            return whole_number(node.value)
        case FloatValueNode():
            return decimal_number(node.value)
        case ListValueNode():
            return [_parse_json_literal(each, variables) for each in node.values]
        case ObjectValueNode():
            return {each.name.value: _parse_json_literal(each.value, variables) for each in node.fields}
        case _:
            return value_from_ast_untyped(node)


def parse_json(value: Any) -> Any:
    """JSON with all digits of its numbers; or a coerced variable, of whichever type it was declared, as JSON."""
    match value:
        case dict():
            return {name: parse_json(each) for name, each in value.items()}
        case list():
            return [parse_json(each) for each in value]
        case int() if not isinstance(value, bool):
            return whole_number(str(value))
        case Enum():
            return value.name
        case uuid.UUID() | decimal.Decimal():
            return str(value)
        case dt.date():  # a datetime is one as well
            return value.isoformat()
        case _:
            return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "…")


SCALARS: dict[object, ScalarDefinition] = {
    uuid.UUID: strawberry.scalar(
        name="UUID",
        description="A universally unique identifier, as in `6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b10`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=str,
        parse_value=parse_uuid,
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description="An instant as ISO 8601 with an offset, as in `2026-05-01T09:30:00+00:00`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=lambda value: value if isinstance(value, str) else value.isoformat(),
        parse_value=parse_datetime,
    ),
    dt.date: strawberry.scalar(
        name="Date",
        description="A calendar date as ISO 8601, as in `2026-05-01`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=parse_date,
    ),
    decimal.Decimal: strawberry.scalar(
        name="Decimal",
        description='A decimal number as a string, exact to the last digit, as in `"1299.50"`.',
        serialize=str,
        parse_value=parse_decimal,
        parse_literal=_parse_decimal_literal,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, sent and answered as JSON, its numbers to the last digit.",
        serialize=lambda value: value,
        parse_value=parse_json,
        parse_literal=_parse_json_literal,
    ),
}
"""What each Python annotation is in the schema; given to Strawberry's configuration."""

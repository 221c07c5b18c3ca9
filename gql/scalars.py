"""The custom scalars: how each is read from a request. Answers carry them as the database sends them.

Each parser returns a Python value and raises `ValueError` with a sentence for the caller; graphql-core names the place.
"""

import datetime as dt
import decimal
import re
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

from gql import intervals
from gql.json_numbers import Exact, decimal_number, whole_number

JSON = NewType("JSON", object)
BigInt = NewType("BigInt", int)
Interval = NewType("Interval", str)
"""An ISO 8601 duration, as in `P1DT2H`."""
Vector = NewType("Vector", object)
"""Numbers of an embedding, which the database alone reads: no field, no filter and no input has them."""


_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}):([0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-5][0-9])", re.IGNORECASE
)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")

_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,6})?)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_INT64 = range(-(2**63), 2**63)

_LONGEST_DECIMAL = 1000
"""Digits of a decimal, before its point and behind it."""


def parse_uuid(value: object) -> uuid.UUID:
    """A UUID as RFC 9562 writes it; also without hyphens, in braces, and as a URN."""
    if isinstance(value, uuid.UUID):
        return value
    if not isinstance(value, str):
        raise ValueError("a UUID is a string such as 6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b10")
    found = _UUID.fullmatch(value[1:-1] if value.startswith("{") and value.endswith("}") else value)
    if found is None:
        raise ValueError(f"{_shown(value)} is not a UUID")
    return uuid.UUID(found[1])


def parse_datetime(value: object) -> dt.datetime:
    """An instant as RFC 3339 writes it, in UTC and to the microsecond.

    An offset is required: without one nobody knows which instant is meant. A leap second is the first of the next
    minute, as for Postgres.
    """
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError("a DateTime needs an offset, as in 2026-05-01T09:30:00Z")
        return value
    if not isinstance(value, str):
        raise ValueError("a DateTime is a string such as 2026-05-01T09:30:00Z")
    found = _INSTANT.fullmatch(value)
    if found is None:
        raise ValueError(
            f"{_shown(value)} is not a date and time with an offset after RFC 3339, as 2026-05-01T09:30:00Z is"
        )
    day, minute, second, fraction, offset = found.groups()
    leap = second == "60"
    try:
        moment = dt.datetime.fromisoformat(
            f"{day}T{minute}:{'59' if leap else second}{fraction or ''}{offset.upper()}"
        ).astimezone(dt.UTC)
        if not leap:
            return moment
        if (moment.hour, moment.minute) == (23, 59):
            return moment + dt.timedelta(seconds=1)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{_shown(value)} is no moment of the years 1 to 9999")


def parse_date(value: object) -> dt.date:
    """A calendar date as RFC 3339 writes it."""
    if isinstance(value, dt.date):
        return value
    if not isinstance(value, str):
        raise ValueError("a Date is a string such as 2026-05-01")
    try:
        if _DATE.fullmatch(value) is not None:
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{_shown(value)} is not a date after RFC 3339, as 2026-05-01 is")


def parse_time(value: object) -> dt.time:
    """A time of day without a zone, to the microsecond, as RFC 3339 writes it; seconds may be left out."""
    if isinstance(value, dt.time):
        return value
    if not isinstance(value, str):
        raise ValueError("a Time is a string such as 09:30:00")
    try:
        if _TIME.fullmatch(value) is not None:
            return dt.time.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{_shown(value)} is not a time between 00:00:00 and 23:59:59.999999, as 09:30:00 is")


def parse_interval(value: object) -> str:
    """An ISO 8601 duration as Postgres would write it: weeks as days, twelve months as a year."""
    if not isinstance(value, str):
        raise ValueError("an Interval is a string such as P1DT2H30M")
    try:
        found = intervals.from_iso(value)
    except OverflowError:
        raise ValueError(f"{_shown(value)} is longer than an Interval can be") from None
    if found is None:
        raise ValueError(f"{_shown(value)} is not a duration after ISO 8601, as P1DT2H30M is")
    return str(found)


def parse_bigint(value: object) -> int:
    """A whole number of 64 bits, from a string or an integer. A float is refused: it may already have lost a digit."""
    if isinstance(value, Exact) and value.text.lstrip("-").isdigit():
        value = value.text  # an integer that was too long for one
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError('a BigInt is a string such as "9007199254740993"')
    text = str(value)
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(f"{_shown(text)} is not a whole number")
    number = int(text)
    if number not in _INT64:
        raise ValueError(f"{_shown(text)} is not between {_INT64.start} and {_INT64.stop - 1}")
    return number


def parse_decimal(value: object) -> decimal.Decimal:
    """A decimal number from a string or an integer. A float is refused: it may already have lost a cent."""
    if isinstance(value, Exact) and value.text.lstrip("-").isdigit():
        value = value.text  # an integer that was too long for one
    if isinstance(value, decimal.Decimal):
        parsed = value
    elif isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError('a Decimal is a string such as "1299.50"')
    else:
        text = str(value)
        if _DECIMAL.fullmatch(text) is None:
            raise ValueError(f"{_shown(text)} is not a finite decimal number")
        parsed = decimal.Decimal(text)
    if len(parsed.as_tuple().digits) > _LONGEST_DECIMAL or abs(parsed.adjusted()) > _LONGEST_DECIMAL:
        raise ValueError(f"a Decimal has at most {_LONGEST_DECIMAL} digits")
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
        case dt.date() | dt.time():  # a datetime is a date as well
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
        description="An instant as RFC 3339 with an offset, as in `2026-05-01T09:30:00+00:00`, to the microsecond.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=lambda value: value if isinstance(value, str) else value.isoformat(),
        parse_value=parse_datetime,
    ),
    dt.date: strawberry.scalar(
        name="Date",
        description="A calendar date as RFC 3339, as in `2026-05-01`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=parse_date,
    ),
    dt.time: strawberry.scalar(
        name="Time",
        description="A time of day without a zone as RFC 3339, as in `09:30:00`, to the microsecond.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=parse_time,
    ),
    Interval: strawberry.scalar(
        name="Interval",
        description="A length of time as an ISO 8601 duration, as in `P1Y2M3DT4H5M6.5S`, to the microsecond.",
        specified_by_url="https://www.iso.org/standard/70907.html",
        serialize=str,
        parse_value=parse_interval,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description='A whole number of 64 bits as a string, exact to the last digit, as in `"9007199254740993"`.',
        serialize=str,
        parse_value=parse_bigint,
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

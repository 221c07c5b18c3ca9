"""The size of variables, checked before they are coerced: coercion and planning take time for each value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gql.errors import ErrorCode
from tripgate.gateway.limits.bounds import Limits, exceeded
from tripgate.gateway.limits.measure import Size

_CONTAINERS = frozenset({dict, list})


@dataclass(frozen=True, slots=True)
class Usage:
    """What an operation does with its variables, whatever they are.

    Attributes:
        values: Values in its arguments, a variable being one.
        uses: In how many places each variable stands, fragments expanded.
        defaults: How many values the default of each has.
    """

    values: int = 0
    uses: Mapping[str, int] = field(default_factory=dict)
    defaults: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, size: Size) -> "Usage":
        """What a measured operation does with them."""
        return cls(size.values, size.uses, size.defaults)


def check_variables(variables: Mapping[str, Any], limits: Limits, usage: Usage) -> int:
    """Refuse variables that nest too deeply, hold a list that is too long or too many values in all.

    Args:
        variables: As they came, decoded JSON.

    Returns:
        How many values the operation has then, those of each variable counted wherever it stands.

    Raises:
        ApiError: INPUT_TOO_LARGE, with the variable's name as `field`.
    """
    found = usage.values
    for name, value in variables.items():
        if type(value) in _CONTAINERS:  # most are not, and cost no more than this
            found = _check(name, value, limits, found, usage.uses.get(name, 1))
    for name, values in usage.defaults.items():
        if name not in variables:
            found += values * usage.uses.get(name, 0)
            if found > limits.input_values:
                raise _too_many(name, limits)
    return found


def are_few(variables: Mapping[str, Any], most: int) -> bool:
    """Whether variables hold at most so many values, told without a look at more."""
    found = len(variables)
    waiting = [value for value in variables.values() if type(value) in _CONTAINERS]
    while waiting and found <= most:
        each = waiting.pop()
        found += len(each)
        if found <= most:
            waiting.extend(
                below for below in (each.values() if type(each) is dict else each) if type(below) in _CONTAINERS
            )
    return found <= most


def _check(name: str, value: Any, limits: Limits, found: int, times: int) -> int:
    waiting = [(value, 1)]
    while waiting:
        each, depth = waiting.pop()
        if depth > limits.input_depth:
            raise exceeded(
                ErrorCode.INPUT_TOO_LARGE,
                f"The variable ${name} nests objects and lists deeper than the {limits.input_depth} that are allowed.",
                limits.input_depth,
                field=name,
            )
        if type(each) is dict:
            each = each.values()
        elif len(each) > limits.input_list:
            raise exceeded(
                ErrorCode.INPUT_TOO_LARGE,
                f"A list in the variable ${name} has {len(each)} entries; at most {limits.input_list} are allowed.",
                limits.input_list,
                len(each),
                field=name,
            )
        found += len(each) * times
        if found > limits.input_values:
            raise _too_many(name, limits)
        waiting.extend((below, depth + 1) for below in each if type(below) in _CONTAINERS)
    return found


def _too_many(name: str, limits: Limits) -> Exception:
    return exceeded(
        ErrorCode.INPUT_TOO_LARGE,
        f"With the variable ${name}, the operation has more than the {limits.input_values} values that are allowed in "
        "its arguments, each counted wherever it is used. Ask in several operations.",
        limits.input_values,
        field=name,
    )

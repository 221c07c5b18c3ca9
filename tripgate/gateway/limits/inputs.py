"""The size of variables, checked before they are coerced: coercion and planning follow them down by recursion."""

from collections.abc import Mapping
from typing import Any

from gql.errors import ErrorCode
from tripgate.gateway.limits.bounds import Limits, exceeded

_CONTAINERS = frozenset({dict, list})


def check_variables(variables: Mapping[str, Any], limits: Limits) -> None:
    """Refuse variables that nest too deeply or hold a list that is too long.

    Args:
        variables: As they came, decoded JSON.

    Raises:
        ApiError: INPUT_TOO_LARGE, with the variable's name as `field`.
    """
    for name, value in variables.items():
        if type(value) in _CONTAINERS:  # most are not, and cost no more than this
            _check(name, value, limits)


def _check(name: str, value: Any, limits: Limits) -> None:
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
        waiting.extend((below, depth + 1) for below in each if type(below) in _CONTAINERS)

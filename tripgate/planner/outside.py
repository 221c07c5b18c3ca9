"""Values that no database has, as the address that another service signs.

They stand in an answer as what is to be asked, until whoever sends it has asked for all of them together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gql.table import OutsideField
from tripgate.planner.json_values import Path, counting


@dataclass(frozen=True, slots=True)
class Outside:
    """One such value.

    Attributes:
        values: Of the columns that the field needs, in their order.
        arguments: Of the field, as pairs; objects among them likewise.
    """

    field: OutsideField
    values: tuple[Any, ...]
    arguments: tuple[tuple[str, Any], ...]


def outside(field: OutsideField, arguments: tuple[tuple[str, Any], ...], *values: Any) -> Outside:
    """Stand for a value, and count it."""
    count = counting.get(None)
    if count is not None:
        count.outside += 1
    return Outside(field, values, arguments)


def frozen(value: Any) -> Any:
    """An argument as part of a shape: an object as pairs."""
    return tuple((key, frozen(each)) for key, each in value.items()) if isinstance(value, dict) else value


def found(answer: Any, path: Path = ()) -> Iterator[tuple[Any, str, Path, Outside]]:
    """The values in an answer: the object that holds each, its key there, and its path."""
    entries: Any = ()
    if type(answer) is dict:
        entries = answer.items()
    elif type(answer) is list:
        entries = enumerate(answer)
    for key, each in entries:
        if type(each) is Outside:
            yield answer, key, (*path, key), each
        elif type(each) is dict or type(each) is list:
            yield from found(each, (*path, key))

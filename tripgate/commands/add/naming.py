"""Names in Python and in the API that follow from those in SQL."""

import keyword
import re
from collections.abc import Collection

_IRREGULAR = {
    "children": "child",
    "halves": "half",
    "leaves": "leaf",
    "men": "man",
    "people": "person",
    "series": "series",
    "shelves": "shelf",
    "women": "woman",
}
# What a declared class calls or writes in annotations: a field of such a name would stand in its way.
_TAKEN = frozenset(
    {
        "bool",
        "column",
        "computed_column",
        "dt",
        "float",
        "has_one",
        "int",
        "list",
        "node_id",
        "on_create",
        "str",
        "strawberry",
        "table",
        "to_many",
        "to_one",
        "unique",
    }
)


def singular(table: str) -> str:
    """What one row of a table is called: `board_game` of `board_games`; the same where no rule fits."""
    before, underscore, word = table.rpartition("_")
    return before + underscore + _singular(word)


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if re.search(r"(ss|sh|ch|x|z|[tr]us)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"[^sui]s$", word) else word


def class_name(name: str) -> str:
    """`BoardGame` of `board_game`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def words(name: str) -> str:
    """`board games` of `board_games`."""
    return name.replace("_", " ")


def attribute(column: str) -> str:
    """The attribute of a column, which is called like it wherever Python allows that."""
    name = re.sub(r"\W", "_", column)
    if name in _TAKEN or keyword.iskeyword(name) or not name.isidentifier() or name.startswith("_"):
        return f"{name.strip('_') or 'column'}_value"
    return name


def member(value: str, taken: Collection[str]) -> str:
    """The name in an enum of a value in SQL."""
    name = (
        re.sub(r"[^A-Za-z0-9]+", "_", value.replace("-", " MINUS ") if _is_number(value) else value).strip("_").upper()
    )
    if not name or name[0].isdigit() or _is_number(value):
        name = f"VALUE_{name}".rstrip("_")
    unlike, number = name, 2
    while unlike in taken:
        unlike, number = f"{name}_{number}", number + 1
    return unlike


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d+", value) is not None

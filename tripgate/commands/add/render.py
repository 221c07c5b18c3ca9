"""A draft as Python, in the project's format: the declaration, and the root fields over it. Pure: text from data."""

import ast
import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strawberry.utils.str_converters import to_snake_case

from tripgate.commands.add import naming
from tripgate.commands.add.draft import Draft, Relation, quoted

WIDTH = 120
Imports = Mapping[str, frozenset[str]]
"""By module the names from it; a module that is imported as a whole has none."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is put into a module.

    Attributes:
        docstring: Of the module, where there is none yet.
        body: Without imports.
        offered: What the module's `DOMAIN` offers besides.
    """

    docstring: str
    imports: Imports
    body: str
    offered: tuple[str, ...] = ()


def declaration(draft: Draft, schema_constant: str | None) -> Part:
    """What stands in `gql/types`.

    Args:
        schema_constant: What `gql.schemas` calls the table's schema, where that is not `public`.
    """
    blocks = [_enum(draft, index) for index in range(len(draft.choices))]
    blocks.append(_class(draft, schema_constant))
    imports = {module: set(names) for module, names in draft.imports.items()}
    declared = imports.setdefault("gql.declare", set())
    declared.add("table")
    for each in draft.fields:
        calls = each.arguments or each.made_by != "column"
        declared.update([each.made_by] if calls else [])
        for argument in each.arguments:
            declared.update(name for name in ("NEVER", "REQUIRED", "on_create", "Write") if f"write={name}" in argument)
    declared.update(each.made_by for each in (*draft.relations, *_own_others(draft)))
    declared.update(["unique"] if draft.unique else [])
    if draft.scope is not None:
        imports.setdefault(draft.scope.module, set()).add(draft.scope.constant)
    else:
        declared.add("POLLED")
    if schema_constant is not None:
        imports.setdefault("gql.schemas", set()).add(schema_constant)
    return Part(
        f"{naming.words(draft.table.name).capitalize()}.",
        {module: frozenset(names) for module, names in imports.items()},
        "\n\n\n".join(blocks) + "\n",
    )


def _enum(draft: Draft, index: int) -> str:
    choices = draft.choices[index]
    lines = [
        call("@strawberry.enum", [f"description={quoted(choices.description)}"], 0),
        f"class {choices.class_name}(Enum):",
        docstring(f"The values of `{draft.name}.{choices.column}`.", 4),
        "",
        *(f"    {name} = {value}" for name, value in choices.members),
    ]
    return "\n".join(lines)


def _class(draft: Draft, schema_constant: str | None) -> str:
    arguments = [quoted(draft.table.name)]
    if schema_constant is not None:
        arguments.append(f"schema={schema_constant}")
    if draft.scope is not None:
        arguments.append(f"scope={draft.scope.constant}.via({', '.join(map(quoted, draft.path))})")
    else:
        arguments.append("unheard=POLLED")
    if draft.order:
        arguments.append(f"order_by={_tuple(draft.order)}")
    if draft.key != "id":
        arguments.append(f"key={quoted(draft.key)}")
    if draft.unique:
        keys = [_unique(columns, draft.own) for columns in draft.unique]
        arguments.append(f"keys=({', '.join(keys)}{',' * (len(keys) == 1)})")
    if draft.search is not None:
        arguments.append(f"search={quoted(draft.search)}")
    if draft.hidden:
        arguments.append("hidden_columns=True")
    if draft.table.view:
        arguments.append("read_only=True")
    said = (draft.table.comment or f"One of the {naming.words(draft.table.name)}").rstrip(".")
    lines = [
        call("@table", arguments, 0),
        f"class {draft.class_name}:",
        docstring(f"{said}, over `{draft.name}`.", 4),
        "",
    ]
    for field in draft.fields:
        start = f"    {field.attribute}: {field.annotation}"
        if field.arguments or field.made_by != "column":
            start = f"{start} = {call(field.made_by, field.arguments, 4, len(start) - 1)}"
        lines.append(start)
    lines += [comment for note in draft.notes for comment in _comment(note)]
    if draft.relations:
        lines += ["", *(relation(each) for each in draft.relations)]
    lines += [relation(each) for each in _own_others(draft)]
    return "\n".join(lines)


def _own_others(draft: Draft) -> list[Relation]:
    """The other sides of relations of the table to itself."""
    return [each for each in draft.others if each.table == draft.table.qualified]


def _unique(columns: Sequence[str], own: str | None) -> str:
    said = [*map(quoted, columns)]
    # A row that each person has once may be seen by others, who look it up by that person.
    if own in columns and len(columns) > 1:
        said.append(f"own={quoted(str(own))}")
    return f"unique({', '.join(said)})"


def relation(each: Relation) -> str:
    """The line of a relation in its class."""
    start = f"    {each.attribute} = "
    arguments = [quoted(each.target), f"via={quoted(each.via)}", f"description={quoted(each.description)}"]
    return start + call(each.made_by, arguments, 4, len(start) - 4)


def resolvers(draft: Draft, singular: str, plural: str) -> Part:
    """What stands in `resolvers`: the usual fields; where people may not delete, each that they may have.

    Args:
        singular: The root field of one row, and `plural` that of many.
    """
    parts, body = [], ""
    arguments = [quoted(draft.type_name)]
    imports: dict[str, frozenset[str]] = {"resolvers.declared.crud": frozenset({"crud", "domain"})}
    usual = "delete" in draft.writes or draft.table.view
    if not usual:
        arguments.append("writes=False")
    if draft.scope is not None:
        arguments.append(f"changes={quoted(changes(draft))}")
    parts.append(call("crud", arguments, 4))
    if not usual and draft.writes:
        made = {}
        for privilege, field in (("insert", "create"), ("update", "update")):
            if privilege in draft.writes:
                made[f"{field}_{to_snake_case(singular)}"] = field
                made[f"{field}_{to_snake_case(plural)}"] = f"{field}_many"
        fields = [f"    {name} = {field}({quoted(draft.type_name)})" for name, field in made.items()]
        name = f"{draft.type_name}Mutation"
        doc = docstring(f"Writing {naming.words(draft.table.name)}, which nobody deletes.", 4)
        body = "\n".join(["@strawberry.type", f"class {name}:", doc, "", *fields]) + "\n"
        parts.append(name)
        imports |= {"resolvers.declared": frozenset(made.values()), "strawberry": frozenset()}
    return Part(f"{naming.words(draft.table.name).capitalize()}.", imports, body, tuple(parts))


def changes(draft: Draft) -> str:
    """What the subscription says of itself."""
    assert draft.scope is not None  # noqa: S101 - asked only then
    what = naming.words(draft.table.name).removeprefix(f"{draft.scope.noun} ")
    return f"Changes of the {draft.scope.noun}'s {what}."


# Format ---------------------------------------------------------------------------------------------------------------


def call(name: str, arguments: Sequence[str], indent: int, before: int = 0) -> str:
    """A call as the formatter writes it.

    Args:
        indent: How far its line is indented, and `before` how many more characters stand before it.
    """
    line = f"{name}({', '.join(arguments)})"
    if indent + before + len(line) <= WIDTH:
        return line
    inner = " " * (indent + 4)
    together = inner + ", ".join(arguments)
    if len(together) <= WIDTH and not any("\n" in each for each in arguments):
        return f"{name}(\n{together}\n{' ' * indent})"
    lines = [line for each in arguments for line in _argument(each, inner)]
    return f"{name}(\n" + "\n".join(lines) + f"\n{' ' * indent})"


def _argument(argument: str, inner: str) -> list[str]:
    """One argument on lines of its own; a text that is too long for one goes on on the next."""
    if len(inner) + len(argument) + 1 <= WIDTH:
        return [f"{inner}{argument},"]
    name, equals, text = argument.partition("=")
    if not (equals and text[:1] in {'"', "'"}):
        return [f"{inner}{argument},"]
    room = WIDTH - len(inner) - len(name) - 4
    whole = ast.literal_eval(text)
    parts = textwrap.wrap(whole, room, break_on_hyphens=False, drop_whitespace=False)
    # Each in quotes of its own, which may need escapes.
    if any(len(quoted(part)) > room + 2 for part in parts):
        parts = textwrap.wrap(whole, room - 8, break_on_hyphens=False, drop_whitespace=False)
    lines = [f"{inner}{'' if place else f'{name}='}{quoted(part)}" for place, part in enumerate(parts)]
    lines[-1] += ","
    return lines


def docstring(text: str, indent: int) -> str:
    """A docstring on as many lines as it takes."""
    space = " " * indent
    safe = text.replace("\\", "\\\\").replace('"""', "'''")
    lines = textwrap.wrap(safe, WIDTH - indent - 6, break_on_hyphens=False)
    return f'{space}"""' + f"\n{space}".join(lines) + '"""'


def _comment(text: str) -> list[str]:
    return [f"    # {line}" for line in textwrap.wrap(text, WIDTH - 6, break_on_hyphens=False)]


def _tuple(texts: Sequence[str]) -> str:
    return f"({', '.join(map(quoted, texts))}{',' * (len(texts) == 1)})"


def toml(value: object) -> str:
    """A value as TOML, of a kind that JSON knows."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)

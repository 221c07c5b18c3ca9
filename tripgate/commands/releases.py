"""The API as it was released: `releases/<version>.graphql`, and what a change of the schema does to its users.

Versions follow SemVer: breaking changes take a new major version, below 1.0 a new minor one. So until pyproject.toml
names such a version, whatever breaks the documents of those who use the last release fails the check.

What can be null now, but beside an error alone, and says `@semanticNonNull`, breaks no document. So it passes, and is
told: types that are generated without heed of the directive change. To take the directive away is a break.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphql import (
    BreakingChangeType,
    DangerousChangeType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    get_directive_values,
)

_FOLDER = Path("releases")
_PROJECT = Path("pyproject.toml")

# What a client need not give cannot surprise it.
_HARMLESS = {DangerousChangeType.OPTIONAL_ARG_ADDED, DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED}

_WHAT_TO_DO = (
    "Keep what was released and mark it with `deprecated=`; or, if the break is meant, raise the version in"
    " pyproject.toml to {}."
)

Version = tuple[int, int, int]


class ReleaseError(Exception):
    """The schema breaks the last release, or the release cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Release:
    """A version and the schema that it had."""

    version: Version
    sdl: str


def last_release() -> Release | None:
    """The newest release of this folder; `None` before the first."""
    files = {_version(file.stem): file for file in _FOLDER.glob("*.graphql")}
    if not files:
        return None
    newest = max(files)
    return Release(newest, files[newest].read_text(encoding="utf-8"))


def check(sdl: str) -> list[str]:
    """What users of the last release should know of this schema, a line each.

    Raises:
        ReleaseError: It breaks their documents, and its version does not say so.
    """
    last = last_release()
    if last is None:
        return []
    released, schema = build_schema(last.sdl), build_schema(sdl)
    other_kind = _changed_kinds(released, schema)
    _handle_errors(released)
    _handle_errors(schema)
    breaking = [change.description for change in find_breaking_changes(released, schema)]
    if breaking and not _may_break(last.version, this_version()):
        lines = [f"  {each}" for each in breaking]
        next_one = _text((last.version[0] + 1, 0, 0) if last.version[0] else (0, last.version[1] + 1, 0))
        raise ReleaseError(
            "\n".join([f"This breaks clients of {_text(last.version)}:", *lines, _WHAT_TO_DO.format(next_one)])
        )
    dangerous = [
        change.description for change in find_dangerous_changes(released, schema) if change.type not in _HARMLESS
    ]
    return [*breaking, *_null_beside_an_error(other_kind, breaking), *dangerous]


def _changed_kinds(released: GraphQLSchema, schema: GraphQLSchema) -> list[str]:
    """The fields that may not be what they were, null in place of a value among it."""
    return [
        change.description.partition(" changed type ")[0]
        for change in find_breaking_changes(released, schema)
        if change.type is BreakingChangeType.FIELD_CHANGED_KIND
    ]


def _null_beside_an_error(other_kind: list[str], breaking: list[str]) -> list[str]:
    """What could not be null in the last release and can now, beside an error alone."""
    return [
        f"{field} can be null, beside an error alone (@semanticNonNull)."
        for field in other_kind
        if not any(each.startswith(f"{field} changed type ") for each in breaking)
    ]


def _handle_errors(schema: GraphQLSchema) -> None:
    """Make a schema what those clients see who read no null that stands beside an error: `@semanticNonNull` is `!`."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field in type_.fields.values():
                field.type = _never_null(field.type, _levels(schema, field))


def _levels(schema: GraphQLSchema, field: GraphQLField) -> Sequence[int]:
    """Where null comes only with an error: 0 is the field itself, 1 the entries of its list."""
    directive = schema.get_directive("semanticNonNull")
    values = get_directive_values(directive, field.ast_node) if directive and field.ast_node else None
    return values["levels"] if values else ()


def _never_null(type_: GraphQLOutputType, levels: Sequence[int], level: int = 0) -> GraphQLOutputType:
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(inner, GraphQLList):
        inner = GraphQLList(_never_null(inner.of_type, levels, level + 1))
    return GraphQLNonNull(inner) if isinstance(type_, GraphQLNonNull) or level in levels else inner


def release(sdl: str) -> Path:
    """Write the file of this version.

    Raises:
        ReleaseError: This version has been released before, or breaks the last one without saying so.
    """
    check(sdl)
    file = _FOLDER / f"{_text(this_version())}.graphql"
    if file.exists():
        raise ReleaseError(f"{file} is there already. Raise the version in pyproject.toml first.")
    _FOLDER.mkdir(exist_ok=True)
    file.write_text(sdl, encoding="utf-8")
    return file


def this_version() -> Version:
    """The version in pyproject.toml, read anew: what is installed may be older."""
    return _version(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"])


def _may_break(last: Version, this: Version) -> bool:
    return this[0] > last[0] or (last[0] == 0 and this[:2] > last[:2])


def _version(text: str) -> Version:
    major, minor, patch = text.split(".")
    return int(major), int(minor), int(patch)


def _text(version: Version) -> str:
    return ".".join(map(str, version))

"""The files that adding a table makes or changes, as texts: nothing is written before all of them are known."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gql import schemas
from gql.schemas import DEFAULT, PostgresSchema
from tripgate.commands.add import modules, render
from tripgate.commands.add.draft import Draft, RefusedError, said


@dataclass(frozen=True, slots=True)
class File:
    """One file: what it holds now, `None` where it is not there, what it shall hold, and what that is."""

    path: Path
    before: str | None
    after: str
    what: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """A line that no program may write: what it is for, where it goes, and why."""

    line: str
    where: str
    why: str


def declared(folder: Path, draft: Draft, domain: str, part: render.Part) -> File:
    """The module of `gql/types`."""
    path = folder / "gql" / "types" / f"{domain}.py"
    before = _read(path)
    if taken := {draft.class_name, *(each.class_name for each in draft.choices)} & {*modules.names(before)}:
        raise RefusedError(f"{path} has {', '.join(sorted(taken))} already: give another name with --type.")
    what = f"type {draft.type_name} over {draft.name}"
    return File(path, before, _edited(path, lambda: modules.with_declaration(before, part)), what)


def offered(folder: Path, domain: str, part: render.Part) -> File:
    """The module of `resolvers`."""
    path = folder / "resolvers" / f"{domain}.py"
    before = _read(path)
    return File(path, before, _edited(path, lambda: modules.with_fields(before, part)), "")


def _edited(path: Path, edit: Callable[[], str]) -> str:
    try:
        text = edit()
        ast.parse(text)
    except (modules.CannotEditError, SyntaxError) as error:
        raise RefusedError(
            f"{path} is there, and what is in it cannot be changed safely: {error}. Name another module with --domain."
        ) from None
    return text


def others(folder: Path, draft: Draft, written: list[File]) -> tuple[list[File], list[ByHand]]:
    """The relations from the other sides, each in the module that declares it; and those that a person must write.

    Args:
        written: The files that are changed already, whose new texts go on being changed.
    """
    texts = {file.path: file for file in written}
    by_hand = []
    for each in draft.others:
        if each.table == draft.table.qualified:
            continue  # it is in the class itself
        line = render.relation(each)
        schema, _, name = each.table.partition(".")
        constant = constant_of(schema)
        path = next(
            (
                path
                for path in sorted((folder / "gql" / "types").glob("*.py"))
                if modules.declares(path.read_text(encoding="utf-8"), name, constant)
            ),
            None,
        )
        if path is None:
            by_hand.append(ByHand(line, f"the class over {said(each.table)}", "no module holds it"))
            continue
        file = texts.get(path)
        before = path.read_text(encoding="utf-8") if file is None else file.after
        try:
            after = modules.with_relation(before, name, constant, each.attribute, line, each.made_by)
            ast.parse(after)
        except (modules.CannotEditError, SyntaxError) as error:
            by_hand.append(ByHand(line, f"the class over {name} in {path}", str(error)))
            continue
        what = _more(file, f"the relation {each.attribute} from {name}")
        texts[path] = File(path, before if file is None else file.before, after, what)
    return list(texts.values()), by_hand


def _more(file: File | None, what: str) -> str:
    return what if file is None or not file.what else f"{file.what}; {what}"


def constant_of(schema: str) -> str | None:
    """What `gql.schemas` calls a schema; `None` for `public`.

    Raises:
        RefusedError: It has no such schema.
    """
    if schema == DEFAULT:
        return None
    for constant, value in vars(schemas).items():
        if isinstance(value, PostgresSchema) and value.name == schema:
            return constant
    raise RefusedError(
        f"No schema {schema} is declared: give it a prefix for its types in gql/schemas.py, and add it to `schemas` "
        "below [api] in supabase/config.toml."
    )


def schema_of(schema: str) -> PostgresSchema:
    """The schema itself. Raises as `constant_of`."""
    constant = constant_of(schema)
    return schemas.PUBLIC if constant is None else getattr(schemas, constant)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None

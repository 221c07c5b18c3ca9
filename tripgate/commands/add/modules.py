"""Puts what was rendered into modules: new ones, or ones that are there, of which all else stays as it is.

Takes and gives source text. What cannot be changed safely raises CannotEditError, and a person does it by hand.
"""

import ast
import sys
from collections.abc import Mapping, Sequence, Set

from tripgate.commands.add.render import WIDTH, Imports, Part, call

_OURS = {"gql", "resolvers", "tripgate"}
_RELATIONS = {"to_one", "to_many", "has_one"}


class CannotEditError(Exception):
    """A module is not of the form that a program may change."""


def with_declaration(text: str | None, part: Part) -> str:
    """A module of `gql/types` with one more class at its end."""
    if text is None:
        return with_imports(f'"""{part.docstring}"""\n', part.imports) + "\n\n" + part.body
    return with_imports(text, part.imports).rstrip("\n") + "\n\n\n" + part.body


def with_fields(text: str | None, part: Part) -> str:
    """A module of `resolvers` whose domain offers more."""
    body = part.body
    if text is None:
        before = with_imports(f'"""{part.docstring}"""\n', part.imports)
        line = f"DOMAIN = {call('domain', part.offered, 0, len('DOMAIN = '))}\n"
        return f"{before}\n\n{body}\n\n{line}" if body else f"{before}\n{line}"
    text = with_imports(text, part.imports)
    node = _domain(text)
    source = _source(text, node)
    if "#" in source:
        raise CannotEditError("its DOMAIN holds comments")
    positional = [_source(text, each) for each in node.value.args]
    named = [f"{each.arg}={_source(text, each.value)}" for each in node.value.keywords]
    arguments = [*positional, *part.offered, *named]
    made = call("domain", arguments, 0, len("DOMAIN = "))
    if source.rstrip().removesuffix(")").rstrip().endswith(","):  # spread out, and it stays so
        made = "domain(\n" + "".join(f"    {each},\n" for each in arguments) + ")"
    lines = text.splitlines(keepends=True)
    start, end = node.lineno - 1, node.end_lineno or node.lineno
    return "".join(lines[:start]) + (f"{body}\n\n" if body else "") + f"DOMAIN = {made}\n" + "".join(lines[end:])


class _Domain(ast.Assign):
    value: ast.Call


def _domain(text: str) -> _Domain:
    for node in ast.parse(text).body:
        if (
            isinstance(node, ast.Assign)
            and [*map(ast.unparse, node.targets)] == ["DOMAIN"]
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "domain"
        ):
            return node  # type: ignore[return-value] # so it was found
    raise CannotEditError("it has no DOMAIN = domain(…)")


def with_relation(text: str, table: str, schema: str | None, attribute: str, line: str, made_by: str) -> str:
    """A module of `gql/types` in which the class over `table` has one more relation, behind those that it has.

    Args:
        schema: What `gql.schemas` calls its schema, where that is not `public`.
    """
    (node,) = _classes(text, table, schema) or (None,)
    if node is None:
        raise CannotEditError(f"it has no class over {table}")
    names = {
        name
        for each in node.body
        for name in (
            [target.id for target in each.targets if isinstance(target, ast.Name)]
            if isinstance(each, ast.Assign)
            else [each.target.id]
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            else [each.name]
            if isinstance(each, ast.FunctionDef)
            else []
        )
    }
    if attribute in names:
        raise CannotEditError(f"{node.name} has {attribute} already")
    relations = [each for each in node.body if isinstance(each, ast.Assign) and _called(each.value) in _RELATIONS]
    columns = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    behind = (relations or columns or [node.body[0]])[-1]
    lines = text.splitlines(keepends=True)
    end = behind.end_lineno or behind.lineno
    lines[end:end] = [("" if relations else "\n") + line + "\n"]
    return with_imports("".join(lines), {"gql.declare": frozenset({made_by})})


def declares(text: str, table: str, schema: str | None) -> bool:
    """Whether a module has the class over a table."""
    return bool(_classes(text, table, schema))


def _classes(text: str, table: str, schema: str | None) -> list[ast.ClassDef]:
    found = []
    for node in ast.parse(text).body:
        for mark in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            if not (isinstance(mark, ast.Call) and _called(mark) == "table" and mark.args):
                continue
            said = next((ast.unparse(each.value) for each in mark.keywords if each.arg == "schema"), None)
            first = mark.args[0]
            if isinstance(first, ast.Constant) and first.value == table and said == schema:
                found.append(node)
    return found  # type: ignore[return-value] # only those have decorators


def _called(node: ast.expr) -> str | None:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _source(text: str, node: ast.AST) -> str:
    return ast.get_source_segment(text, node) or ""


# Imports --------------------------------------------------------------------------------------------------------------


def with_imports(text: str, needed: Imports) -> str:
    """The module with these imports among its own, in the order of the linter."""
    tree = ast.parse(text)
    nodes = [each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    whole = {module for module, names in needed.items() if not names}
    found = {module: set(names) for module, names in needed.items() if names}
    spread: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            whole |= {_named(each) for each in node.names}
            continue
        module = "." * node.level + (node.module or "")
        found.setdefault(module, set()).update(map(_named, node.names))
        if _source(text, node).rstrip(")").rstrip().endswith(","):
            spread.add(module)
    lines = text.splitlines(keepends=True)
    if nodes:
        start, end = nodes[0].lineno - 1, nodes[-1].end_lineno or nodes[-1].lineno
        between = [each for each in tree.body if nodes[0].lineno <= each.lineno <= nodes[-1].lineno]
        if between != nodes or any("#" in line for line in lines[start:end]):
            raise CannotEditError("comments or other lines stand between its imports")
        block = _rendered(whole, found, spread)
        return "".join(lines[:start]) + block + "".join(lines[end:])
    start = (tree.body[0].end_lineno or 1) if tree.body and ast.get_docstring(tree) is not None else 0
    return "".join(lines[:start]) + "\n" * bool(start) + _rendered(whole, found, spread) + "".join(lines[start:])


def _named(alias: ast.alias) -> str:
    return alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"


def _rendered(whole: Set[str], found: Mapping[str, set[str]], spread: Set[str]) -> str:
    sections: dict[int, list[str]] = {}
    for module in sorted(whole):
        sections.setdefault(_section(module), []).append(f"import {module}")
    for module in sorted(found):
        sections.setdefault(_section(module), []).append(_import(module, found[module], spread=module in spread))
    return "\n".join("".join(f"{line}\n" for line in sections[section]) for section in sorted(sections))


def _section(module: str) -> int:
    top = module.partition(" ")[0].partition(".")[0]
    return 0 if top in sys.stdlib_module_names else 2 if top in _OURS else 1


def _import(module: str, names: set[str], *, spread: bool) -> str:
    ordered = sorted(names, key=_of_type)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH and not spread:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"


def _of_type(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as the linter has it."""
    plain = name.partition(" ")[0]
    return (0 if plain.isupper() and len(plain) > 1 else 1 if plain[:1].isupper() else 2, name)


def names(text: str | None) -> Sequence[str]:
    """What a module defines or imports at its top."""
    found: list[str] = []
    for node in ast.parse(text or "").body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [each.asname or each.name for each in node.names]
        elif isinstance(node, ast.Assign):
            found += [each.id for each in node.targets if isinstance(each, ast.Name)]
    return found

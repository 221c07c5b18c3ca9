"""Declares what was rendered, in this process alone, before anything is written."""

import sys
from types import ModuleType

from strawberry.utils.str_converters import to_camel_case

from gql import pg_catalog
from gql.catalog import catalog
from gql.table import Table
from tripgate.commands.add.draft import Draft, RefusedError
from tripgate.commands.add.modules import with_declaration, with_fields
from tripgate.commands.add.render import Part
from tripgate.commands.checks import mapping
from tripgate.commands.doctor.report import Level

_ROOTS = ("Query", "Mutation", "Subscription")


def declare(draft: Draft, part: Part, database: pg_catalog.Database) -> Table:
    """Declare the type.

    Raises:
        RefusedError: It cannot be declared beside the others, or does not say what the database says.
    """
    try:
        run(f"gql.types.{draft.table.name} as it would be", with_declaration(None, part))
    except ValueError as error:
        raise RefusedError(f"{error}") from None
    table = catalog[draft.type_name]
    found = [each.line for each in mapping.check(table, catalog, database) if each.level is Level.ERROR]
    if found:
        raise RefusedError("\n".join(["The table cannot be declared as it is:", *found]))
    return table


def fields(part: Part) -> dict[str, list[str]]:
    """The root fields, by their root type.

    Raises:
        RefusedError: They cannot be made.
    """
    try:
        types = run("resolvers as they would be", with_fields(None, part)).DOMAIN.types()
    except ValueError as error:
        raise RefusedError(f"{error}") from None
    return {
        root: [
            to_camel_case(each.python_name)
            for type_ in types
            if type_.__name__.endswith(root)
            for each in type_.__strawberry_definition__.fields
        ]
        for root in _ROOTS
    }


def run(name: str, text: str) -> ModuleType:
    """Run a module that this program has written, of names in the project's own SQL."""
    module = sys.modules[name] = ModuleType(name)
    exec(compile(text, f"<{name}>", "exec"), vars(module))  # noqa: S102 - see above
    return module

"""What belongs to one system of the product and not to the engine: each a package here, found and not listed.

A package `tripgate/systems/<system>/` gives its name `SYSTEM` a `System`, with commands of its own and what the doctor
asks about its tables. No other module below `tripgate/` names a table, a type or a scope: they are declared in
`gql/types`, and read from there.
"""

import functools
import importlib
import pkgutil

from tripgate.systems.system import System


@functools.cache
def found() -> tuple[System, ...]:
    """The systems, in the order of their packages' names.

    Raises:
        TypeError: A package has no `SYSTEM`.
    """
    systems = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        if module.ispkg:
            system = getattr(importlib.import_module(f"{__name__}.{module.name}"), "SYSTEM", None)
            if not isinstance(system, System):
                raise TypeError(f"{__name__}.{module.name} must assign a System to its name SYSTEM")
            systems.append(system)
    return tuple(systems)

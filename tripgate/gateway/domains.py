"""Finds what the schema is made of: every module in `gql/types` and in `resolvers`, without a list of them.

A module of `resolvers` offers what its `DOMAIN` holds. One without is a helper of others.
"""

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType

import gql.types
import resolvers
from resolvers.declared.crud import ROOTS, Domain


def discover() -> dict[str, tuple[type, ...]]:
    """For `Query`, `Mutation` and `Subscription`, the Strawberry types whose fields they get, in order.

    Raises:
        ValueError: A module declares a root type that nobody would find.
    """
    _modules(gql.types)
    return sorted_by_root((module, getattr(module, "DOMAIN", None)) for module in _modules(resolvers))


def sorted_by_root(offered: Iterable[tuple[ModuleType, Domain | None]]) -> dict[str, tuple[type, ...]]:
    """The types of these modules' domains; `found` says more."""
    domains = []
    for module, domain in offered:
        _check_nothing_is_lost(module, domain)
        if domain is not None:
            domains.append((module, domain))
    domains.sort(key=lambda each: (each[1].position, each[0].__name__))
    by_root: dict[str, list[type]] = {root: [] for root in ROOTS}
    for module, domain in domains:
        for each in domain.types():
            root = next((root for root in ROOTS if each.__name__.endswith(root)), None)
            if root is None:
                raise ValueError(f"{module.__name__}.{each.__name__} must be called …{', …'.join(ROOTS)}")
            by_root[root].append(each)
    return {root: tuple(types) for root, types in by_root.items()}


def _check_nothing_is_lost(module: ModuleType, domain: Domain | None) -> None:
    parts = () if domain is None else domain.parts
    for each in vars(module).values():
        here = isinstance(each, type) and each.__module__ == module.__name__
        if here and hasattr(each, "__strawberry_definition__") and each not in parts:
            raise ValueError(f"{module.__name__}.{each.__name__} is not part of the module's DOMAIN")


def _modules(package: ModuleType) -> list[ModuleType]:
    """Every module of a package, imported; not those of packages in it."""
    return [
        importlib.import_module(f"{package.__name__}.{each.name}")
        for each in pkgutil.iter_modules(package.__path__)
        if not each.ispkg
    ]

"""A plugin of pytest: no test finds what another has had cached, or a mutant of it would not be seen."""

import functools
import sys

import pytest

_MUTATED = ("tripgate.planner", "tripgate.upstream", "tripgate.gateway")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Empty the caches of functions in what is mutated."""
    for name, module in tuple(sys.modules.items()):
        if name.startswith(_MUTATED) and module is not None:
            for value in tuple(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()

"""The switch that writes the cases anew."""

import pytest


@pytest.fixture
def rewrite_cases(request: pytest.FixtureRequest) -> bool:
    """Whether the cases' files are written instead of compared."""
    return bool(request.config.getoption("--rewrite-cases"))

"""The kinds of functions: each is of one, and `supabase/config.toml` says of each what its kind needs."""

import re
from pathlib import Path

import pytest

from tripgate.local.functions import settings

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "supabase" / "functions"
NAMES = sorted(file.parent.name for file in FUNCTIONS.glob("*/index.ts"))
# Whether all callers have a token of this project, which the platform can verify.
KINDS = {
    "endpoint": True,
    "serviceEndpoint": False,
    "taskEndpoint": False,
    "peopleAndTasksEndpoint": False,
    "webhookEndpoint": False,
}


@pytest.mark.parametrize("name", NAMES)
def test_tokens_are_verified_where_callers_have_one_and_nowhere_else(name: str) -> None:
    (kind,) = re.findall(r"\b(endpoint|\w+Endpoint)\(", (FUNCTIONS / name / "index.ts").read_text(encoding="utf-8"))
    project = settings.of_project(ROOT)
    assert name in project.functions, f"say [functions.{name}] in supabase/config.toml"
    assert project.of(name).verify_jwt is KINDS[kind]


def test_nothing_is_said_of_functions_that_are_not_there() -> None:
    assert sorted(settings.of_project(ROOT).functions) == NAMES


def test_of_people_alone_pages_of_other_origins_may_ask() -> None:
    sharing = {file.name for file in (FUNCTIONS / "_shared").glob("*.ts") if "CORS_HEADERS" in file.read_text()}
    assert sharing == {"cors.ts", "endpoint.ts"}

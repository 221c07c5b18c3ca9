"""docs/security.md: what it says of settings, codes and tests is so."""

import re
from pathlib import Path

from gql.errors import ErrorCode
from tripgate.gateway.settings import Settings, environment_names
from tripgate.gateway.settings.edge import EdgeSettings
from tripgate.gateway.settings.limits import LimitSettings
from tripgate.gateway.settings.rates import RateSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| (.*`tests/.+) \|$", PAGE, flags=re.MULTILINE)
QUOTED = re.findall(r"`([^`\n]+)`", PAGE)


def test_every_row_names_its_tests_and_they_exist() -> None:
    tables = PAGE.partition("## Attack, defence, test")[2].partition("## What remains")[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ")]
    headings = [line for line in rows if line.endswith("| defence | test |")]
    assert len(headings) >= 5
    assert len(ROWS) == len(rows) - len(headings) > 40
    for _, _, tests in ROWS:
        for name in tests.split(", "):
            file, _, test = name.strip("`").partition("::")
            assert re.search(rf"def {re.escape(test)}\(", (ROOT / file).read_text()), name


def test_every_setting_exists_and_has_the_default_that_is_documented() -> None:
    defaults = {
        variable: Settings.model_fields[name].default
        for name, variables in environment_names().items()
        for variable in variables
    }
    named = [text.partition("=") for text in QUOTED if re.fullmatch(r"(TRIPGATE|SUPABASE)_[A-Z_]+(=.*)?", text)]
    assert len(named) > 40
    for variable, equals, told in named:
        assert variable in defaults
        assert not equals or told == str(defaults[variable]), variable


def test_every_limit_is_documented() -> None:
    named = {text.partition("=")[0] for text in QUOTED}
    bounds = {name for name in EdgeSettings.model_fields if name.startswith("max_") or name.endswith("_timeout")}
    quotas = {name for name in RateSettings.model_fields if "_per_" in name}
    told = {
        f"TRIPGATE_{name.upper()}" for name in {*LimitSettings.model_fields, *bounds, *quotas} - {"shutdown_timeout"}
    }
    assert told <= named


def test_every_code_exists() -> None:
    codes = {text for text in QUOTED if re.fullmatch(r"[A-Z]+(_[A-Z]+)*", text) and not text.startswith("TRIPGATE")}
    assert codes - {"SUPABASE_JWT_SECRET"} <= set(ErrorCode)
    assert {"COST_LIMIT_EXCEEDED", "RATE_LIMITED", "UNAUTHENTICATED", "INTERNAL_SERVER_ERROR"} <= codes

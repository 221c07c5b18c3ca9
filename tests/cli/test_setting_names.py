"""Misspelt settings: refused with the name that is nearest, by whatever reads settings."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.cli.test_serve import GOOD, serve
from tripgate.gateway.settings import Settings, environment_names, unknown_names
from tripgate.gateway.settings.names import OTHERS, RENAMED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TRIPGATE_MAX_PAGESIZE", "TRIPGATE_MAX_PAGE_SIZE"),
        ("TRIPGATE_MAXPAGESIZE", "TRIPGATE_MAX_PAGE_SIZE"),
        ("TRIPGATE_TRUSTED_DOCUMENT_ONLY", "TRIPGATE_TRUSTED_DOCUMENTS_ONLY"),
        ("TRIPGATE_CORS_ORIGIN", "TRIPGATE_CORS_ORIGINS"),
        ("tripgate_trusted_proxy", "TRIPGATE_TRUSTED_PROXIES"),
        ("TRIPGATE_DOCTOR_MAIL", "TRIPGATE_DOCTOR_EMAIL"),
        ("TRIPGATE_PORTS", "TRIPGATE_PORT"),
    ],
)
def test_the_nearest_name_is_suggested(name: str, meant: str) -> None:
    assert unknown_names({name: "1"}) == [f"{name} is no setting. Is {meant} meant?"]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_the_present_name_of_a_setting_is_suggested_for_its_old_one(old: str, new: str) -> None:
    assert unknown_names({old: "20"}) == [f"{old} is called {new} now. Set that instead."]
    assert unknown_names({new: "20"}) == []


def test_what_is_near_nothing_is_refused_too() -> None:
    for name in ("TRIPGATE_", "TRIPGATE_FLUX_CAPACITOR"):
        assert unknown_names({name: "1"}) == [f"{name} is no setting; docs/settings.md has them all. Unset it."]


def test_every_setting_and_what_others_read_is_known() -> None:
    settings = [name for names in environment_names().values() for name in names]
    assert unknown_names(dict.fromkeys([*settings, *map(str.lower, settings), *OTHERS], "1")) == []
    read = set()
    for folder in ("tripgate", "tests", "bench", "supabase"):
        for file in (ROOT / folder).rglob("*.py"):
            read |= set(re.findall(r'(?:environ\.get\(|environ\[|envvar=)"(TRIPGATE_\w+)"', file.read_text()))
    assert "TRIPGATE_POSTGREST" in read
    assert read - set(settings) == OTHERS


def test_what_kubernetes_says_of_services_is_no_setting() -> None:
    of_services = {
        "TRIPGATE_SERVICE_HOST": "10.0.0.1",
        "TRIPGATE_SERVICE_PORT_HTTP": "80",
        "TRIPGATE_PORT_80_TCP": "tcp://10.0.0.1:80",
        "TRIPGATE_PORT_80_TCP_ADDR": "10.0.0.1",
        "TRIPGATE_REDIS_PORT": "tcp://10.0.0.2:6379",
        "TRIPGATE_REDIS_SERVICE_HOST": "10.0.0.2",
    }
    assert unknown_names(of_services) == []
    done = serve(**GOOD, **of_services, TRIPGATE_PORT="tcp://10.0.0.1:80")
    assert done.returncode == 2
    assert "TRIPGATE_PORT: Kubernetes has set it, for a Service that is called tripgate; write `enable" in done.stderr


def test_serve_does_not_start_and_says_everything_at_once() -> None:
    done = serve(**GOOD, TRIPGATE_CORS_ORIGIN="https://app.example", TRIPGATE_PORT="http")
    assert done.returncode == 2
    assert "TRIPGATE_CORS_ORIGIN is no setting. Is TRIPGATE_CORS_ORIGINS meant?\nTRIPGATE_PORT: " in done.stderr
    assert "https://app.example" not in done.stderr


@pytest.mark.parametrize("command", ["dev", "doctor"])
def test_neither_do_the_others(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tripgate", command],
        env={**GOOD, "PATH": "/nowhere", "TRIPGATE_MAX_PAGESIZE": "5"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "TRIPGATE_MAX_PAGESIZE is no setting. Is TRIPGATE_MAX_PAGE_SIZE meant?" in done.stdout + done.stderr


SECONDS = [name for name, field in Settings.model_fields.items() if field.annotation is float]


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "Infinity", "1e999"])
@pytest.mark.parametrize("name", SECONDS)
def test_a_number_without_end_is_refused(name: str, text: str) -> None:
    given = {"SUPABASE_URL": "https://x.supabase.co", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x", name: text}
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(given)
    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


def test_there_are_settings_in_seconds() -> None:
    assert {"request_timeout", "drain_seconds", "live_retry_seconds"} <= set(SECONDS)

"""`tripgate serve`: a wrong setting stops the start with a sentence that says what to set."""

import os
import socket
import subprocess
import sys

import jwt
import pytest

GOOD = {"SUPABASE_URL": "https://project.supabase.co", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}
SERVICE_ROLE = jwt.encode({"role": "service_role"}, "s" * 32, "HS256")


def serve(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "TRIPGATE_"))}
    return subprocess.run(
        [sys.executable, "-m", "tripgate", "serve", *options],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "sentences"),
    [
        (
            {},
            [
                "SUPABASE_URL is not set. Set it to: The project's address, as in https://project.supabase.co.",
                "SUPABASE_PUBLISHABLE_KEY is not set. Set it to: The publishable key, or the legacy anon key.",
            ],
        ),
        ({**GOOD, "SUPABASE_URL": "project"}, ["SUPABASE_URL: Input should be a valid URL"]),
        (
            {**GOOD, "SUPABASE_URL": "https://project.supabase.co/rest/v1"},
            ["SUPABASE_URL is the project's address without"],
        ),
        (
            {**GOOD, "SUPABASE_PUBLISHABLE_KEY": "sb_secret_x"},
            ["SUPABASE_PUBLISHABLE_KEY: this is a secret key, which"],
        ),
        ({**GOOD, "SUPABASE_PUBLISHABLE_KEY": SERVICE_ROLE}, ["SUPABASE_PUBLISHABLE_KEY: this is a secret key, which"]),
        ({**GOOD, "TRIPGATE_PORT": "http"}, ["TRIPGATE_PORT: Input should be a valid integer"]),
        (
            {**GOOD, "TRIPGATE_METRICS_TOKEN": "guess-me"},
            ["TRIPGATE_METRICS_TOKEN: Value should have at least 32 items"],
        ),
        (
            {**GOOD, "TRIPGATE_MAX_PAGE_SIZE": "0"},
            ["TRIPGATE_MAX_PAGE_SIZE: Input should be greater than or equal to 1"],
        ),
        (
            {**GOOD, "TRIPGATE_COST_PER_PERSON": "9999"},
            ["an operation may cost 10000, but all of a person's in a minute 9999"],
        ),
    ],
)
def test_wrong_settings(environment: dict[str, str], sentences: list[str]) -> None:
    done = serve(**environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for sentence in sentences:
        assert sentence in done.stderr
    assert not any(value in done.stderr for value in environment.values() if value.startswith(("sb_secret", "eyJ")))


def test_a_taken_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = serve("--port", str(port), **GOOD)
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr

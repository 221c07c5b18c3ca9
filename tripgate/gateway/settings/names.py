"""Names of settings: which there are, and what somebody meant who set another."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

PREFIX = "TRIPGATE_"
# What other commands, the embedded Supabase and the tests read from the environment.
OTHERS = frozenset(
    {
        "TRIPGATE_ADD_DATABASE_URL",
        "TRIPGATE_CACHE_DIR",
        "TRIPGATE_CHROMIUM",
        "TRIPGATE_DOCTOR_DATABASE_URL",
        "TRIPGATE_DOCTOR_EMAIL",
        "TRIPGATE_DOCTOR_PASSWORD",
        "TRIPGATE_FUNCTION_CPU_SECONDS",
        "TRIPGATE_FUNCTION_WALL_SECONDS",
        "TRIPGATE_IMPORT_DATABASE_URL",
        "TRIPGATE_IMPORT_SECRET_KEY",
        "TRIPGATE_JOBS_DATABASE_URL",
        "TRIPGATE_PGBOUNCER",
        "TRIPGATE_PICTURES",
        "TRIPGATE_POSTGREST",
        "TRIPGATE_REDIS_SERVER",
        "TRIPGATE_SUPABASE_CLI",
    }
)
# Settings that had another name in an earlier version.
RENAMED = {
    "TRIPGATE_KEPT_DOCUMENTS": "TRIPGATE_CACHED_DOCUMENTS",
    "TRIPGATE_LIVE_PATIENCE": "TRIPGATE_LIVE_RETRY_SECONDS",
}
# Kubernetes tells each container of every service beside it, of one that is called `tripgate-redis` for instance.
_OF_SERVICES = re.compile(r".*_SERVICE_HOST|.*_SERVICE_PORT(_\w+)?|.*_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?")


def misspelt(environment: Mapping[str, str], settings: Iterable[str]) -> list[str]:
    """A sentence for each variable that has the form of a setting and is none.

    Args:
        settings: The names of those that there are.
    """
    known = {*settings, *OTHERS}
    return [
        _sentence(name, known)
        for name, value in sorted(environment.items())
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not _OF_SERVICES.fullmatch(name.upper())
        and not value.startswith("tcp://")
    ]


def _sentence(name: str, known: Iterable[str]) -> str:
    if renamed := RENAMED.get(name.upper()):
        return f"{name} is called {renamed} now. Set that instead."
    # What all begin with makes none alike.
    rests = sorted(each.removeprefix(PREFIX) for each in known if each.startswith(PREFIX))
    nearest = get_close_matches(name.upper().removeprefix(PREFIX), rests, n=1, cutoff=0.6)
    if nearest:
        return f"{name} is no setting. Is {PREFIX}{nearest[0]} meant?"
    return f"{name} is no setting; docs/settings.md has them all. Unset it."

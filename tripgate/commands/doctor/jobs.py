"""Whether somebody does each kind of jobs, and whether the database tells its numbers, which /metrics is to show."""

from typing import TYPE_CHECKING

from tripgate.commands.doctor.probe import Probe
from tripgate.commands.doctor.report import Finding, failure, note, ok, warning
from tripgate.gateway.settings import Settings

if TYPE_CHECKING:
    import psycopg

_MISSING = {"42883", "PGRST202"}
_THERE = "select pg_catalog.to_regclass('private.tasks') is not null"
# The function that claims is asked for the kinds that somebody does, so these are claimed by nobody.
_NOBODY = """
select kind, pg_catalog.count(*) from private.tasks
where status in ('waiting', 'running') and not exists (
    select from private.task_kinds where task_kinds.kind = tasks.kind
)
group by 1 order by 1"""


def nobodys(connection: "psycopg.Connection") -> list[Finding]:
    """Kinds of which there are jobs to do, and no Edge Function that does them."""
    import psycopg  # noqa: PLC0415 - an extra; whoever connected has it

    if connection.execute(_THERE).fetchone() != (True,):
        return []
    try:
        with connection.transaction():
            found = connection.execute(_NOBODY).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return [note("Jobs were not looked at.", "Connect as role postgres.")]
    return [
        warning(
            f"Nobody does {kind}: {'1 job of it waits' if count == 1 else f'{count} jobs of it wait'}, untried.",
            "Deploy the Edge Function that does it and name it in private.task_kinds: docs/jobs.md.",
        )
        for kind, count in found
    ]


async def numbers(probe: Probe, settings: Settings) -> list[Finding]:
    """Whether the token is the one that the database wants; nothing without one. Raises UnreachedError."""
    if settings.metrics_token is None:
        return []
    answer = await probe.ask(
        f"{settings.postgrest_url}/rpc/task_metrics",
        variable="TRIPGATE_REST_URL" if settings.rest_url is not None else "SUPABASE_URL",
        method="POST",
        body={"token": settings.metrics_token.get_secret_value()},
    )
    if answer.status == 200:
        return [ok("The database tells its numbers of jobs.")]
    if answer.code in _MISSING:
        return [failure("There is no function task_metrics.", "Push the migrations of supabase/migrations.")]
    if answer.code == "FORBIDDEN":
        return [
            failure(
                "The database takes another TRIPGATE_METRICS_TOKEN, or none.",
                "Keep the SHA-256 of this one in Vault as metrics_token_digest; docs/jobs.md says how.",
            )
        ]
    return [failure(f"The numbers of jobs cannot be had: {answer.message}.", "Mend what it says, or unset the token.")]

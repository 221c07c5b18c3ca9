"""Whether the database tells its numbers of jobs, where the gateway is to show them on /metrics."""

from tripgate.commands.doctor.probe import Probe
from tripgate.commands.doctor.report import Finding, failure, ok
from tripgate.gateway.settings import Settings

_MISSING = {"42883", "PGRST202"}


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

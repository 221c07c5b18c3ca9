"""Whether the database can run jobs and call Edge Functions: its extensions, the secrets in Vault, and how it goes.

What is secret stays in the database: it is asked whether a secret is there and long enough, and not what it is.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tripgate.commands.doctor.report import Finding, failure, note, ok, warning

if TYPE_CHECKING:
    import psycopg

# By the extension's name, where it is created and what there is without it.
_EXTENSIONS = {
    "pg_cron": ("pg_catalog", "no job runs"),
    "pg_net": ("extensions", "the database calls no Edge Function"),
    "supabase_vault": ("vault", "jobs find no secret"),
}
# As long as 128 bits are, written in hexadecimal digits.
_LONG_ENOUGH = 32
_NEEDED = """
select exists (
    select from pg_catalog.pg_proc
    where proname = 'invoke_function'
        and pronamespace in (select oid from pg_catalog.pg_namespace where nspname = 'private')
)"""
_THERE = "select extname from pg_catalog.pg_extension where extname = any (%s)"
_SECRETS = """
select name, coalesce(decrypted_secret, '') !~ '\\S', pg_catalog.char_length(decrypted_secret),
    case name when 'project_url' then pg_catalog.btrim(decrypted_secret, e' \\t\\r\\n') end
from vault.decrypted_secrets where name in ('project_url', 'cron_secret')"""
_CREATE = {
    "project_url": "select vault.create_secret('{url}', 'project_url')",
    "cron_secret": "select vault.create_secret('<the value of the functions'' CRON_SECRET>', 'cron_secret')",
}
_CHANGE = "select vault.update_secret(id, '…') from vault.secrets where name = '{name}'"
_FAILED = """
select distinct on (job.jobid) coalesce(job.jobname, job.jobid::text), run.status, run.return_message
from cron.job join cron.job_run_details as run on run.jobid = job.jobid
where job.active and run.status in ('succeeded', 'failed') order by job.jobid, run.runid desc"""
_REFUSED = """
select count(*) from net._http_response
where status_code = 401 and created > pg_catalog.now() - interval '15 minutes'"""


def findings(connection: "psycopg.Connection", api_url: str) -> list[Finding]:
    """What is missing, with what to do. Nothing where the database has no function that calls Edge Functions.

    Args:
        api_url: Where the gateway finds the project.
    """
    if connection.execute(_NEEDED).fetchone() != (True,):
        return []
    there = {name for (name,) in connection.execute(_THERE, [list(_EXTENSIONS)])}
    found = [
        failure(
            f"Extension {name} is not there, so {without}.",
            f"Run: create extension {name} with schema {schema}. Or enable it in the dashboard, under Database.",
        )
        for name, (schema, without) in _EXTENSIONS.items()
        if name not in there
    ]
    looks = {
        "supabase_vault": lambda: _secrets(connection, api_url),
        "pg_cron": lambda: _jobs(connection),
        "pg_net": lambda: _answers(connection),
    }
    for name, look in looks.items():
        if name in there:
            found += _permitted(connection, name, look)
    return found or [ok("Jobs run and call Edge Functions: extensions and secrets are there.")]


def _permitted(connection: "psycopg.Connection", name: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    import psycopg  # noqa: PLC0415 - an extra; whoever connected has it

    try:
        with connection.transaction():
            return look()
    except psycopg.errors.InsufficientPrivilege:
        return [note(f"What {name} keeps was not looked at.", "Connect as role postgres.")]
    except psycopg.DataError:
        return [
            failure(
                "Secrets in Vault cannot be decrypted.",
                "They are of another project's key, or were changed: delete them and create them anew.",
            )
        ]


def _secrets(connection: "psycopg.Connection", api_url: str) -> list[Finding]:
    kept = {name: rest for name, *rest in connection.execute(_SECRETS)}
    found = []
    for name, create in _CREATE.items():
        empty, length, url = kept.get(name, (None, 0, None))
        change = _CHANGE.format(name=name)
        if empty is None:
            found.append(
                failure(
                    f"Vault has no secret {name}, without which the database calls no Edge Function.",
                    f"Run: {create.format(url=api_url)}.",
                )
            )
        elif empty:
            found.append(failure(f"The secret {name} in Vault is empty.", f"Run: {change}."))
        elif name == "cron_secret" and length < _LONG_ENOUGH:
            found.append(
                warning(
                    f"The secret cron_secret has {length} characters: whoever guesses it calls functions of services.",
                    "Make one of 32 or more, as by openssl rand -hex 32, and give it to the functions as CRON_SECRET.",
                )
            )
        elif url is not None:
            found += _address(url, api_url, change)
    return found


def _address(url: str, api_url: str, change: str) -> list[Finding]:
    """What is wrong with where the database finds the API. Beside an API on this machine it may have any name there."""
    api = urlsplit(api_url)
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if host is None or parts.scheme not in {"http", "https"} or parts.path.strip("/") or parts.query or parts.fragment:
        return [
            failure("The secret project_url is no address of an API, as https://abc.supabase.co is.", f"Run: {change}.")
        ]
    if parts.scheme == "http" and api.scheme == "https":
        return [
            failure("The secret project_url is not https: cron's secret can be read on its way.", f"Run: {change}.")
        ]
    if host != api.hostname and not _is_here(api.hostname or ""):
        return [
            warning(
                f"The secret project_url leads to {host}, and SUPABASE_URL to {api.hostname}.",
                f"Is it the same project? If not, run: {change}.",
            )
        ]
    return []


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _jobs(connection: "psycopg.Connection") -> list[Finding]:
    """Jobs whose last run failed: of the role that looks, which is whose they are."""
    failed = [(name, message) for name, status, message in connection.execute(_FAILED) if status == "failed"]
    return [
        warning(
            f"Job {name} failed when it ran last: {' '.join((message or 'it says nothing').split())[:200]}",
            "See cron.job_run_details.",
        )
        for name, message in failed
    ]


def _answers(connection: "psycopg.Connection") -> list[Finding]:
    (refused,) = connection.execute(_REFUSED).fetchone() or (0,)
    if not refused:
        return []
    return [
        warning(
            f"{refused} of the database's requests of the last quarter of an hour were answered 401.",
            "Is the functions' CRON_SECRET the cron_secret of Vault, and verify_jwt false for functions of services?",
        )
    ]

"""Whether Storage has the buckets of each system, as they are declared, and shows files in other sizes."""

from typing import TYPE_CHECKING

from tripgate import systems
from tripgate.commands.doctor.probe import Answer, Probe
from tripgate.commands.doctor.report import Finding, failure, listed, note, ok, warning
from tripgate.gateway.settings import Settings
from tripgate.systems.system import Bucket

if TYPE_CHECKING:
    import psycopg

_THERE = "select pg_catalog.to_regclass('storage.buckets') is not null"
_BUCKETS = "select id, public, file_size_limit, allowed_mime_types from storage.buckets where id = any(%s)"
_MAKE = "Push the migrations of supabase/migrations, or mend it in the dashboard: docs/storage.md says what it is."


def declared() -> list[Bucket]:
    """The buckets of all systems."""
    return [bucket for system in systems.found() for bucket in system.buckets]


async def sizes(probe: Probe, settings: Settings) -> list[Finding]:
    """Whether the project's plan has files shown in other sizes; nothing where no bucket is for that.

    Storage says so before it looks for the file, to anybody: no account is needed, and no file.

    Raises:
        UnreachedError: Nobody answers.
    """
    bucket = next((each for each in declared() if each.resized), None)
    if bucket is None:
        return []
    url = f"{settings.project_url}/storage/v1/render/image/public/{bucket.id}/none?width=1"
    answer = await probe.ask(url, variable="SUPABASE_URL")
    told = answer.data if isinstance(answer.data, dict) else {}
    if told.get("error") == "FeatureNotEnabled" or told.get("code") == "FeatureNotEnabled":
        return [
            warning(
                "Storage shows files only as they are: `transform` answers NOT_ENABLED.",
                "The project's plan has no image transformations, or they are switched off in Storage's settings.",
            )
        ]
    if answer.status < 500 and str(told.get("statusCode", "")) in {"400", "404"}:
        return [ok("Storage answers, and shows files in other sizes.")]
    return [failure(f"Storage does not work: {_said(answer)}.", "Is it enabled? Look into its logs.")]


def _said(answer: Answer) -> str:
    return answer.message if answer.status != 404 else "it is not there (HTTP status 404)"


def buckets(connection: "psycopg.Connection") -> list[Finding]:
    """Whether they are there, for whom, and with their limits."""
    import psycopg  # noqa: PLC0415 - an extra; whoever connected has it

    wanted = {each.id: each for each in declared()}
    if not wanted:
        return []
    if connection.execute(_THERE).fetchone() != (True,):
        return [failure("The database has no Storage.", "Enable it in the project.")]
    try:
        with connection.transaction():
            rows = connection.execute(_BUCKETS, (list(wanted),)).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return [note("Buckets were not looked at.", "Connect as role postgres.")]
    found = {id_: Bucket(id_, public, limit, frozenset(types or ())) for id_, public, limit, types in rows}
    findings = [finding for each in wanted.values() for finding in _bucket(each, found.get(each.id))]
    return findings or [ok(f"The buckets {listed(wanted)} are there, with their limits.")]


def _bucket(wanted: Bucket, found: Bucket | None) -> list[Finding]:
    if found is None:
        return [failure(f"There is no bucket {wanted.id}.", _MAKE)]
    findings = []
    if found.public and not wanted.public:
        findings.append(failure(f"Bucket {wanted.id} is public: whoever has a path reads the file.", _MAKE))
    if wanted.public and not found.public:
        findings.append(failure(f"Bucket {wanted.id} is private, and its files are shown by public addresses.", _MAKE))
    if found.file_size_limit != wanted.file_size_limit:
        said = "any size" if found.file_size_limit is None else f"up to {found.file_size_limit} bytes"
        findings.append(
            warning(f"Bucket {wanted.id} takes files of {said}, not up to {wanted.file_size_limit} bytes.", _MAKE)
        )
    if found.allowed_mime_types != wanted.allowed_mime_types:
        said = listed(sorted(found.allowed_mime_types)) or "any type"
        findings.append(
            warning(f"Bucket {wanted.id} takes {said}, not {listed(sorted(wanted.allowed_mime_types))}.", _MAKE)
        )
    return findings

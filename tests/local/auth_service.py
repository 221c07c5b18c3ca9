"""Auth with settings of a test's own, and the mail that it sends."""

import re
from pathlib import Path
from typing import Any

import httpx
from supabase_auth import AsyncGoTrueClient

from tripgate.local.auth.project_settings import of_project
from tripgate.local.inbox import Inbox

ROOT = Path(__file__).parents[2]
# The words that this project ships.
WITH_CODES = of_project(ROOT).templates


class Service:
    """Auth over the shared stack's database with settings of its own, and the mail that it sends."""

    def __init__(self, url: str, inbox: Inbox, http: httpx.AsyncClient, admin_token: str) -> None:
        self.url = url
        self.admin_token = admin_token
        self.inbox = inbox
        self.http = http

    def client(self, flow_type: Any = "implicit") -> AsyncGoTrueClient:
        """The stock client."""
        return AsyncGoTrueClient(url=self.url, http_client=self.http, auto_refresh_token=False, flow_type=flow_type)

    def code(self, to: str) -> str:
        """The code of the newest mail to this address."""
        found = re.search(r"Your code: (\d+)\n", self.inbox.mails(to)[0].text)
        assert found is not None
        return found[1]

    def link(self, to: str) -> str:
        """The link of the newest mail to this address."""
        found = re.search(r"http\S+", self.inbox.mails(to)[0].text)
        assert found is not None
        return found[0]

"""Asking the doctor."""

import json
import os
import time
import urllib.error
import urllib.request

from click.testing import CliRunner, Result

from tripgate.cli import main
from tripgate.local.stack import StackInfo

BEN = ("--email", "ben@tripgate.example", "--password", "tripgate-demo")


def doctor(stack: StackInfo, *options: str, **environment: str) -> Result:
    own = {"SUPABASE_URL": stack.api_url, "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key}
    if stack.jwt_secret is not None:
        own["SUPABASE_JWT_SECRET"] = stack.jwt_secret
    others = {name: None for name in os.environ if name.startswith(("SUPABASE_", "TRIPGATE_", "STRIPE_"))}
    return CliRunner().invoke(main, ["doctor", *options], env={**others, **own, **environment})


def mistakes(result: Result) -> str:
    """The lines that say what is wrong; the command must have failed for them."""
    assert result.exit_code == 1, result.output
    return "\n".join(line for line in result.output.splitlines() if line.lstrip().startswith("error"))


def wait_for(stack: StackInfo, path: str, code: str) -> None:
    """Return once PostgREST answers the path with the code."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"{stack.rest_url}/{path}") as response:
                found = str(response.status)
        except urllib.error.HTTPError as error:
            with error:
                found = str(json.load(error)["code"])
        if found == code:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} answers {found}")

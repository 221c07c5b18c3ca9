"""Settings of functions: declared once, read from a file, checked at the start of a stack and of a function alike."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tests.support import stack_options
from tripgate.cli import main
from tripgate.commands import env_example
from tripgate.local.binaries import deno, user_cache
from tripgate.local.errors import LocalStackError
from tripgate.local.functions.declarations import Declaration, declarations, mistakes
from tripgate.local.functions.environment import FunctionsEnvironment, environment_of
from tripgate.local.providers.all_providers import ALL
from tripgate.local.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "supabase" / "functions"
OWN = {"MAIL_URL": "http://127.0.0.1:1/inbox", "SITE_URL": "https://site.example"}
PLACES = {"api_url": "http://127.0.0.1:1", "site_url": "https://site.example"}
DECLARED = {
    "PAY_URL": {"functions": ["pay"], "description": "Where to pay.", "kind": "service_url", "required": True},
    "PAY_KEY": {"functions": ["pay"], "description": "Opens it.", "secret": True, "required": True},
    "WORDS": {"functions": ["*"], "description": "Said by all.", "min_length": 4, "local": "at {api_url}, {else}"},
}
FAKED = {
    "AI_API_KEY": "AI_BASE_URL",
    "STRIPE_SECRET_KEY": "STRIPE_API_BASE",
    "WHATSAPP_ACCESS_TOKEN": "WHATSAPP_API_BASE",
}
PAY = "PAY_URL=https://pay.example/v1\nPAY_KEY=sk_test_hunter2\n"


def folder(tmp_path: Path, env: str | None = PAY, declared: Any = DECLARED) -> Path:
    """A folder of functions with these settings."""
    functions = tmp_path / "supabase" / "functions"
    functions.mkdir(parents=True, exist_ok=True)
    if declared is not None:
        (functions / "settings.json").write_text(json.dumps(declared))
    if env is not None:
        (functions / ".env").write_text(env)
    return functions


def found(functions: Path, env_file: Path | None = None) -> FunctionsEnvironment:
    return environment_of(functions, env_file, OWN, PLACES)


def refused(functions: Path, env_file: Path | None = None) -> str:
    """What is said where nothing is started; never a value."""
    with pytest.raises(LocalStackError) as refusal:
        found(functions, env_file)
    assert "hunter2" not in str(refusal.value)
    return str(refusal.value)


class TestTheFile:
    def test_what_it_sets_is_set_beside_what_the_stack_gives(self, tmp_path: Path) -> None:
        functions = folder(tmp_path, PAY + "SITE_URL=https://own.example\n")
        assert found(functions).variables == {
            "MAIL_URL": "http://127.0.0.1:1/inbox",
            "SITE_URL": "https://own.example",
            "PAY_URL": "https://pay.example/v1",
            "PAY_KEY": "sk_test_hunter2",
            "WORDS": "at http://127.0.0.1:1, {else}",
        }
        assert found(functions).warnings == ()

    def test_another_is_read_in_its_place(self, tmp_path: Path) -> None:
        functions = folder(tmp_path, "PAY_KEY=hunter2\n")
        other = tmp_path / "other.env"
        other.write_text(PAY)
        assert found(functions, other).variables["PAY_KEY"] == "sk_test_hunter2"
        assert f"{tmp_path / 'gone.env'} is not there" in refused(functions, tmp_path / "gone.env")

    def test_values_are_what_is_written(self, tmp_path: Path) -> None:
        lines = "# said\n\nexport A='x # y'\nB=\"one\\ntwo\"\nC= spaced \nD=$A${A}\n"
        variables = found(folder(tmp_path, PAY + lines)).variables
        assert {name: variables[name] for name in "ABCD"} == {
            "A": "x # y",
            "B": "one\ntwo",
            "C": "spaced",
            "D": "$A${A}",
        }

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("SUPABASE_URL=https://hunter2", "Line 3: SUPABASE_URL is the platform's to set, as all that begins so."),
            ("supabase_x=hunter2", "Line 3: supabase_x is the platform's to set, as all that begins so."),
            ("DENO_DIR=/hunter2", "Line 3: DENO_DIR is the platform's to set, as all that begins so."),
            ("PAY_KEY=hunter2", "Line 3: PAY_KEY is set above already."),
            ("EMPTY=", "Line 3: EMPTY is empty. Give it a value, or remove the line."),
            ('EMPTY=""', "Line 3: EMPTY is empty. Give it a value, or remove the line."),
            ("NAME", "Line 3: NAME is empty. Give it a value, or remove the line."),
            ("1ST=hunter2", "Line 3: a name has letters, digits and underscores, and does not begin with a digit."),
            ("a-b=hunter2", "Line 3: a name has letters, digits and underscores, and does not begin with a digit."),
            ('X="hunter2', "Line 3 is not NAME=value."),
        ],
    )
    def test_what_it_may_not_say(self, tmp_path: Path, line: str, told: str) -> None:
        functions = folder(tmp_path, f"{PAY}{line}\n")
        assert refused(functions) == f"{functions / '.env'} cannot be taken as it is.\n{told}"

    def test_a_name_that_nobody_declares_is_set_and_told(self, tmp_path: Path) -> None:
        functions = folder(tmp_path, f"{PAY}PAY_URI=x\nOTHER=x\n")
        assert found(functions).variables["PAY_URI"] == "x"
        of = f"{functions / '.env'} is no setting that a function declares in settings.json."
        assert found(functions).warnings == (f"Warning: OTHER of {of}", f"Warning: PAY_URI of {of} Is PAY_URL meant?")
        # Functions of others declare nothing, and nothing is known of them.
        assert found(folder(tmp_path / "else", "OTHER=x\n", None)).warnings == ()


class TestServicesThatAreFaked:
    @pytest.mark.parametrize(
        ("key", "address", "default"),
        [
            ("AI_API_KEY", "AI_BASE_URL", "https://api.openai.com/v1"),
            ("STRIPE_SECRET_KEY", "STRIPE_API_BASE", "https://api.stripe.com"),
            ("WHATSAPP_ACCESS_TOKEN", "WHATSAPP_API_BASE", "https://graph.facebook.com"),
        ],
    )
    def test_a_key_of_ones_own_is_for_the_service_itself(
        self, tmp_path: Path, key: str, address: str, default: str
    ) -> None:
        def of(text: str) -> FunctionsEnvironment:
            declared = json.loads((FUNCTIONS / "settings.json").read_text())
            return environment_of(folder(tmp_path, text, declared), None, OWN, PLACES, FAKED)

        alone = of(f"{key}=sk_test_hunter2_hunter2\n")
        assert (alone.variables[key], alone.variables[address]) == ("sk_test_hunter2_hunter2", default)
        assert alone.notes == (f"{key} is set: functions ask {default} ({address}).",)
        other = "https://models.example/v1"
        beside = of(f"{key}=sk_test_hunter2_hunter2\n{address}={other}\n")
        assert beside.variables[address] == other
        assert beside.notes == (f"{key} is set: functions ask {other} ({address}).",)
        # Without one, and with the one that the embedded Supabase gives, the stack says where the fake is.
        nothing = of("")
        for given in (nothing, of(f"{key}={nothing.variables[key]}\n")):
            assert address not in given.variables
            assert given.notes == ()

    def test_each_says_what_its_key_is(self) -> None:
        assert {each.key: variable for each in ALL for variable in each.variables} == FAKED


class TestTheStart:
    def test_all_that_is_missing_or_wrong_is_told_at_once(self, tmp_path: Path) -> None:
        functions = folder(tmp_path, "PAY_URL=http://pay.example/hunter2\nWORDS=abc\n")
        assert refused(functions).splitlines() == [
            "The settings of the functions do not allow a start.",
            "PAY_KEY is not set: Opens it.",
            "PAY_URL must begin with https://, unless it leads to this machine (localhost, 127.0.0.1, [::1]).",
            "WORDS is too short: it has at least 4 characters.",
            f"Set them in {functions / '.env'}, as in {functions / '.env.example'}.",
        ]

    @pytest.mark.parametrize(
        ("declared", "told"),
        [
            ("no JSON", "Invalid JSON"),
            ([], "should be an object"),
            ({"A": {"functions": ["x"]}}, "A.description: Field required"),
            ({"A": {"functions": ["x"], "description": "x", "secert": True}}, "A.secert: Extra inputs"),
            ({"A": {"functions": ["x"], "description": "x", "kind": "path"}}, "A.kind: Input should be"),
        ],
    )
    def test_a_declaration_that_makes_no_sense_is_told_with_its_place(
        self, tmp_path: Path, declared: Any, told: str
    ) -> None:
        functions = folder(tmp_path, None)
        (functions / "settings.json").write_text(declared if isinstance(declared, str) else json.dumps(declared))
        assert told in refused(functions)

    def test_a_stack_does_not_start(self, tmp_path: Path) -> None:
        (tmp_path / "supabase" / "schemas").mkdir(parents=True)
        (tmp_path / "supabase" / "schemas" / "001.sql").write_text("select 1;")
        folder(tmp_path, "PAY_KEY=hunter2\n")
        with pytest.raises(LocalStackError, match="PAY_URL is not set: Where to pay"):
            Stack(stack_options(tmp_path, tmp_path / "data", env_file=None)).start()
        assert not (tmp_path / "data").exists()

    @pytest.mark.parametrize("command", ["dev", "local"])
    def test_neither_does_the_command(self, tmp_path: Path, command: str) -> None:
        env = tmp_path / "hunter2.env"
        env.write_text("MAIL_URL=ftp://hunter2\n")
        done = CliRunner().invoke(
            main, [command, "--env-file", str(env), "--data-dir", str(tmp_path / "data"), "--project-dir", str(ROOT)]
        )
        assert done.exit_code == 1
        assert "MAIL_URL is no address of the form https://host/path" in done.output
        assert "ftp://" not in done.output


VALUES = [
    *(
        None,
        "",
        "x",
        "abc",
        "abcd",
        "abcdefg",
        "abcdefgh",
        "é" * 4,
        "😀" * 3,
        "x y",
        "https://",
        "https:/x",
        "https://x",
        "HTTPS://x",
    ),
    *("https://pay.example", "https://pay.example:443/v1?key=1", "https://pay.example/a b", "https://pay.example/\n"),
    *("https://pay.example#x", "https://me:secret@pay.example", "https://me@pay.example/", "https://pay.example\\@x"),
    *("http://pay.example", "http://localhost", "http://localhost:3000/x", "http://localhost.evil.example"),
    *("http://127.0.0.1:54321/providers/pay", "http://127.0.0.1.evil.example", "http://127.1/", "http://2130706433/"),
    *("http://[::1]:8/x", "http://[::2]/", "http://::1/", "http://0.0.0.0/", "ftp://localhost/", "javascript:alert(1)"),
    *("https://pay.example:99999999", "https://-x", "https://x-", "https://bücher.example", " https://x", "//x", "\n"),
]


def test_functions_judge_their_settings_as_the_stack_does(tmp_path: Path) -> None:
    """By the very words: what starts here starts there."""
    kinds: list[dict[str, Any]] = [
        {"functions": ["pay"], "description": "It is.", "kind": kind, "required": required, **more}
        for kind in ("text", "service_url", "link_url")
        for required in (False, True)
        for more in ({}, {"min_length": 4}, {"secret": True}, {"secret": True, "min_length": 4})
    ]
    cases = [({"A": kind}, value) for kind in kinds for value in VALUES]
    script = tmp_path / "judge.ts"
    script.write_text(
        f'import {{ mistakesOf }} from "{FUNCTIONS / "_shared" / "settings.ts"}";\n'
        "const cases = JSON.parse(await new Response(Deno.stdin.readable).text());\n"
        "console.log(JSON.stringify(cases.map(([declared, value]) =>"
        ' mistakesOf("pay", { A: value ?? undefined }, declared))));\n'
    )
    environment = {"DENO_DIR": str(user_cache() / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"}
    done = subprocess.run(
        [deno(), "run", "--quiet", "--no-prompt", "--no-check", script],
        input=json.dumps(cases),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def ours(declared: Mapping[str, Any], value: str | None) -> list[str]:
        parsed = {name: Declaration.model_validate(each) for name, each in declared.items()}
        return mistakes(parsed, {} if value is None else {"A": value})

    assert json.loads(done.stdout) == [ours(declared, value) for declared, value in cases]
    good = [value for value in VALUES if ours({"A": kinds[8]}, value) == [] and value]
    assert good == [
        *("https://x", "https://pay.example", "https://pay.example:443/v1?key=1", "http://localhost"),
        *("http://localhost:3000/x", "http://127.0.0.1:54321/providers/pay", "http://[::1]:8/x"),
    ]


class TestThisProject:
    def test_each_setting_is_of_functions_that_there_are(self) -> None:
        names = {file.parent.name for file in FUNCTIONS.glob("*/index.ts")} | {"*"}
        for name, each in declarations(FUNCTIONS).items():
            assert set(each.functions) <= names, name
            assert not (each.secret and each.default), f"{name} is a secret that all know"

    def test_each_function_looks_at_its_own(self) -> None:
        for file in FUNCTIONS.glob("*/index.ts"):
            assert f'settingsOf("{file.parent.name}")' in file.read_text(encoding="utf-8"), file

    def test_it_starts_without_a_file(self) -> None:
        """What is required is given by the stack: nobody needs an account of anything to try this."""
        assert environment_of(FUNCTIONS, Path("/dev/null"), OWN, PLACES).warnings == ()

    def test_the_example_is_that_of_what_is_declared_and_sets_nothing(self, tmp_path: Path) -> None:
        assert not env_example.stale(ROOT)
        text = env_example.file(ROOT).read_text(encoding="utf-8")
        assert all(line.startswith("#") for line in text.splitlines() if line)
        assert {f"# {name}=" in text for name in declarations(FUNCTIONS)} == {True}
        functions = folder(tmp_path, None)
        assert env_example.stale(tmp_path)
        env_example.write(tmp_path)
        assert (
            "# Where to pay. Required on a project. For pay.\n# PAY_URL=\n" in (functions / ".env.example").read_text()
        )
        assert not env_example.stale(tmp_path)

    def test_git_leaves_the_file_alone(self) -> None:
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        for line in ("supabase/functions/.env", "supabase/functions/.env.*", "!supabase/functions/.env.example"):
            assert line in ignored

"""Which functions a project has and how each is called, from its folder and `supabase/config.toml`.

Takes the project's folder; gives `FunctionsSettings`; refuses a value of the wrong kind with its place in the file.
Keys that the stand-in has no use for are left alone, since the Supabase CLI reads the same file.
"""

# Evaluated annotations: pydantic reads them at run time.
import re
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tripgate.local.errors import LocalStackError

# As the platform names functions; a folder that begins with an underscore holds code that they share.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class FunctionSettings(BaseModel):
    """One function's section. `entrypoint` is relative to `supabase/`."""

    enabled: bool = True
    verify_jwt: bool = True
    entrypoint: str | None = None


class FunctionLimits(BaseModel):
    """What a request with all that it leaves behind may take: of time, as on the platform's free plan, after which it
    is ended; of the CPU's time, beyond which it is told of. `drain_seconds` are given to what runs as the stack stops.
    """

    model_config = ConfigDict(frozen=True)

    wall_seconds: float = Field(150, gt=0, allow_inf_nan=False)
    cpu_seconds: float = Field(2, gt=0, allow_inf_nan=False)
    drain_seconds: float = Field(3, ge=0, allow_inf_nan=False)


class FunctionsSettings(BaseModel):
    """`supabase/functions/` and what `supabase/config.toml` says of the functions in it."""

    directory: Path
    functions: dict[str, FunctionSettings] = {}

    def entrypoint(self, name: str) -> Path | None:
        """The module that a function starts with, or None for a function that does not exist or is switched off."""
        settings = self.of(name)
        if not _NAME.fullmatch(name) or not settings.enabled:
            return None
        named = settings.entrypoint
        module = self.directory.parent / named if named else self.directory / name / "index.ts"
        return module if module.is_file() else None

    def of(self, name: str) -> FunctionSettings:
        """A function's settings, the platform's defaults where the project says nothing."""
        return self.functions.get(name, FunctionSettings())


def of_project(project_dir: Path) -> FunctionsSettings:
    """The settings of every `[functions.<name>]`. Raises LocalStackError for a file that makes no sense."""
    supabase = project_dir / "supabase"
    file = supabase / "config.toml"
    try:
        sections = tomllib.loads(file.read_text(encoding="utf-8")).get("functions", {})
        return FunctionsSettings.model_validate({"directory": supabase / "functions", "functions": sections})
    except FileNotFoundError:
        return FunctionsSettings(directory=supabase / "functions")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalStackError(f"{file} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LocalStackError(f"{file}, [{place}]: {first['msg']}") from error

"""Templates: what may be sent to who has not written lately, with variables for parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tripgate.local.providers.meta.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterator

Category = Literal["AUTHENTICATION", "MARKETING", "UTILITY"]
Status = Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"]
MOST_BODY = 1024
MOST_CODE = 15
MOST_TEMPLATES = 6000
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:_[A-Z]{2,3})?")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_UNTIDY = re.compile(r"[\n\t]| {5,}")
_CODE_BODY = "*{{1}}* is your verification code."


@dataclass
class Template:
    """One template in one language.

    Attributes:
        body: Its words, `{{name}}` or `{{1}}` for each variable.
        named: Whether variables have names, which parameters then say.
        has_code: An authentication template, whose button copies the code.
        components: As they were registered.
    """

    id: str
    name: str
    language: str
    category: Category
    body: str
    named: bool
    status: Status = "APPROVED"
    components: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_code(self) -> bool:
        return self.category == "AUTHENTICATION"

    @property
    def variables(self) -> list[str]:
        """Names of its variables, each once; in their order."""
        return list(dict.fromkeys(_VARIABLE.findall(self.body)))

    def filled(self, components: list[dict[str, Any]]) -> str:
        """Its words with these parameters. Raises WireError where they do not fit."""
        by_type: dict[str, list[dict[str, Any]]] = {}
        for component in components:
            kind = str(component.get("type")).lower()
            given = component.get("parameters", [])
            if kind not in {"body", "button"} or not isinstance(given, list):
                raise WireError(132012, f"{kind[:50]}: the template has no such component.")
            if kind in by_type:
                raise WireError(132012, f"{kind}: the template has one of them.")
            by_type[kind] = given
        values = self._values(by_type.get("body", []))
        button = by_type.get("button")
        if self.has_code:
            code = next(iter(values.values()))
            if len(code) > MOST_CODE:
                raise WireError(132005, f"body: a code has at most {MOST_CODE} characters.")
            if button is None or len(button) != 1 or _text_of(button[0], "button") != code:
                raise WireError(132012, "button: it is given the code that the body has.")
        elif button is not None:
            raise WireError(132012, "button: the template has none.")
        text = _VARIABLE.sub(lambda found: values[found[1]], self.body)
        if len(text) > MOST_BODY:
            raise WireError(132005, f"body: {len(text)} characters; there are at most {MOST_BODY}.")
        return text

    def as_json(self) -> dict[str, Any]:
        """As the list of templates shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "parameter_format": "NAMED" if self.named else "POSITIONAL",
            "components": self.components or [{"type": "BODY", "text": self.body}],
        }

    def _values(self, parameters: list[Any]) -> dict[str, str]:
        variables = self.variables
        if len(parameters) != len(variables):
            raise WireError(
                132000,
                f"body: number of localizable_params ({len(parameters)}) does not match the expected number of params "
                f"({len(variables)})",
            )
        values = {}
        for variable, parameter in zip(variables, parameters, strict=True):
            text = _text_of(parameter, "body")
            name = parameter.get("parameter_name") if self.named else variable
            if name not in variables or name in values:
                raise WireError(
                    132012, "body: each parameter has the parameter_name of one of the template's variables."
                )
            values[str(name)] = text
        return values


class Templates:
    """Those of the business, by name and language."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Template] = {}
        self._next_id = 900_000_000_000_000

    def approved(self, name: str, language: str) -> Template:
        """The one to send. Raises WireError."""
        template = self._kept.get((name, language))
        if template is None or template.status in {"PENDING", "REJECTED"}:
            raise WireError(132001, f"template name ({name[:100]}) does not exist in {language[:20]}")
        if template.status != "APPROVED":
            raise WireError(132015 if template.status == "PAUSED" else 132016, f"template name ({name[:100]})")
        return template

    def register(self, asked: dict[str, Any]) -> Template:
        """Take a new one, and approve it at once. Raises WireError."""
        name, language, category = (asked.get(key) for key in ("name", "language", "category"))
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise WireError(100, "name: small letters, digits and underscores.")
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            raise WireError(100, "language: a code such as en or pt_BR.")
        if not isinstance(category, str) or category.upper() not in {"AUTHENTICATION", "MARKETING", "UTILITY"}:
            raise WireError(100, "category: AUTHENTICATION, MARKETING or UTILITY.")
        if (name, language) in self._kept:
            raise WireError(100, f"There is a template of that name in {language} already.")
        if len(self._kept) >= MOST_TEMPLATES:
            raise WireError(100, f"There are at most {MOST_TEMPLATES} templates.")
        components = asked.get("components")
        named = str(asked.get("parameter_format", "POSITIONAL")).upper() == "NAMED"
        body = _CODE_BODY if category.upper() == "AUTHENTICATION" else _body_of(components, named=named)
        template = Template(
            self._new_id(),
            name,
            language,
            category.upper(),  # type: ignore[arg-type]
            body,
            named and category.upper() != "AUTHENTICATION",
            components=components if isinstance(components, list) else [],
        )
        self._kept[name, language] = template
        return template

    def add(self, name: str, language: str, category: Category, body: str) -> None:
        """Have one from the start, its variables numbered."""
        variables = {variable: str(number) for number, variable in enumerate(dict.fromkeys(_VARIABLE.findall(body)), 1)}
        numbered = _VARIABLE.sub(lambda found: f"{{{{{variables[found[1]]}}}}}", body)
        self._kept[name, language] = Template(self._new_id(), name, language, category, numbered, named=False)

    def all(self, name: str | None = None) -> Iterator[Template]:
        """All, or all languages of one."""
        return (each for each in self._kept.values() if name is None or each.name == name)

    def remove(self, name: str) -> None:
        """All languages of one. Raises WireError."""
        found = list(self.all(name))
        if not found:
            raise WireError(100, "There is no template of that name.")
        for each in found:
            del self._kept[each.name, each.language]

    def forget(self) -> None:
        """Have none."""
        self._kept.clear()

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id)


def _body_of(components: Any, *, named: bool) -> str:
    listed = components if isinstance(components, list) else []
    bodies = [each for each in listed if isinstance(each, dict) and str(each.get("type")).upper() == "BODY"]
    text = bodies[0].get("text") if len(bodies) == 1 else None
    if not isinstance(text, str) or not 1 <= len(text) <= MOST_BODY:
        raise WireError(100, f"components: one BODY with a text of 1 to {MOST_BODY} characters is needed.")
    variables = list(dict.fromkeys(_VARIABLE.findall(text)))
    if not named and variables != [str(number) for number in range(1, len(variables) + 1)]:
        raise WireError(100, "components: variables are {{1}}, {{2}} and so on where parameter_format is POSITIONAL.")
    if named and not all(re.fullmatch(r"[a-z_][a-z0-9_]*", variable) for variable in variables):
        raise WireError(100, "components: variables have names of small letters where parameter_format is NAMED.")
    if text.strip().startswith("{{") or text.strip().endswith("}}"):
        raise WireError(100, "components: a variable may stand neither at the start nor at the end of the text.")
    if variables and not bodies[0].get("example"):
        raise WireError(100, "components: examples of the parameters are needed.")
    return text


def _text_of(parameter: Any, where: str) -> str:
    if not isinstance(parameter, dict) or parameter.get("type") != "text":
        raise WireError(132012, f"{where}: a parameter of type text is expected.")
    text = parameter.get("text")
    if not isinstance(text, str) or not text:
        raise WireError(131008, f"Parameter of type text is missing text value: {where}")
    if _UNTIDY.search(text):
        raise WireError(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    return text

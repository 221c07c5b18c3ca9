"""The models that the fake has, by the names of OpenAI's."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from tripgate.local.providers.ai.wire import WireError


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        context: How many tokens prompt and answer have together.
        thinks: Whether it reasons first; such a model takes no `max_tokens`, only `max_completion_tokens`.
        embeds: Whether it makes embeddings, and no completions.
    """

    name: str
    context: int
    thinks: bool = False
    embeds: bool = False


MODELS = MappingProxyType(
    {
        model.name: model
        for model in (
            *(
                Model(name, 400_000, thinks=True)
                for name in ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.2")
            ),
            *(Model(name, 1_047_576) for name in ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano")),
            *(Model(name, 128_000) for name in ("gpt-4o", "gpt-4o-mini")),
            *(Model(name, 200_000, thinks=True) for name in ("o3", "o3-mini", "o4-mini")),
            *(Model(name, 8192, embeds=True) for name in ("text-embedding-3-small", "text-embedding-3-large")),
        )
    }
)


def model_of(name: object, *, embeds: bool) -> Model:
    """The model of a request. Raises WireError."""
    if not isinstance(name, str) or not name:
        raise WireError("you must provide a model parameter")
    model = MODELS.get(name)
    if model is None:
        raise WireError(
            f"The model `{name[:100]}` does not exist or you do not have access to it.",
            status=404,
            code="model_not_found",
        )
    if model.embeds is not embeds:
        raise WireError(f"This is not a model for this endpoint: {name}.", status=404, param="model")
    return model

"""The routes of the API below `/v1`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tripgate.local.providers.ai import embeddings, helper, tokens
from tripgate.local.providers.ai.answer import Answer, answer_of
from tripgate.local.providers.ai.models import MODELS, Model, model_of
from tripgate.local.providers.ai.request import ChatRequest, chat_request
from tripgate.local.providers.ai.stream import streamed
from tripgate.local.providers.ai.tally import REQUEST_HEADER, Call, Tally
from tripgate.local.providers.ai.wire import WireError, body_of, new_id, refusal

if TYPE_CHECKING:
    from tripgate.local.providers.ai.scripts import Script, Scripts
    from tripgate.local.providers.clock import Clock

_OWNER = "system"


class Api:
    """Completions, embeddings and models.

    Attributes:
        hold: Cleared, calls wait for it before anything of theirs is answered.
    """

    def __init__(self, scripts: Scripts, tally: Tally, clock: Clock) -> None:
        self._scripts = scripts
        self._tally = tally
        self._clock = clock
        self.hold = asyncio.Event()
        self.hold.set()

    def add_to(self, app: web.Application) -> None:
        """Serve the routes."""
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_post("/v1/embeddings", self.embed)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/v1/models/{name}", self.model)

    def forget(self) -> None:
        """Be as at the start."""
        self._scripts.empty()
        self._tally.empty()
        self.hold.set()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/chat/completions`."""
        body = await body_of(request)
        call = self._begin("chat", body, request)
        try:
            asked = chat_request(body)
            script = self._scripts.take("chat", [asked.newest_prompt, asked.system]) or helper.script_of(asked)
            await self._held(script, call)
        except WireError as error:
            _refused(call, error)
            raise
        call.prompt_tokens = asked.prompt_tokens
        call.cached_tokens = min(script.cached_tokens, asked.prompt_tokens)
        answer = answer_of(script, asked)
        frame = self._frame("chat.completion.chunk" if asked.stream else "chat.completion", asked)
        if asked.stream:
            return await streamed(request, script, answer, call, frame, include_usage=asked.include_usage)
        call.outcome = "left"  # unless it comes to another end
        await asyncio.sleep(script.first_chunk_seconds)
        return web.json_response(_whole(answer, call, frame))

    async def embed(self, request: web.Request) -> web.Response:
        """`POST /v1/embeddings`."""
        body = await body_of(request)
        call = self._begin("embeddings", body, request)
        try:
            model = model_of(body.get("model"), embeds=True)
            inputs, dimensions = _inputs(body.get("input"), model), _dimensions(body.get("dimensions"))
            base64 = _is_base64(body.get("encoding_format"))
            script = self._scripts.take("embeddings", inputs)
            if script is not None:
                await asyncio.sleep(script.first_chunk_seconds)
            await self._held(script, call)
        except WireError as error:
            _refused(call, error)
            raise
        vectors = [embeddings.embedded(text, dimensions) for text in inputs]
        data = [
            {"object": "embedding", "index": at, "embedding": embeddings.as_base64(each) if base64 else list(each)}
            for at, each in enumerate(vectors)
        ]
        call.prompt_tokens = sum(tokens.count(text) for text in inputs)
        call.outcome, call.told_usage = "complete", True
        usage = {"prompt_tokens": call.prompt_tokens, "total_tokens": call.prompt_tokens}
        return web.json_response({"object": "list", "data": data, "model": model.name, "usage": usage})

    async def models(self, _: web.Request) -> web.Response:
        """`GET /v1/models`."""
        return web.json_response({"object": "list", "data": [_as_json(each) for each in MODELS.values()]})

    async def model(self, request: web.Request) -> web.Response:
        """`GET /v1/models/{name}`."""
        found = MODELS.get(request.match_info["name"])
        if found is None:
            raise refusal(404, "model_not_found")
        return web.json_response(_as_json(found))

    def _begin(self, endpoint: str, body: dict[str, Any], request: web.Request) -> Call:
        return self._tally.begin(endpoint, str(body.get("model"))[:100], request.headers.get(REQUEST_HEADER))

    async def _held(self, script: Script | None, call: Call) -> None:
        """Wait where calls are held; refuse where the script says so."""
        call.outcome = "left"  # unless it comes to another end
        await self.hold.wait()
        call.outcome = "open"
        if script is not None and script.status is not None:
            raise refusal(script.status, script.code, script.retry_after)

    def _frame(self, kind: str, asked: ChatRequest) -> dict[str, Any]:
        return {
            "id": new_id("chatcmpl-"),
            "object": kind,
            "created": int(self._clock.now().timestamp()),
            "model": asked.model.name,
            "service_tier": "default",
            "system_fingerprint": "fp_of_this_machine",
        }


def _refused(call: Call, error: WireError) -> None:
    call.outcome, call.status = "refused", error.status


def _whole(answer: Answer, call: Call, frame: dict[str, Any]) -> dict[str, Any]:
    """The answer in one piece; all of it is counted in `call`."""
    text = "".join(answer.pieces)
    calls = [
        {"id": new_id("call_"), "type": "function", "function": {"name": each.name, "arguments": "".join(each.pieces)}}
        for each in answer.called
    ]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not calls else None,
        "refusal": None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = calls
    call.reasoning_tokens = answer.reasoning
    of_tools = sum(tokens.count(each.name) + len(each.pieces) for each in answer.called)
    call.completion_tokens = answer.reasoning + len(answer.pieces) + of_tools
    call.sent_characters = len(text)
    call.outcome, call.told_usage = "complete", True
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish}
    return {**frame, "choices": [choice], "usage": call.usage()}


def _inputs(given: object, model: Model) -> list[str]:
    inputs = [given] if isinstance(given, str) else given
    if not isinstance(inputs, list) or not inputs or not all(isinstance(each, str) for each in inputs):
        raise WireError("Invalid 'input': a string or an array of strings expected.", param="input")
    if len(inputs) > embeddings.MAX_INPUTS or "" in inputs:
        raise WireError(f"Invalid 'input': 1 to {embeddings.MAX_INPUTS} strings, none empty, expected.", param="input")
    if any(tokens.count(each) > embeddings.MAX_TOKENS for each in inputs):
        raise WireError(
            f"This model's maximum context length is {model.context} tokens. Please reduce your prompt.",
            code="context_length_exceeded",
            param="input",
        )
    return inputs


def _dimensions(given: object) -> int:
    if given is None:
        return embeddings.DIMENSIONS
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= embeddings.DIMENSIONS:
        raise WireError(f"Invalid 'dimensions': 1 to {embeddings.DIMENSIONS} expected.", param="dimensions")
    return given


def _is_base64(given: object) -> bool:
    if given not in {None, "float", "base64"}:
        raise WireError("Invalid 'encoding_format': float or base64 expected.", param="encoding_format")
    return given == "base64"


def _as_json(model: Model) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": 1_735_689_600, "owned_by": _OWNER}

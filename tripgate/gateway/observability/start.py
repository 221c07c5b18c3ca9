"""What `tripgate serve` is observed by: its log on standard error, its traces sent where the settings say."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tripgate.gateway.observability.logs import Logs
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@contextmanager
def observing(settings: Settings) -> Iterator[Observability]:
    """While the process serves. At the end all that waits is written and sent.

    Raises:
        SettingsError: Traces are wanted, and the extra `otel` is not installed.
    """
    provider = provider_of(settings)
    with Logs(settings, sys.stderr.fileno()) as lines:
        try:
            yield Observability(settings, lines, None if provider is None else provider.get_tracer("tripgate"))
        finally:
            if provider is not None:
                provider.shutdown()


def provider_of(settings: Settings) -> "TracerProvider | None":
    """What makes traces, where the settings or OpenTelemetry's own variables say where to send them."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    if settings.otlp_endpoint is None and not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    from tripgate.gateway.observability.tracing import provider  # noqa: PLC0415 - loaded by who traces

    return provider(settings)

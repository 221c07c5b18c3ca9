# The gateway alone, as `tripgate serve`: no embedded Supabase, no build tools, no root.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/tripgate
COPY requirements.serve.lock ./
RUN /opt/tripgate/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.serve.lock
COPY pyproject.toml README.md LICENSE ./
COPY gql gql
COPY resolvers resolvers
COPY tripgate tripgate
RUN pip install --no-cache-dir hatchling==1.27.0 \
    && python -m hatchling build -t wheel \
    && /opt/tripgate/bin/pip install --no-cache-dir --no-deps dist/*.whl \
    && /opt/tripgate/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tripgate
COPY --from=build /opt/tripgate /opt/tripgate
ENV PATH=/opt/tripgate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRIPGATE_HOST=0.0.0.0 \
    TRIPGATE_PORT=8000
# Nothing is written but the numbers that workers share, and only with several workers: then /tmp must be writable.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['TRIPGATE_PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["tripgate"]
CMD ["serve"]

# A worker. `docker build -t streamproc .`; what it does is set by STREAMPROC_* variables.
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/streamproc
ENV PATH=/opt/streamproc/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1
# Before the sources: a change of ours need not fetch the dependencies again.
COPY requirements.lock .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes -r requirements.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY detectors detectors
COPY streamproc streamproc
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 streamproc
COPY --from=build /opt/streamproc /opt/streamproc
ENV PATH=/opt/streamproc/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/home/streamproc/numba \
    NUMBA_CPU_NAME=generic \
    NUMBA_CPU_FEATURES=""
USER 10001
WORKDIR /home/streamproc
# For any machine of this kind, since the worker's is another; that costs no speed.
RUN streamproc compile
# The signal goes to the worker itself, which stops within 30 seconds.
STOPSIGNAL SIGTERM
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["streamproc"]
CMD ["worker"]

# syntax=docker/dockerfile:1
# The online service alone. Build a bundle first, and mount it:
#   docker build -t rtt2vec .
#   docker run -p 8000:8000 -v "$PWD/bundles:/bundles:ro" rtt2vec

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /venv
# Extras to install, such as `limits,memcached`; none by default.
ARG EXTRAS=""
COPY pyproject.toml constraints.txt README.md ./
COPY service service
# Installs no training dependencies; the builder is not copied.
RUN /venv/bin/pip install --no-cache-dir --no-compile -c constraints.txt ".${EXTRAS:+[$EXTRAS]}"

FROM python:3.11-slim-bookworm
# A worker answers one request at a time; threads in it would compete with the other workers.
# Numba compiles at the first start and keeps the result where the user below can write.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MKL_NUM_THREADS=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    RTT2VEC_BUNDLE=/bundles \
    RTT2VEC_HOST=0.0.0.0 \
    RTT2VEC_PORT=8000
# The user owns this directory, and so any new volume that is mounted there.
RUN useradd --system --uid 10001 --no-create-home rtt2vec \
    && install --directory --owner rtt2vec /events
COPY --from=build /venv /venv
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"RTT2VEC_PORT\"]}/health/ready', timeout=2)"]
ENTRYPOINT ["rtt2vec-serve"]

# Two images: the online service alone (the default), and the builder. Build a bundle, and mount it:
#   docker build --tag rtt2vec-builder:0.1.0 --target builder .
#   docker build --tag rtt2vec:0.1.0 --target service .
#   docker run -p 8000:8000 -v "$PWD/bundles:/bundles:ro" rtt2vec:0.1.0

ARG PYTHON=python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3

FROM ${PYTHON} AS sources
WORKDIR /src
RUN python -m venv /venv
COPY deploy/image ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes --requirement build_tools.txt
COPY pyproject.toml README.md ./
COPY service service
COPY storefront storefront

# Installs no training dependencies; the builder is not copied.
FROM sources AS service-packages
# Extras to install, such as `limits,memcached`; none by default.
ARG EXTRAS=""
RUN ./install.sh "$EXTRAS"

FROM sources AS builder-packages
COPY index_builder index_builder
RUN ./install.sh build,duckdb,excel,memcached

FROM ${PYTHON} AS builder
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
# LightGBM's wheel does not bring the library of OpenMP along.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1=12.2.0-14+deb12u1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home rtt2vec
COPY --from=builder-packages /venv /venv
USER 10001
ENTRYPOINT ["rtt2vec-build"]

FROM ${PYTHON} AS service
# A worker answers one request at a time; threads in it would compete with the other workers.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MKL_NUM_THREADS=1 \
    RTT2VEC_BUNDLE=/bundles \
    RTT2VEC_HOST=0.0.0.0 \
    RTT2VEC_PORT=8000
# The user owns this directory, and so any new volume that is mounted there.
RUN useradd --system --uid 10001 --no-create-home rtt2vec \
    && install --directory --owner rtt2vec /events
COPY --from=service-packages /venv /venv
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"RTT2VEC_PORT\"]}/health/ready', timeout=2)"]
ENTRYPOINT ["rtt2vec-serve"]

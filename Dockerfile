# The online service alone. Build a bundle first, and mount it:
#   docker build -t rtt2vec .
#   docker run -p 8000:8000 -v "$PWD/bundles:/bundles:ro" rtt2vec

ARG PYTHON=python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3

FROM ${PYTHON} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
RUN python -m venv /venv
COPY deploy/image ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes --requirement build_tools.txt
# Extras to install, such as `limits,memcached`; none by default.
ARG EXTRAS=""
COPY pyproject.toml README.md ./
COPY service service
COPY storefront storefront
# Installs no training dependencies; the builder is not copied.
RUN /venv/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && echo "rtt2vec[$EXTRAS] @ file://$(echo /dist/*.whl) --hash=sha256:$(sha256sum /dist/*.whl | cut -c1-64)" \
        > /dist/rtt2vec.txt \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
        --constraint packages.txt --requirement /dist/rtt2vec.txt \
    && /venv/bin/pip uninstall --yes pip setuptools
# Compiled loops are kept in the package, where each start reads them.
WORKDIR /
RUN /venv/bin/python -m service.support.compiled.processor_levels

FROM ${PYTHON}
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
COPY --from=build /venv /venv
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"RTT2VEC_PORT\"]}/health/ready', timeout=2)"]
ENTRYPOINT ["rtt2vec-serve"]

#!/bin/sh
# Install the package of this folder with extras ("kafka,limits", say) into /venv, from hashes alone,
# and compile the service's loops there, where each start reads them.
set -eu
/venv/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist .
wheel=$(echo /dist/*.whl)
digest=$(sha256sum "$wheel" | cut -c1-64)
echo "rtt2vec[$1] @ file://$wheel --hash=sha256:$digest" > /dist/rtt2vec.txt
/venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
    --constraint packages.txt --requirement /dist/rtt2vec.txt
/venv/bin/pip uninstall --yes pip setuptools
cd /
/venv/bin/python -m service.support.compiled.processor_levels

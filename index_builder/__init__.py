"""The offline builder: transactions → triples → embeddings → index → association rules → bundle."""

import os

# Where other work holds the cores, OpenMP threads that spin for one another take several times as
# long as threads that sleep. The library reads this when LightGBM loads it, so it stands here.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

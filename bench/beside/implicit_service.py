"""A plain FastAPI service of `implicit`'s ALS, as its users would write it.

It answers POST /recommend with as much as ours does: ids, names, categories and scores. It takes
the flags of `rtt2vec-serve` that a bench gives, and the folder of a model (see `Als.save`).
"""

import argparse
import socket
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel
from uvicorn import Config, Server

from bench.beside.als import Als
from service.bundle.bundle import Bundle, load_bundle

__all__ = ["create_implicit_app"]


class Asked(BaseModel):
    """A request."""

    user_id: str | None = None
    basket: list[str] = []
    k: int = 20


class Item(BaseModel):
    """A recommendation."""

    item_id: str
    name: str
    category: str
    score: float


class Answer(BaseModel):
    """Recommendations, best first."""

    recommendations: list[Item]


def create_implicit_app(model: Als, bundle: Bundle) -> FastAPI:
    """The service; the bundle gives ids and names alone."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    catalogue = bundle.catalogue
    ids, names, categories = catalogue.item_ids, catalogue.names, catalogue.categories
    rows = {item_id: row for row, item_id in enumerate(ids)}
    users = {user_id: row for row, user_id in enumerate(bundle.user_ids)}

    async def recommend(asked: Asked) -> Answer:
        known = {rows[item_id] for item_id in asked.basket if item_id in rows}
        user = None if asked.user_id is None else users.get(asked.user_id)
        items, scores = model.recommend(user, np.fromiter(known, np.int32), asked.k)
        found = zip(items.tolist(), scores.tolist(), strict=True)
        return Answer(
            recommendations=[
                Item(item_id=ids[i], name=names[i], category=categories[i], score=score)
                for i, score in found
            ]
        )

    app.add_api_route("/recommend", recommend, methods=["POST"])
    app.add_api_route("/health/ready", lambda: None)
    return app


def main() -> None:
    """Print the address, and serve until SIGTERM."""
    parser = argparse.ArgumentParser("python -m bench.beside.implicit_service")
    for name, kind in (("bundle", Path), ("model", Path), ("port", int), ("log-level", str)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("--workers", type=int, choices=[1])
    flags = parser.parse_args()
    app = create_implicit_app(Als.load(flags.model), load_bundle(flags.bundle))
    with socket.create_server(("127.0.0.1", flags.port)) as listener:
        print(f"Listening on http://127.0.0.1:{listener.getsockname()[1]}.", flush=True)
        config = Config(app, log_level=flags.log_level, access_log=False)  # nobody reads stdout
        Server(config).run([listener])


if __name__ == "__main__":
    main()

"""Purchases as they happen: `POST /events`."""

import json
import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from service.events.errors import ClockError, JournalError
from service.events.event import RawEvent, event_type
from service.events.stream import PurchaseStream, Taken
from service.http.admission import Threads
from service.http.body import described, json_body
from service.http.problems import ProblemError, documented
from service.http.schemas import RequestBody, request_type
from service.settings import Settings
from service.telemetry.logs import request_id

_logger = logging.getLogger(__name__)

_THREADS = 2
_WAITING = 8  # batches, of up to 1 MiB each


class EventsRequest(RequestBody):
    """Purchases; each of them is taken or refused on its own."""

    events: list[Any] = Field(min_length=1)


class RefusedEvent(BaseModel):
    """An invalid event, which is kept among the dead letters."""

    position: int = Field(description="Position in the request, from 0.")
    reason: str


class EventsResponse(BaseModel):
    """The results of the events. None of them needs to be sent again."""

    request_id: str
    new: int = Field(description="Written to disk, and used from the next request on.")
    known: int = Field(description="Received before, with the same event id.")
    quarantined: int = Field(
        description="From the future; written to disk, and taken in when their time has come."
    )
    refused_count: int = Field(description="Invalid; kept among the dead letters.")
    refused: list[RefusedEvent] = Field(description="The first 100 of these.")


def events_routes(stream: PurchaseStream, settings: Settings) -> APIRouter:
    """Return the route that takes events in."""
    router = APIRouter()
    body_type = request_type(settings, EventsRequest)
    body = json_body(body_type, settings.events_body_limit_bytes)
    schema = body_type.model_json_schema()
    schema["properties"]["events"]["items"] = event_type(settings).model_json_schema()

    # In threads of its own, since writing to disk takes milliseconds, or longer if it waits for
    # other writers. Commits take place one after another anyway.
    threads = Threads(_THREADS, _WAITING)

    @router.post(
        "/events",
        responses=documented(400, 413, 415, 422, 500, 503),
        openapi_extra=described(schema),
    )
    async def events(batch: Annotated[EventsRequest, Depends(body)]) -> EventsResponse:
        """Take purchases in, each event id once; they count from the next request on."""
        until = stream.deadline()

        def take() -> Taken:
            raw = [RawEvent("http", json.dumps(each).encode()) for each in batch.events]
            return stream.take(raw, until)

        try:
            taken = await threads.run(take)
        except ClockError as error:
            detail = f"The events could not be kept: {error}. Send them again."
            raise ProblemError(503, detail, headers={"Retry-After": "1"}) from error
        except (JournalError, OSError) as error:
            _logger.error("events not kept: %s", error)
            detail = "The events could not be kept; the log says why. Send them again."
            raise ProblemError(503, detail, headers={"Retry-After": "1"}) from error
        return EventsResponse(
            request_id=request_id.get(),
            new=taken.new,
            known=taken.known,
            quarantined=taken.quarantined,
            refused_count=taken.refused,
            refused=[RefusedEvent(**each._asdict()) for each in taken.refusals],
        )

    return router

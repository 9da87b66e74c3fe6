"""`POST /events`: purchases, as they happen."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from service.events.event import RawEvent, event_type
from service.events.journal import JournalError
from service.events.stream import PurchaseStream
from service.http.body import described, json_body
from service.http.problems import ProblemError, documented
from service.http.schemas import RequestBody
from service.settings import Settings
from service.telemetry.logs import request_id


class EventsRequest(RequestBody):
    """Purchases; each of them is judged on its own."""

    events: list[Any] = Field(min_length=1)


class RefusedEvent(BaseModel):
    """An event that cannot be used; it is among the dead letters now."""

    position: int = Field(description="In the request, from 0.")
    reason: str


class EventsResponse(BaseModel):
    """What became of the events. None of them needs to be sent again."""

    request_id: str
    new: int = Field(description="Kept, on disk, and known to the next request.")
    known: int = Field(description="Had been kept before, by their event ids.")
    refused: list[RefusedEvent]


def events_routes(stream: PurchaseStream, settings: Settings) -> APIRouter:
    """Return the routes that take events in."""
    router = APIRouter()
    body = json_body(EventsRequest, settings.events_body_limit_bytes)
    schema = EventsRequest.model_json_schema()
    schema["properties"]["events"]["items"] = event_type(settings).model_json_schema()

    # Not `async`: committing to the disk takes milliseconds, and is waited for in a thread.
    @router.post(
        "/events",
        responses=documented(400, 413, 415, 422, 500, 503),
        openapi_extra=described(schema),
    )
    def events(asked: Annotated[EventsRequest, Depends(body)]) -> EventsResponse:
        """Take purchases in, each event id once; the next request of their shoppers knows them."""
        try:
            taken = stream.take(
                [RawEvent("http", json.dumps(each).encode()) for each in asked.events]
            )
        except (JournalError, OSError) as error:
            detail = f"The events could not be kept: {error}. Send them again."
            raise ProblemError(503, detail, headers={"Retry-After": "1"}) from error
        return EventsResponse(
            request_id=request_id.get(),
            new=taken.new,
            known=taken.known,
            refused=[RefusedEvent(**each._asdict()) for each in taken.refused],
        )

    return router

"""Purchases as they happen: `POST /events`."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from service.events.event import RawEvent, event_type
from service.events.journal import JournalError
from service.events.stream import PurchaseStream
from service.http.body import described, json_body
from service.http.problems import ProblemError, documented
from service.http.schemas import RequestBody, request_type
from service.settings import Settings
from service.telemetry.logs import request_id


class EventsRequest(RequestBody):
    """Purchases; each of them is taken or refused on its own."""

    events: list[Any] = Field(min_length=1)


class RefusedEvent(BaseModel):
    """An invalid event, which is kept among the dead letters."""

    position: int = Field(description="Position in the request, from 0.")
    reason: str


class EventsResponse(BaseModel):
    """The result of each event. None of them needs to be sent again."""

    request_id: str
    new: int = Field(description="Written to disk, and used from the next request on.")
    known: int = Field(description="Received before, with the same event id.")
    refused: list[RefusedEvent]


def events_routes(stream: PurchaseStream, settings: Settings) -> APIRouter:
    """Return the route that takes events in."""
    router = APIRouter()
    body_type = request_type(settings, EventsRequest)
    body = json_body(body_type, settings.events_body_limit_bytes)
    schema = body_type.model_json_schema()
    schema["properties"]["events"]["items"] = event_type(settings).model_json_schema()

    # Not `async`, so that FastAPI calls it in a thread: writing to disk takes milliseconds.
    @router.post(
        "/events",
        responses=documented(400, 413, 415, 422, 500, 503),
        openapi_extra=described(schema),
    )
    def events(batch: Annotated[EventsRequest, Depends(body)]) -> EventsResponse:
        """Take purchases in, each event id once; they count from the next request on."""
        try:
            raw = [RawEvent("http", json.dumps(each).encode()) for each in batch.events]
            taken = stream.take(raw)
        except (JournalError, OSError) as error:
            detail = f"The events could not be kept: {error}. Send them again."
            raise ProblemError(503, detail, headers={"Retry-After": "1"}) from error
        fields = {"request_id": request_id.get(), **taken._asdict()}
        return EventsResponse.model_validate(fields, from_attributes=True)

    return router

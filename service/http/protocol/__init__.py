"""How bytes become requests: uvicorn's protocol, with limits of size, time and number."""

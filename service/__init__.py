"""The online service.

The folders are the stages of a request, from the outside in. Each imports only those below it:

    cli
    commands/        other than to serve
    supervision/     processes, how they start and end
    app
    http/            bytes to request, answer to bytes
    serving/         which bundle answers
    telemetry/       metrics, logs, traces
    recommending/    one request to one answer
    business_rules/  what merchandisers want
    profiles/        what is known of a user
    bundle/          the bundle format
    events/          purchases taken in
    retrieval/       search for the largest inner products
    support/         tools; settings
"""

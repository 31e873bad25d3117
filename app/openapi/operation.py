"""What an operator may ask, described; and this description itself."""

from app.openapi.parts import TEXT, answer, members, operation, text

_STATE = members({"status": TEXT}, {"reason": TEXT})

PATHS = {
    "/healthz": {"get": operation("Does the process live?", {"200": answer("It does.", _STATE)})},
    "/readyz": {
        "get": {
            "summary": "Can the process verify and write?",
            "responses": {"200": answer("It can.", _STATE), "503": answer("It cannot, and why.", _STATE)},
        }
    },
    "/metrics": {"get": operation("Counts, for Prometheus", {"200": text("Metrics.", "text/plain")})},
    "/openapi.json": {
        "get": operation("This description", {"200": answer("An OpenAPI document.", members({"openapi": TEXT}))})
    },
}

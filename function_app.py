"""Registers the functions. A wrong setting stops the app here, with every problem listed."""

import logging

import azure.functions as func

from responders.app import emergencies, runtime, settings
from responders.triggers.acts import acts
from responders.triggers.callers import identified
from responders.triggers.cases import cases
from responders.triggers.console import console
from responders.triggers.emergency import emergency_blueprint
from responders.triggers.events import events
from responders.triggers.health import health
from responders.triggers.pagerduty import pagerduty
from responders.triggers.pages import pages
from responders.triggers.requests import requests
from responders.triggers.schedules import schedules
from responders.triggers.stream import stream

for talkative in ("azure", "msal", "httpx", "httpcore"):
    # At INFO each of their requests is two lines in the log that somebody pays for, some with addresses in them.
    logging.getLogger(talkative).setLevel(logging.WARNING)

settings()

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
emergency = emergency_blueprint(emergencies, lambda req, first: identified(req, first, now=runtime().clock()))
for blueprint in (events, schedules, cases, requests, acts, console, pages, health, pagerduty, emergency):
    app.register_functions(blueprint)
if settings().audit_stream_hub:
    # Without a hub the host would try to listen all the same, and fail.
    app.register_functions(stream)

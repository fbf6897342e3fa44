"""The logs that are polled."""

from typing import Final

from responders.calls import DIRECTORY_AUDITS, SIGN_INS
from shared.ingest.poll import Source

AUDIT_LOG: Final = Source(
    name="audit log",
    cursors="poll",
    call=DIRECTORY_AUDITS,
    time_field="activityDateTime",
    page_size=500,
)

SIGN_IN_LOG: Final = Source(
    name="sign-in log",
    cursors="poll sign-ins",
    call=SIGN_INS,
    time_field="createdDateTime",
    page_size=1000,
    # Unasked, Graph gives interactive sign-ins alone; what guesses passwords over old protocols and what uses a stolen
    # token is among the others. Those of service principals can't be asked for in the same query.
    only="signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'nonInteractiveUser')",
)

SOURCES: Final[tuple[Source, ...]] = (AUDIT_LOG, SIGN_IN_LOG)

"""The channels that pages are sent over. Each builds its own form of a page and hands it to its client."""

from shared.clients.pagerduty import PagerDuty
from shared.clients.teams import Teams
from shared.model.cases import Case
from shared.model.clock import Clock, utc_now
from shared.model.detections import AnyDetection
from shared.model.notices import Owner, SystemNotice
from shared.model.settings import Settings
from shared.notify.cards import alert_of, card_of
from shared.notify.system_notices import system_notice_alert, system_notice_card
from shared.notify.wording import page_context_for


class TeamsSender:
    """Posts an Adaptive Card to the Workflows webhook."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._teams = Teams(url=settings.teams_webhook_url, clock=clock)

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send the card, once. The answer 202 says only that the webhook accepted it. Raises EdgeError."""
        page_context = page_context_for(case, self._settings, owners=(owner,) if owner else (), place=place)
        self._teams.post(card_of(case, detection, page_context))

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        """Post the card of a system notice. Raises EdgeError."""
        self._teams.post(system_notice_card(system_notice))


class PagerDutySender:
    """Triggers an alert in PagerDuty, which doesn't depend on the tenant."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._pagerduty = PagerDuty(url=settings.pagerduty_url, routing_key=settings.pagerduty_routing_key, clock=clock)

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send the event. PagerDuty joins events with the same case id into one alert. Raises EdgeError."""
        page_context = page_context_for(case, self._settings, owners=(owner,) if owner else (), place=place)
        self._pagerduty.trigger(alert_of(case, detection, page_context))

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        """Trigger the alert of a system notice. Raises EdgeError."""
        self._pagerduty.trigger(system_notice_alert(system_notice))

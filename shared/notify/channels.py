"""The channels that pages go out by, each with its own form of a page."""

from shared.clients.pagerduty import PagerDuty
from shared.clients.teams import Teams
from shared.model.cases import Case
from shared.model.clock import Clock, utc_now
from shared.model.detections import AnyDetection
from shared.model.notices import SystemNotice
from shared.model.owners import Owner
from shared.model.settings import Settings
from shared.notify.cards import alert_of, card_of
from shared.notify.system_notices import system_notice_alert, system_notice_card
from shared.notify.wording import notice_for


class TeamsSender:
    """Posts an Adaptive Card to the Workflows webhook."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._teams = Teams(url=settings.teams_webhook_url, clock=clock)

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send it, once; the answer 202 says only that the webhook took it."""
        notice = notice_for(case, self._settings, owners=(owner,) if owner else (), place=place)
        self._teams.post(card_of(case, detection, notice))

    def tell(self, system_notice: SystemNotice) -> None:
        """Post a bulletin."""
        self._teams.post(system_notice_card(system_notice))


class PagerDutySender:
    """Triggers an alert in PagerDuty, which doesn't depend on the tenant."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._pagerduty = PagerDuty(url=settings.pagerduty_url, routing_key=settings.pagerduty_routing_key, clock=clock)

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send it; PagerDuty folds what has the same case id into one alert."""
        notice = notice_for(case, self._settings, owners=(owner,) if owner else (), place=place)
        self._pagerduty.trigger(alert_of(case, detection, notice))

    def tell(self, system_notice: SystemNotice) -> None:
        """Trigger an alert for a bulletin."""
        self._pagerduty.trigger(system_notice_alert(system_notice))

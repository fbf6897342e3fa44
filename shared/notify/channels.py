"""The channels that pages are sent over. Each builds its own form of a page and hands it to its client."""

from shared.clients.pagerduty import PagerDuty
from shared.clients.teams import Teams
from shared.model.clock import Clock, utc_now
from shared.model.notices import SystemNotice
from shared.model.settings import Settings
from shared.notify.cards import alert_of, card_of
from shared.notify.messages import Digest, NoticeCall, NoticeDigest, PageMessage
from shared.notify.page_cards import digest_alert, digest_card, page_alert, page_card
from shared.notify.paged import Signal
from shared.notify.system_notices import (
    notice_call_alert,
    notice_call_card,
    notice_digest_alert,
    notice_digest_card,
    system_notice_alert,
    system_notice_card,
)
from shared.notify.wording import page_context_for


class TeamsSender:
    """Posts an Adaptive Card to the Workflows webhook."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._teams = Teams(url=settings.teams_webhook_url, clock=clock)

    def send(self, message: PageMessage) -> None:
        """Send the card of a page, once. The answer 202 says only that the webhook accepted it. Raises EdgeError."""
        worst = message.worst
        if worst is None or len(message.changes) > 1:
            self._teams.post(page_card(message, self._settings))
            return
        page_context = page_context_for(
            worst.case, self._settings, owners=message.owners, place=message.place, is_again=message.is_again
        )
        self._teams.post(card_of(worst.case, worst.detection, page_context))

    def send_digest(self, digest: Digest) -> None:
        """Post one card for several pages. Raises EdgeError."""
        self._teams.post(digest_card(digest, self._settings))

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        """Post the card of a system notice. Raises EdgeError."""
        self._teams.post(system_notice_card(system_notice, language=self._settings.notice_language))

    def send_call(self, call: NoticeCall) -> None:
        """Post the card of a system notice that is addressed to owners. Raises EdgeError."""
        self._teams.post(notice_call_card(call, language=self._settings.notice_language))

    def signal(self, key: str, signal: Signal) -> None:
        """Do nothing: a card can't be changed after it was posted."""

    def send_notice_digest(self, digest: NoticeDigest) -> None:
        """Post one card for several system notices. Raises EdgeError."""
        self._teams.post(notice_digest_card(digest, language=self._settings.notice_language))


class PagerDutySender:
    """Triggers an alert in PagerDuty, which doesn't depend on the tenant."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._pagerduty = PagerDuty(url=settings.pagerduty_url, routing_key=settings.pagerduty_routing_key, clock=clock)

    def send(self, message: PageMessage) -> None:
        """Send the event. PagerDuty joins the events of one page into one alert. Raises EdgeError."""
        worst = message.worst
        if worst is None or len(message.changes) > 1:
            self._pagerduty.trigger(page_alert(message, self._settings))
            return
        page_context = page_context_for(worst.case, self._settings, owners=message.owners, place=message.place)
        self._pagerduty.trigger(alert_of(worst.case, worst.detection, page_context, key=message.key))

    def send_digest(self, digest: Digest) -> None:
        """Trigger one alert for several pages. Raises EdgeError."""
        self._pagerduty.trigger(digest_alert(digest, self._settings))

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        """Trigger the alert of a system notice. Raises EdgeError."""
        self._pagerduty.trigger(system_notice_alert(system_notice, language=self._settings.notice_language))

    def send_call(self, call: NoticeCall) -> None:
        """Trigger the alert of a system notice that is addressed to owners. Raises EdgeError."""
        self._pagerduty.trigger(notice_call_alert(call, language=self._settings.notice_language))

    def signal(self, key: str, signal: Signal) -> None:
        """Acknowledge or resolve the alert with this key. Raises EdgeError."""
        self._pagerduty.signal("resolve" if signal is Signal.RESOLVE else "acknowledge", key)

    def send_notice_digest(self, digest: NoticeDigest) -> None:
        """Trigger one alert for several system notices. Raises EdgeError."""
        self._pagerduty.trigger(notice_digest_alert(digest, language=self._settings.notice_language))

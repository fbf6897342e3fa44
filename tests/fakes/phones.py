"""A phone in a browser: its screen, a thumb whose taps are counted, and a passkey in it."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, Literal

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

PHONE: Final[ViewportSize] = {"width": 390, "height": 664}
"""What a small iPhone shows of a page."""

_PATIENCE: Final = 60_000
"""How long a page is waited for, in milliseconds."""

_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@contextmanager
def chromium() -> Generator[Browser]:
    """Start a browser. What is waited for comes late on a machine that has much to do."""
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def phone(browser: Browser, *, locale: str = "en") -> BrowserContext:
    """Give a phone, with nothing that anybody did on it before."""
    return browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, locale=locale)


class Taps:
    """A thumb on a page, which counts."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.count = 0

    def on(self, role: Literal["button", "link"], name: str) -> None:
        self._page.get_by_role(role, name=name, exact=True).first.tap()
        self.count += 1


class PasskeyDevice:
    """What keeps a passkey on a phone: it asks who somebody is, and finds that it is its person."""

    _OPTIONS: Final = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }

    def __init__(self, page: Page) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        self._id = self._ask("addVirtualAuthenticator", options=self._OPTIONS)["authenticatorId"]

    def _ask(self, what: str, **parameters: object) -> dict[str, Any]:
        found: dict[str, Any] = self._cdp.send(f"WebAuthn.{what}", parameters)  # pyright: ignore[reportUnknownVariableType]
        return found

    @property
    def touched(self) -> int:
        """How often its only passkey was used, the time when it was made included."""
        (only,) = self._ask("getCredentials", authenticatorId=self._id)["credentials"]
        return only["signCount"]

    def refuse(self) -> None:
        """Find from now on that it isn't its person."""
        self._ask("setUserVerified", authenticatorId=self._id, isUserVerified=False)

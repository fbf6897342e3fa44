"""The one exception of the doctor."""


class Unread(Exception):
    """Something that couldn't be read; the text says why, `cure` what to do, "" where the check knows better."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        self.cure = cure
        super().__init__(message)

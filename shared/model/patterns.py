r"""Regular expressions that operators enter, held against texts that anybody may choose.

They are RE2's: the time to match grows with the text alone, where those of Python can be made to take for ever. Kusto's
are of that family too, without lookaround and references back; of what `\d`, `\w` and `\s` mean it has more than ASCII.
"""

import functools
from typing import Any, cast


def problem_with(pattern: str) -> str:
    """Say why a text is no regular expression, "" where it is one."""
    try:
        _compiled(pattern)
    except _re2().error as error:
        because: object = error.args[0] if error.args else ""
        return because.decode(errors="replace") if isinstance(because, bytes) else str(because)
    return ""


def is_met(pattern: str, text: str) -> bool:
    """Whether the whole text meets the pattern. Half a character counts as one that can't be shown."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return cast("object", _compiled(pattern).fullmatch(whole)) is not None


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - the library has no types
    library = _re2()
    options = library.Options()
    options.log_errors = False
    return library.compile(pattern, options)


def _re2() -> Any:  # noqa: ANN401 - the library has no types
    import re2  # pyright: ignore[reportMissingTypeStubs]  # noqa: PLC0415 - only where somebody entered a pattern

    return re2

"""Locales by their CLDR id."""

import re
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from app.a2a.mcp.errors import InvalidArgumentError

_ID = re.compile(r"[A-Za-z]{2,3}(?:[_-][A-Za-z]{4})?(?:[_-](?:[A-Za-z]{2}|\d{3}))?", re.ASCII)


@lru_cache(maxsize=256)
def locale_named(name: str, path: str = "/locale") -> Locale:
    """The locale of an id such as en, de_CH or zh-Hant-TW; raises InvalidArgumentError at `path`."""
    try:
        # The pattern keeps the name of babel's data file from being anything but an id.
        if _ID.fullmatch(name):
            return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        pass
    raise InvalidArgumentError.at(path, "is not a CLDR locale, such as en_US")

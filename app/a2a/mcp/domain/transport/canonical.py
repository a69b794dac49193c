"""The canonical form of JSON (RFC 8785): one text for equal values, numbers as ECMAScript writes them."""

import json
import math
import re
from typing import Any


def canonical(value: Any) -> str:
    """The value's canonical text; raises ValueError for what JSON has no number for and for lone surrogates."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return _number(value)
    value.encode()  # UnicodeEncodeError is a ValueError: a lone surrogate has no UTF-8
    return json.dumps(value, ensure_ascii=False)


def _number(value: int | float) -> str:
    """ECMA-262 Number::toString; Python's repr has the same shortest digits and other exponents."""
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number beyond 1.8e308") from error
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    if number == 0:
        return "0"
    match = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?", repr(number))
    if match is None:
        raise ValueError("not a number")
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    point = len(whole) + exponent
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        text = digits[:point].ljust(point, "0") + ("." + digits[point:] if len(digits) > point else "")
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1:+d}"
    return sign + text

"""The outcome every value standardizer shares: one canonical value, several candidates, or a reason."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

MAX_VALUES = 1000
MAX_VALUE_CHARACTERS = 1000

Status: TypeAlias = Literal["ok", "ambiguous", "invalid"]
DetailsT = TypeVar("DetailsT")


@dataclass(frozen=True, slots=True)
class ValueResult(Generic[DetailsT]):
    """What became of one value; `value` only with ok, `candidates` only with ambiguous.

    `details` stand with ok, and with an invalid value that could still be taken apart.
    `reason` is a snake_case word, with a colon and more words where that helps; it stands with all but ok.
    """

    status: Status
    value: str | None = None
    details: DetailsT | None = None
    candidates: tuple[str, ...] = ()
    reason: str | None = None

    @classmethod
    def ok(cls, value: str, details: DetailsT) -> "ValueResult[DetailsT]":
        """The one reading there is."""
        return cls("ok", value, details)

    @classmethod
    def ambiguous(cls, candidates: "tuple[str, ...] | list[str]", reason: str) -> "ValueResult[DetailsT]":
        """Several readings, in the order given; nothing is chosen."""
        return cls("ambiguous", candidates=tuple(candidates), reason=reason)

    @classmethod
    def invalid(cls, reason: str) -> "ValueResult[DetailsT]":
        """No reading at all."""
        return cls("invalid", reason=reason)

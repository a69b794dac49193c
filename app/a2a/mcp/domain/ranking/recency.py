"""How recent a document is, as a number that halves with every half-life."""

from collections.abc import Sequence
from datetime import UTC, datetime

SECONDS_A_DAY = 86_400.0
DEFAULT_HALF_LIFE_DAYS = 180.0


def parse_time(text: str) -> datetime:
    """An ISO 8601 date or date and time; without an offset it is UTC. Raises ValueError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO 8601 date or time, such as 2026-03-01T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def decay(age_days: float, half_life_days: float) -> float:
    """0.5^(age/half-life): 1 for something new or dated in the future."""
    return float(0.5 ** (max(0.0, age_days) / half_life_days))


def recencies(
    times: Sequence[datetime | None], half_life_days: float, reference: datetime | None
) -> list[float | None]:
    """The recency of each time, None where there is none.

    Without a `reference` the newest time is "now": the same documents then always give the same answer.
    """
    known = [time for time in times if time is not None]
    if not known:
        return [None] * len(times)
    now = reference or max(known)
    return [
        None if time is None else decay((now - time).total_seconds() / SECONDS_A_DAY, half_life_days) for time in times
    ]

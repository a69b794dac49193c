"""Words, numbers and names that large inputs are made of, seeded."""

import random

BODY = 1_048_576
"""What most services take; see max_body_bytes in the registry."""
ENVELOPE = 2_000
"""Room for the JSON-RPC message around the arguments."""

WORDS = [
    "account",
    "balance",
    "market",
    "river",
    "engine",
    "doctor",
    "garden",
    "window",
    "teacher",
    "animal",
    "bridge",
    "signal",
    "harbour",
    "weather",
    "printer",
    "running",
    "quickly",
    "better",
    "larger",
    "measured",
    "houses",
    "cities",
    "children",
    "networks",
    "systems",
    "learning",
    "reasoning",
    "evidence",
    "cannot",
    "never",
    "always",
    "maybe",
    "twelve",
    "hundred",
    "42",
    "1984",
    "München",
    "naïve",
    "Straße",
    "coffee",
    "bottle",
    "winter",
    "summer",
    "yellow",
    "green",
]


def generator(name: str) -> random.Random:
    """A generator of its own for each input, so that they do not depend on each other's order."""
    return random.Random(name)


def prose(draw: random.Random, characters: int) -> str:
    """Sentences of a good dozen words, just under a length."""
    parts: list[str] = []
    length = 0
    while length < characters:
        word = draw.choice(WORDS)
        parts.append(word + "." if len(parts) % 13 == 12 else word)
        length += len(parts[-1].encode()) + 1
    return " ".join(parts)[: characters - 1].encode()[: characters - 1].decode(errors="ignore")


def numbers(draw: random.Random, count: int) -> list[float]:
    """Numbers of a unit cube, short enough for half a million of them in a body."""
    return [round(draw.uniform(-1, 1), 6) for _ in range(count)]

"""Published catastrophic inputs at every place where a caller's text meets a regular expression or a grammar.

Sources: OWASP "Regular expression Denial of Service"; the outages of Stack Overflow (2016, white space at the end of a
line) and Cloudflare (2019, `.*.*=.*`); Davis et al. 2018, "The impact of regular expression denial of service". All are
pumped to the longest text the place takes. Exponential work does not end within the life of a test, quadratic work at
these lengths takes well under a second: the bound of CPU time lies far from both.
"""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.a2a.mcp.domain.embedding.tokens import _SEGMENT
from app.a2a.mcp.domain.expressions import parse_condition
from app.a2a.mcp.domain.reasoning.budget import Budget
from app.a2a.mcp.domain.reasoning.constraint_terms import Domain
from app.a2a.mcp.domain.reasoning.constraints import solve_constraints
from app.a2a.mcp.domain.reasoning.datalog import infer_facts
from app.a2a.mcp.domain.reasoning.entailment import check_entailment
from app.a2a.mcp.domain.reasoning.questions import decompose_question
from app.a2a.mcp.domain.standardize.dispatch import STANDARDIZERS, options_for, warm_up
from app.a2a.mcp.domain.standardize.harmonize import FieldShape
from app.a2a.mcp.domain.standardize.schema_check import SchemaCheck
from app.a2a.mcp.domain.streams.address import readable
from app.a2a.mcp.domain.text.embedding_source import _PIECE
from app.a2a.mcp.domain.text.flags import signals
from app.a2a.mcp.domain.text.keyphrases import rake
from app.a2a.mcp.domain.text.language import tokenize
from app.a2a.mcp.domain.transport.inspection import inspect_text
from app.a2a.mcp.errors import A2AError

pytestmark = pytest.mark.timeout(120)

CPU_SECONDS = 10.0

PUMPS = [
    ("", "a", "!"), ("", " ", "x"), ("x=", "x", "\n"), ("a", " \t", "\x00"), ("", "1", "a"), ("", "1,", "x"),
    ("1", "1.", "x"), ("", "a@a.", "!"), ("a@", "a.", "@"), ("http://", "a:", "@["), ("http://a/", "../", "%"),
    ("", "(", ")"), ("", "[", "]"), ("", "{\"a\":", "1"), ("", "not ", "p"), ("", "-", "1"), ("p", " and p", ""),
    ("p", " -> p", ""), ("p", " <-> (p", ""), ("a", "+a", "="), ("1", "*1", "%"), ("", "f(", "x"), ("p(", "X,", ")"),
    ("p(X) :- ", "p(X), ", ""), ("forall x: ", "exists y: ", "p(x,y)"), ("What is ", "it and ", "?"),
    ("", "who did what before ", ""), ("1 kg", "/m^-2", "("), ("", "sq. ", "m"), ("", "12:00 ", "AM PM"),
    ("3 ", "March ", "2025"), ("", "2009-W01-", ""), ("", "+1 (", ""), ("", "é", "!"), ("", "'", "a"), ("", "\\", "\""),
    ("data: ", "\r\n", "x"), ("", "x-", "\u2011"), ("", "1" * 300 + "e", "9"), ("stream://", "a/", " "),
]  # fmt: skip
"""Before, what is repeated, and after: most places refuse them, and must do so soon."""

PATTERNS = [
    "^(a+)+$",
    "^(a|aa)+$",
    "^(a|a?)+$",
    "(.*a){20}",
    "^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$",
    r"\s+$",
]


def budget() -> Budget:
    return Budget(500)


def standardized(kind: Any, **options: Any) -> Callable[[str], Any]:
    return lambda text: STANDARDIZERS[kind](text, options_for(kind, options))


def by_pattern(text: str) -> None:
    for pattern in PATTERNS:
        SchemaCheck({"properties": {"v": {"pattern": pattern}}}).errors({"v": text})


def as_pattern(text: str) -> None:
    SchemaCheck({"properties": {"v": {"pattern": text}}}).errors({"v": "a" * 1000 + "!"})


DIGIT = {"a": Domain("int", 0, 9)}

PLACES: dict[str, tuple[int, Callable[[str], Any]]] = {
    "conditions of rules": (500, lambda text: parse_condition(text, "/rules/0/condition")),
    "formulas": (2000, lambda text: check_entailment([text], text, budget())),
    "constraints": (2000, lambda text: solve_constraints(DIGIT, [text], None, 1, budget())),
    "facts": (2000, lambda text: infer_facts([text], [], None, 100, budget())),
    "rules": (2000, lambda text: infer_facts(["p(a)"], [text], text, 100, budget())),
    "questions": (4000, lambda text: [decompose_question(text, s) for s in ("structural", "comparative", "temporal")]),
    "dates": (1000, standardized("date", order="DMY")),
    "amounts": (1000, standardized("amount")),
    "amounts in German": (1000, standardized("amount", locale="de_DE")),
    "numbers": (1000, standardized("number")),
    "units": (1000, standardized("unit")),
    "phones": (1000, standardized("phone", default_region="US")),
    "e-mail addresses": (1000, standardized("email")),
    "URLs": (1000, standardized("url")),
    "countries": (1000, standardized("country", fuzzy=True)),
    "subdivisions": (1000, standardized("subdivision")),
    "IBANs": (1000, standardized("identifier", scheme="iban")),
    "VAT numbers": (1000, standardized("identifier", scheme="vat")),
    "UUIDs": (1000, standardized("identifier", scheme="uuid")),
    "texts under a schema's pattern": (10_000, by_pattern),
    "patterns of a schema": (5_000, as_pattern),
    "names of fields": (1000, lambda text: FieldShape(text, "string").phrase),
    "URIs of streams": (512, lambda text: readable(text, "tester")),
    "words": (20_000, tokenize),
    "keyphrases": (20_000, rake),
    "signals beside a score": (20_000, signals),
    "pieces of a long text": (20_000, lambda text: [*_PIECE.finditer(text), *_SEGMENT.finditer(text)]),
    "messages": (262_144, lambda text: inspect_text(text, "auto", "2026-07-28", "client_to_server", {})),
    "messages of an event stream": (
        262_144,
        lambda text: inspect_text(text, "sse", "2025-11-25", "server_to_client", {}),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def warmed() -> None:
    """What is loaded once is not the text's fault."""
    warm_up()
    check_entailment(["p"], "p", budget())


@pytest.mark.parametrize("place", PLACES)
def test_a_catastrophic_text_is_answered_or_refused_soon(place: str) -> None:
    limit, read = PLACES[place]
    for before, pump, after in PUMPS:
        room = limit - len(before) - len(after)
        text = before + (pump * (room // len(pump) + 1))[:room] + after
        began = time.process_time()
        with contextlib.suppress(A2AError):
            read(text)
        spent = time.process_time() - began
        assert spent < CPU_SECONDS, f"{json.dumps(pump)} repeated {room // len(pump)} times took {spent:.1f} s of CPU"

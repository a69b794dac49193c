"""JSON Schema's official test suite, draft 2020-12, against what validate_standardization judges records by.

Every verdict must agree. What we refuse to judge, we refuse for a bound that the tool states: nothing is fetched, so
references stay within the schema, there is one base URI, and one dialect.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.a2a.mcp.domain.standardize.schema_check import Level, SchemaCheck
from app.a2a.mcp.errors import InvalidArgumentError

ROOT = Path(__file__).parents[2]
PINNED = Path(__file__).with_name("json-schema-suite.txt")
PIP = "pip==26.3"
REFUSED = {"$ref must be local: begin with #": 52, "$id is taken at the root only": 3}
DIALECTS_REFUSED = 4
ASSERTED_FORMATS = "format.json"
"""Here formats are annotations, as by default in 2020-12; we assert them from the level comprehensive on."""


@dataclass(frozen=True)
class Case:
    """One verdict of the suite."""

    place: str
    schema: Any
    data: Any
    valid: bool

    @property
    def level(self) -> Level:
        """The level whose rules are the file's."""
        return "basic" if self.place.startswith(ASSERTED_FORMATS) else "comprehensive"

    def verdict(self) -> bool:
        """Ours; raises InvalidArgumentError for a schema we do not take."""
        schema = self.schema if isinstance(self.schema, dict) else {"allOf": [self.schema]}
        return not SchemaCheck(schema, self.level).errors(self.data)


@pytest.fixture(scope="session")
def suite() -> Path:
    """The pinned suite, fetched once into the checkout's cache."""
    home = ROOT / ".cache" / "json-schema-suite" / hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]
    if not (home / ".complete").exists():
        home.mkdir(parents=True, exist_ok=True)
        # uv has no verb that only downloads.
        pip = [Path(sys.executable).with_name("uv"), "tool", "run", "--from", PIP, "pip", "download", "-q"]
        wanted = ["--no-deps", "--no-binary", "jsonschema", "--require-hashes", "-r", PINNED]
        subprocess.run([*pip, *wanted], cwd=home, check=True, timeout=110)
        (archive,) = home.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(home, filter="data")
        (home / ".complete").touch()
    (found,) = home.glob("*/json/tests/draft2020-12")
    return found


@pytest.fixture(scope="session")
def cases(suite: Path) -> list[Case]:
    """Every verdict, the optional ones included."""
    return list(_cases(suite))


def _cases(suite: Path) -> Iterator[Case]:
    for file in sorted(suite.rglob("*.json")):
        for group in json.loads(file.read_text(encoding="utf-8")):
            for test in group["tests"]:
                place = f"{file.relative_to(suite).as_posix()}: {group['description']}: {test['description']}"
                yield Case(place, group["schema"], test["data"], test["valid"])


def test_every_verdict_agrees_with_the_suite(cases: list[Case]) -> None:
    judged, wrong = 0, []
    for case in cases:
        try:
            agreed = case.verdict() is case.valid
        except InvalidArgumentError:
            continue
        judged += 1
        if not agreed:
            wrong.append(case.place)
    assert not wrong
    assert judged == 1779 and len(cases) == 1906


def test_a_schema_is_refused_only_for_reaching_beyond_itself(cases: list[Case]) -> None:
    reasons: dict[str, set[str]] = {}
    for case in cases:
        try:
            case.verdict()
        except InvalidArgumentError as error:
            reasons.setdefault(error.details[0].reason, set()).add(json.dumps(case.schema, sort_keys=True))
    counted = Counter({reason: len(schemas) for reason, schemas in reasons.items()})
    dialects = {reason for reason in counted if reason.startswith("$schema must be")}
    assert sum(counted.pop(reason) for reason in dialects) == DIALECTS_REFUSED
    assert counted == REFUSED

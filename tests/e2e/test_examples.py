"""The programs of examples/, each run as a user would: a copy of the directory, an address, a key and a CA."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.e2e.lines import CuttableProxy, busy_edge, make_authority
from tests.fleet import ROOT, Fleet, until
from tests.node import installed

# A fleet with its default rate limit asks the programs for pauses, which they take.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PYTHON = (
    "standardize_customers.py",
    "search_collection.py",
    "reason_with_confidence.py",
    "publish_progress.py",
    "follow_resource.py",
)
TYPESCRIPT = ("standardize_contacts.ts", "follow_resource.ts")
PROGRAMS = (*PYTHON, *TYPESCRIPT, "protocol.sh")
REFUSES_THE_KEY = r"error: https://\S+ refuses the key: \S+"


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the directory, with the TypeScript ones' packages beside them."""
    copy = tmp_path_factory.mktemp("user") / "examples"
    shutil.copytree(ROOT / "examples", copy, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    (copy / "typescript" / "node_modules").symlink_to(installed(ROOT / "examples" / "typescript"))
    return copy


@pytest.fixture
def where(fleet: Fleet) -> dict[str, str]:
    """The environment that tells a program where the fleet is."""
    return {"A2A_URL": f"https://{fleet.address}", "A2A_API_KEY": fleet.key, "A2A_CA": str(fleet.ca)}


@pytest.fixture
def uri() -> str:
    """A live resource of the test's own."""
    return f"stream://shared/example-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def proxy() -> Iterator[CuttableProxy]:
    """A proxy to cut."""
    proxy = CuttableProxy()
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that is not the fleet's, and its key."""
    return make_authority(tmp_path_factory.mktemp("authority"))


def command(examples: Path, program: str) -> list[str]:
    """How the README says to run it."""
    beside = Path(sys.executable).parent
    if program.endswith(".sh"):
        return [str(examples / "curl" / program)]
    if program.endswith(".ts"):
        return [str(beside / "node"), str(examples / "typescript" / program)]
    return [sys.executable, str(examples / "python" / program)]


def environment(where: dict[str, str]) -> dict[str, str]:
    """Nothing of the test's own environment but what every shell has."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | where


def run(
    examples: Path, where: dict[str, str], program: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """A program, to its end."""
    line = [*command(examples, program), *map(str, arguments)]
    cwd = examples.parent
    return subprocess.run(
        line, env=environment(where), cwd=cwd, capture_output=True, text=True, timeout=150, check=False
    )


def succeeds(examples: Path, where: dict[str, str], program: str, *arguments: str | Path) -> str:
    """What a program prints; that it ends well and complains of nothing but pauses is asserted."""
    done = run(examples, where, program, *arguments)
    complaints = re.sub(r"The fleet asks for a pause of \d+ s\.\n|Following .*\n", "", done.stderr)
    assert (done.returncode, complaints) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_customer_file_comes_out_clean(examples: Path, where: dict[str, str], tmp_path: Path) -> None:
    clean, report = tmp_path / "clean.csv", tmp_path / "report.md"
    printed = succeeds(examples, where, "standardize_customers.py", "--clean", clean, "--report", report)
    assert "39 rows read, 31 customers left after 8 duplicates went." in printed
    assert "35 values in 15 rows need a person." in printed
    with clean.open(encoding="utf-8", newline="") as file:
        rows = {row["phone"] or row["email"]: row for row in csv.DictReader(file)}
    assert len(rows) == 31
    assert list(rows["+493023125101"].values()) == [
        *("Anna Müller", "+493023125101", "anna.mueller@example.org", "2021-04-03", "2024-11-17"),
        *("1234.56", "EUR", "2.5", "DE"),
    ]
    assert rows["+493023125102"]["name"] == "Jürgen König"
    american = rows["+12125550123"]
    assert (american["customer_since"], american["last_order"]) == ("2021-04-03", "2023-12-25")
    assert (american["balance"], american["currency"], american["weight"]) == ("1234.50", "USD", "2.26796185")
    assert rows["+16175550188"]["balance"] == "-45.00"
    assert rows["+33199005678"]["country"] == "FR"


def test_customer_report_lists_what_was_not_guessed(examples: Path, where: dict[str, str], tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    succeeds(examples, where, "standardize_customers.py", "--clean", tmp_path / "clean.csv", "--report", report)
    text = report.read_text(encoding="utf-8")
    assert "| 7 | customer_since | 1.6.2019 | date_order: 2019-01-06, 2019-06-01 |" in text
    assert "| 30 | country | Korea | name: several places have it: KP, KR |" in text
    assert "| 6 | customer_since | 30.02.2022 | no_such_date |" in text
    assert "| 35 | weight | 5 ft | dimension mismatch length ≠ mass |" in text
    assert "does not meet last_order >= customer_since" in text
    assert "| John Smith | 9 | 10, 11 |" in text
    assert "| Telephone | phone |" in text
    before, after = re.findall(r"\| overall \| ([\d.]+) \| ([\d.]+) \|", text)[0]
    assert float(before) < 0.75 < 0.9 < float(after)
    validity = re.findall(r"\| validity \| [\d.]+ \((\d+) of \d+\) \| [\d.]+ \((\d+) of (\d+)\) \|", text)[0]
    assert int(validity[1]) == int(validity[2]) - 1, "one value, a weight of -1 kg, is readable and wrong"


def test_readme_shows_what_the_customer_program_writes(examples: Path, where: dict[str, str], tmp_path: Path) -> None:
    clean, report = tmp_path / "clean.csv", tmp_path / "report.md"
    printed = succeeds(examples, where, "standardize_customers.py", "--clean", clean, "--report", report)
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- output of .*? -->(.*)<!-- end of output -->", page, re.DOTALL)
    assert shown
    lines = [line for line in shown[1].splitlines() if line and not line.startswith("```")]
    written = printed + clean.read_text(encoding="utf-8") + report.read_text(encoding="utf-8")
    assert len(lines) > 8 and not set(lines) - set(written.splitlines())


def test_python_requirement_is_the_client_that_is_tested() -> None:
    assert (ROOT / "examples" / "python" / "requirements.txt").read_text() == f"mcp=={version('mcp')}\n"


def test_file_without_the_columns_is_refused(examples: Path, where: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "planets.csv"
    other.write_text("planet,moons\nEarth,1\nMars,2\n")
    done = run(examples, where, "standardize_customers.py", other)
    assert done.returncode == 1 and done.stderr.startswith("error: no column of the file looks like"), done.stderr
    done = run(examples, where, "standardize_customers.py", tmp_path / "absent.csv")
    assert done.returncode == 1 and "cannot be read" in done.stderr and "Traceback" not in done.stderr


def test_collection_is_built_once_and_answers(examples: Path, where: dict[str, str]) -> None:
    name = f"example-{uuid.uuid4().hex[:12]}"
    printed = succeeds(examples, where, "search_collection.py", "--collection", name)
    assert f"Collection {name}: 14 sections added, 0 changed, 14 in all." in printed
    first = {part.split("\n")[0]: part.split("\n")[1:] for part in printed.split("\n? ")[1:]}
    assert first["How long can I keep a saw?"][0].startswith("  1. Extending a loan  (by meaning alone: ")
    assert first["Who sees my address?"][0].startswith("  1. Data protection")
    assert "  → Nobody outside the library sees them." in first["Who sees my address?"]
    spanish = first["¿Puedo usar una motosierra sin experiencia?"]
    assert spanish[0].startswith("  1. Chainsaws and other dangerous machines") and "safety course" in spanish[3]
    again = succeeds(examples, where, "search_collection.py", "--collection", name, "--drop", "I forgot my login")
    assert f"Collection {name}: 0 sections added, 0 changed, 14 in all." in again
    assert "  1. Resetting your password" in again and again.endswith(f"The collection {name} is dropped.\n")


def test_sound_chain_is_proved_and_trusted_more_than_a_flawed_one(examples: Path, where: dict[str, str]) -> None:
    sound = succeeds(examples, where, "reason_with_confidence.py")
    assert re.findall(r"^  (\d)\. (\w+) ", sound, re.MULTILINE) == [
        *(("0", "given"), ("1", "proved"), ("2", "proved"), ("3", "proved"))
    ]
    assert "the chain holds with 0.858; whatever their dependence, with 0.850 at least" in sound
    flawed = succeeds(examples, where, "reason_with_confidence.py", examples / "data" / "incident_flawed.json")
    assert re.findall(r"^  (\d)\. (\w+) ", flawed, re.MULTILINE) == [("0", "given"), ("1", "FAILS"), ("2", "FAILS")]
    assert "not_entailed: does not follow: it fails with" in flawed and "disk_full false" in flawed
    confident, doubtful = (float(re.findall(r"Confidence ([\d.]+)", text)[-1]) for text in (sound, flawed))
    assert confident > 0.8 and doubtful < 0.5
    assert "for weak_inference" in flawed and "lowered" not in sound


class Follower:
    """A running follower, and what it has printed so far."""

    def __init__(self, line: list[str], where: dict[str, str], directory: Path) -> None:
        self._out, self._err = directory / "events", directory / "said"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(line, env=environment(where), cwd=directory, stdout=out, stderr=err)

    def __enter__(self) -> "Follower":
        until(lambda: "Following" in self.said(), 60, "the follower follows", self._err)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """Its words on standard error."""
        return self._err.read_text()

    def lost(self, proxy: CuttableProxy, times: int) -> bool:
        """Cut what is open; whether it has by now said so many times that it lost its connection.

        A cut between two calls is no loss, and a fleet with a rate limit makes its clients pause between them.
        """
        proxy.cut()
        return self.said().count("Lost the connection") >= times

    def steps(self) -> list[int]:
        """The steps of the events that it showed, in its order."""
        return [int(step) for step in re.findall(r"""['"]step['"]: ?(\d+)""", self._out.read_text())]


@pytest.mark.parametrize("program", ["follow_resource.py", "follow_resource.ts"])
def test_follower_shows_every_event_once_though_its_connections_are_cut(
    examples: Path, where: dict[str, str], uri: str, proxy: CuttableProxy, tmp_path: Path, program: str
) -> None:
    through = where | {"HTTPS_PROXY": proxy.url, "NODE_USE_ENV_PROXY": "1"}
    with Follower([*command(examples, program), uri], through, tmp_path) as follower:
        publish = [*command(examples, "publish_progress.py"), uri, "--steps", "20", "--every", "0.4"]
        with subprocess.Popen(publish, env=environment(where), stdout=subprocess.DEVNULL) as publisher:
            for enough in (3, 8):
                until(lambda enough=enough: len(follower.steps()) >= enough, 60, "events arrive", follower.said())
                assert proxy.cut() > 0
            assert publisher.wait(60) == 0
        assert follower.process.wait(60) == 0, follower.said()
        assert follower.steps() == list(range(1, 21))


def test_stopped_follower_goes_on_where_it_was(examples: Path, where: dict[str, str], uri: str, tmp_path: Path) -> None:
    line = [*command(examples, "follow_resource.py"), uri, "--cursor", str(tmp_path / "cursor")]
    publish = [*command(examples, "publish_progress.py"), uri, "--steps", "8", "--every", "0.3"]
    with Follower(line, where, tmp_path) as follower:
        with subprocess.Popen(publish, env=environment(where), stdout=subprocess.DEVNULL) as publisher:
            until(lambda: len(follower.steps()) >= 3, 60, "three events arrive")
            follower.process.terminate()
            follower.process.wait(30)
            assert publisher.wait(60) == 0
        first = follower.steps()
    assert (tmp_path / "cursor").exists()
    rest = succeeds(examples, where, "follow_resource.py", uri, "--cursor", tmp_path / "cursor")
    assert first + [int(step) for step in re.findall(r"'step': (\d+)", rest)] == list(range(1, 9))


def test_curl_speaks_both_eras_and_follows_a_resource(examples: Path, where: dict[str, str]) -> None:
    printed = succeeds(examples, where, "protocol.sh")
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith(("{", "["))]
    assert {"protocolVersion": "2025-11-25", "server": "semantic_similarity"} in lines
    assert {"similarity": pytest.approx(4 / 7), "method": "edit"} in lines
    assert {"supportedVersions": ["2026-07-28"]} in lines
    assert ["2025-04-03", "2025-03-04"] in lines
    refused = next(line for line in lines if isinstance(line, dict) and line.get("isError"))
    assert refused["error"]["code"] == "invalid_argument" and refused["error"]["details"][0]["path"] == "/order"
    assert {"version": 1, "change_type": "created", "content": {"n": 1}} in lines
    followed = re.findall(r"^notifications/resources/updated (stream://shared/curl-\d+)$", printed, re.MULTILINE)
    assert followed == re.findall(r"== Follow (\S+) for", printed)


def test_typescript_is_well_typed(examples: Path) -> None:
    compiler = examples / "typescript" / "node_modules" / ".bin" / "tsc"
    node = Path(sys.executable).with_name("node")
    line = [node, compiler.resolve(), "--noEmit", "--project", examples / "typescript"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_typescript_standardizes_contacts(examples: Path, where: dict[str, str]) -> None:
    printed = succeeds(examples, where, "standardize_contacts.ts", "--json")
    contacts = {contact["line"]: contact for contact in map(json.loads, printed.splitlines())}
    assert len(contacts) == 39
    english = {"line": 19, "phone": "+442079460018", "email": "oliver.hughes@example.net", "country": "GB"}
    assert contacts[19] == {**english, "problems": []}
    assert contacts[10]["phone"] == "+12125550123", "a quoted cell with a comma shifts nothing"
    assert contacts[30]["problems"][0] == 'country "Korea" is ambiguous: KP or KR'
    assert sum(not contact["problems"] for contact in contacts.values()) == 29


def fails(done: subprocess.CompletedProcess[str], status: int, message: str) -> None:
    """One clear line, the right status, and nothing that only a programmer can read."""
    assert done.returncode == status, done.stdout + done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr and "    at " not in done.stderr and len(last) < 400


@pytest.mark.parametrize("program", PROGRAMS)
def test_refused_key_is_told(examples: Path, where: dict[str, str], program: str) -> None:
    fails(run(examples, where | {"A2A_API_KEY": "no-such-key"}, program), 1, REFUSES_THE_KEY)


@pytest.mark.parametrize("program", PROGRAMS)
def test_fleet_that_does_not_answer_is_told(examples: Path, where: dict[str, str], program: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    elsewhere = where | {"A2A_URL": f"https://127.0.0.1:{port}"}
    fails(run(examples, elsewhere, program), 1, rf"error: https://127\.0\.0\.1:{port} does not answer: \S+")


@pytest.mark.parametrize("program", PROGRAMS)
def test_certificate_of_another_authority_is_told(
    examples: Path, where: dict[str, str], authority: tuple[Path, Path], program: str
) -> None:
    done = run(examples, where | {"A2A_CA": str(authority[0])}, program)
    fails(done, 1, r"error: the certificate of https://\S+ is not trusted.*A2A_CA")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", ["A2A_URL", "A2A_API_KEY"])
def test_missing_setting_is_told(examples: Path, where: dict[str, str], program: str, name: str) -> None:
    fails(run(examples, {k: v for k, v in where.items() if k != name}, program), 2, f"error: .*{name}")


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_names_the_settings(examples: Path, program: str) -> None:
    done = run(examples, {}, program, "--help")
    assert done.returncode == 0, done.stderr
    assert "A2A_URL" in done.stdout and "A2A_API_KEY" in done.stdout and "A2A_CA" in done.stdout


@pytest.mark.parametrize("program", ["reason_with_confidence.py", "standardize_contacts.ts", "protocol.sh"])
def test_program_takes_the_pause_that_it_is_asked_for(
    examples: Path, authority: tuple[Path, Path], program: str
) -> None:
    certificate, key = authority
    with busy_edge(certificate, key) as (url, answered):
        where = {"A2A_URL": url, "A2A_API_KEY": "any", "A2A_CA": str(certificate)}
        fails(run(examples, where, program), 1, r"error: https://127\.0\.0\.1:\d+ refuses the key")
    (busy, first), (refused, second), *_ = answered
    assert (busy, refused) == (429, 401) and first == second, "the same message again, and what came of that is told"

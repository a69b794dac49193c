"""Pages for people at the edge: nobody without a password, few guesses, and nothing of the password behind it."""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import Evaluate
from .edge import Edge, check, make_pair, nginx_build, render, running_edge

NAME, PASSWORD, WRONG = "ann", "correct-horse-battery-staple", "guess"
DELAY, AT_A_TIME = 1, 3
POLICY = "default-src 'self'"


@pytest.fixture(scope="module")
def edge(evaluate: Evaluate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    # nginx's workers, who are nobody in particular, have to read the files.
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
        ).stdout
        passwords, page = Path(public, "operators.htpasswd"), Path(public, "fleet")
        passwords.write_text(f"{NAME}:{hashed}")
        page.mkdir()
        (page / "index.html").write_text("<!doctype html><title>Fleet</title>")
        (page / "page.js").write_text("'use strict';")
        variables = {
            "a2a_nginx_operators": {NAME: PASSWORD},
            "a2a_nginx_operator_pages": [
                {"path": "watch", "server": "one", "policy": POLICY},
                {"path": "fleet", "directory": str(page)},
            ],
            "a2a_nginx_sign_in_delay": DELAY,
            "a2a_nginx_sign_in_connections": AT_A_TIME,
            "a2a_nginx_requests_per_second": 0,
            "__a2a_nginx_operators_file": str(passwords),
        }
        with running_edge(evaluate, tmp_path_factory.mktemp("pages"), **variables) as running:
            yield running


@pytest.mark.parametrize("path", ["/watch/", "/watch/api?query=up", "/fleet/", "/fleet/page.js"])
def test_page_asks_for_a_password_before_anything_else(edge: Edge, path: str) -> None:
    before = len(edge.instances["one"].requests)
    answer = edge.call("GET", path)
    assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Basic ")
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert edge.call("GET", path, auth=(NAME, WRONG)).status_code == 401
    assert edge.call("GET", path, auth=("eve", PASSWORD)).status_code == 401
    assert len(edge.instances["one"].requests) == before


def test_who_signed_in_is_passed_on_and_the_password_is_not(edge: Edge) -> None:
    forged = {"X-WEBAUTH-USER": "admin"}
    answer = edge.call("GET", "/watch/graph?g0.expr=up", auth=(NAME, PASSWORD), headers=forged)
    assert answer.json() == {"from": "instance"}
    method, path, headers = edge.instances["one"].requests[-1]
    assert (method, path) == ("GET", "/watch/graph?g0.expr=up")
    assert headers["x-webauth-user"] == NAME
    assert "authorization" not in headers


def test_pages_of_files_are_served_with_their_types(edge: Edge) -> None:
    index = edge.call("GET", "/fleet/", auth=(NAME, PASSWORD))
    assert (index.headers["content-type"], "<title>Fleet</title>" in index.text) == ("text/html", True)
    assert "javascript" in edge.call("GET", "/fleet/page.js", auth=(NAME, PASSWORD)).headers["content-type"]
    assert edge.call("GET", "/fleet/../a2a.key", auth=(NAME, PASSWORD)).status_code == 404
    assert edge.call("GET", "/fleet/nothing", auth=(NAME, PASSWORD)).status_code == 404


def test_path_without_its_slash_leads_to_the_page(edge: Edge) -> None:
    answer = edge.call("GET", "/watch")
    assert (answer.status_code, answer.headers["location"].endswith("/watch/")) == (308, True)


def test_each_page_has_its_policy_and_the_rest_of_the_edge_the_strictest(edge: Edge) -> None:
    def policy(path: str) -> str:
        return str(edge.call("GET", path, auth=(NAME, PASSWORD)).headers["content-security-policy"])

    assert policy("/watch/") == POLICY
    assert "script-src 'self';" in policy("/fleet/")
    assert "unsafe" not in policy("/fleet/")
    assert policy("/healthz") == "default-src 'none'; frame-ancestors 'none'"
    assert edge.call("GET", "/fleet/", auth=(NAME, PASSWORD)).headers["x-frame-options"] == "DENY"


def test_guesses_of_one_address_are_few_and_late(edge: Edge) -> None:
    rounds = 4
    started = time.monotonic()
    with ThreadPoolExecutor(4 * AT_A_TIME) as pool:
        guesses = [pool.submit(edge.call, "GET", "/watch/", auth=(NAME, WRONG)) for _ in range(rounds * 4 * AT_A_TIME)]
        statuses = [guess.result().status_code for guess in guesses]
    spent = time.monotonic() - started
    assert set(statuses) == {401, 429}
    # Each judged guess holds one of the few places for the delay; a second of grace for the first and the last.
    assert statuses.count(401) <= AT_A_TIME * (spent / DELAY + 1)
    assert edge.call("GET", "/watch/", auth=(NAME, PASSWORD)).status_code == 200


def test_log_tells_which_page_was_opened_and_nothing_that_was_sent(edge: Edge) -> None:
    headers = {"X-Request-ID": "page-1"}
    edge.call("GET", "/watch/api/v1/query?query=hidden-1", auth=(NAME, "hidden-2"), headers=headers)
    line = edge.access_line("page-1")
    assert (line["path"], line["status"], line["service"]) == ("/watch/api/v1/query", 401, "")
    assert "hidden" not in "".join(path.read_text() for path in edge.directory.glob("*.log"))


def test_pages_are_closed_where_nobody_may_open_them(evaluate: Evaluate, tmp_path: Path) -> None:
    make_pair(tmp_path)
    pages = [{"path": "watch", "server": "127.0.0.1:1"}]
    text = render(evaluate, tmp_path, nginx_build(), a2a_nginx_operator_pages=pages)
    assert check(tmp_path, text) == ""
    assert "/watch/" not in text


def test_counters_of_nginx_are_for_this_host_alone(evaluate: Evaluate, tmp_path: Path) -> None:
    make_pair(tmp_path)
    listens = re.findall(r"listen (\S+:9080);", render(evaluate, tmp_path, nginx_build()))
    assert listens == ["127.0.0.1:9080"]
    assert "stub_status" not in render(evaluate, tmp_path, nginx_build(), a2a_nginx_status_port=0)

"""Dashboards are what the code makes, are what Grafana's types describe, and explain themselves."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.generate import BOARDS, files
from monitoring.grafana.panels import SOURCE
from tests.monitoring.promql import DASHBOARDS, OPERATIONS, filled, queries, selectors
from tests.node import installed, venv_environment

SCHEMA = Path(__file__).parent / "grafana_schema"
WIDTH = 24

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in load(path)["panels"] if panel["type"] != "row"]


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return {(x, y) for x in across for y in down}


def test_committed_dashboards_are_what_the_code_makes() -> None:
    expected = files()
    assert set(DASHBOARDS) == set(expected)
    stale = [path.name for path, text in expected.items() if path.read_text() != text]
    assert not stale, f"{stale} stale: run `make dashboards`"


@each_dashboard
def test_sdk_reads_a_dashboard_and_writes_the_same(path: Path) -> None:
    assert json.loads(json.dumps(Dashboard.from_json(load(path)), cls=JSONEncoder)) == load(path)


def test_uids_are_unique_and_follow_the_file_names() -> None:
    assert {load(path)["uid"] for path in DASHBOARDS} == {f"a2a-{path.stem}" for path in DASHBOARDS}
    assert len({board.title for board in BOARDS.values()}) == len(BOARDS) == 5


@each_dashboard
def test_panels_have_numbers_of_their_own_and_places_that_do_not_overlap(path: Path) -> None:
    placed = load(path)["panels"]
    numbers = [panel["id"] for panel in placed]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in placed:
        mine = cells(panel)
        assert mine and not mine & taken, panel["title"]
        assert max(x for x, _ in mine) < WIDTH, panel["title"]
        taken |= mine


@each_dashboard
def test_every_panel_has_title_text_unit_and_queries_of_the_provisioned_source(path: Path) -> None:
    source = json.loads(json.dumps(SOURCE, cls=JSONEncoder))
    for panel in panels(path):
        assert panel["title"] and len(panel["description"]) > 10
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        assert all(it["datasource"] == source for it in [panel, *panel["targets"]])
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters))


@each_dashboard
def test_every_query_is_promql_and_names_a_metric(path: Path) -> None:
    for query in queries(path):
        assert selectors(query), query


def test_every_runbook_that_a_panel_names_exists() -> None:
    sections = {title.lower() for title in re.findall(r"^### (\w+)$", OPERATIONS.read_text(), re.M)}
    named = {name for path in DASHBOARDS for panel in panels(path)
             for name in re.findall(r"docs/operations\.md#(\w+)", panel["description"])}  # fmt: skip
    assert len(named) > 20
    assert named <= sections


@each_dashboard
def test_dashboard_leads_to_the_others_and_marks_deployments(path: Path) -> None:
    dashboard = load(path)
    (link,) = dashboard["links"]
    assert (link["type"], link["keepTime"]) == ("dashboards", True)
    assert set(link["tags"]) <= set(dashboard["tags"])
    (mark,) = dashboard["annotations"]["list"]
    assert [it.metric for it in selectors(filled(mark["expr"]))] == ["a2a_mcp_build_info"] * 2


@each_dashboard
def test_every_variable_is_used_and_every_one_used_is_there(path: Path) -> None:
    dashboard = load(path)
    variables = {it["name"] for it in dashboard.get("templating", {}).get("list", [])}
    asked = [target["expr"] for panel in panels(path) for target in panel["targets"]]
    used = {name for expr in asked for name in re.findall(r"\$\{?(\w+)", expr) if not name.startswith("__")}
    assert used == variables


def typescript(path: Path, dashboard: dict[str, Any]) -> str:
    """A program that the compiler accepts if the dashboard is one by Grafana's types."""
    body = [f"export const {path.stem}: Board = {json.dumps(dashboard)};"]
    for number, panel in enumerate(it for it in dashboard["panels"] if it["type"] != "row"):
        kind = json.dumps(panel["type"])
        body.append(f"export const o{number}: Options[{kind}] = {json.dumps(panel.get('options', {}))};")
        if custom := panel["fieldConfig"]["defaults"].get("custom"):
            body.append(f"export const c{number}: Custom[{kind}] = {json.dumps(custom)};")
    return "import type { Board, Custom, Options } from './proof';\n" + "\n".join(body)


def complaints(directory: Path, programs: dict[str, str]) -> str:
    """What Grafana's types have to say against the programs."""
    modules = installed(SCHEMA)
    directory.mkdir()
    (directory.parent / "node_modules").symlink_to(modules)
    shutil.copy(SCHEMA / "proof.ts", directory)
    for name, text in programs.items():
        (directory / f"{name}.ts").write_text(text)
    command = [modules / ".bin" / "tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "esnext"]
    command += ["--moduleResolution", "bundler", "--target", "es2022", *sorted(directory.glob("*.ts"))]
    done = subprocess.run(command, env=venv_environment(), capture_output=True, text=True, timeout=110, check=False)
    return done.stdout if done.returncode else ""


def test_dashboards_are_ones_by_the_types_that_grafana_publishes(tmp_path: Path) -> None:
    programs = {path.stem: typescript(path, load(path)) for path in DASHBOARDS}
    assert complaints(tmp_path / "proof", programs) == ""


def test_types_refuse_a_key_and_a_word_that_grafana_does_not_know(tmp_path: Path) -> None:
    wrong = load(DASHBOARDS[0])
    panel = next(it for it in wrong["panels"] if it["type"] == "timeseries")
    wrong["refreshes"] = "30s"
    panel["options"]["legend"]["displayMode"] = "sideways"
    said = complaints(tmp_path / "proof", {"wrong": typescript(DASHBOARDS[0].with_stem("wrong"), wrong)})
    assert "refreshes" in said
    assert "sideways" in said

"""The panels that dashboards are made of: each has a unit, says what it shows, and names its runbooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common, dashboard, units
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="a2a-prometheus")
"""Provisioned under this uid (provisioning/datasource.yml)."""

PER_SECOND, SECONDS, SHARE, BYTES, COUNT = (
    units.RequestsPerSecond,
    units.Seconds,
    units.PercentUnit,
    units.BytesIEC,
    units.Short,
)
WHOLE, THIRD, HALF, QUARTER, SIXTH = 24, 8, 12, 6, 4

Limits = Sequence[tuple[float, str]]
Builder = timeseries.Panel | stat.Panel | table.Panel | statetimeline.Panel | heatmap.Panel
P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel, statetimeline.Panel, heatmap.Panel)


@dataclass(frozen=True)
class Query:
    """An expression and what its series are called; `exemplar` asks for the calls behind the figures too."""

    expr: str
    legend: str = ""
    exemplar: bool = False
    format: prometheus_models.PromQueryFormat = prometheus_models.PromQueryFormat.TIME_SERIES


def lines(title: str, about: str, unit: str, *queries: Query, limits: Limits = (), runbooks: Sequence[str] = (),
          span: int = HALF, stacked: bool = False) -> timeseries.Panel:  # fmt: skip
    """A chart over time, from zero up; limits are drawn as lines."""
    panel = _described(timeseries.Panel(), title, about, unit, runbooks).span(span).height(8)
    panel.axis_soft_min(0).line_width(1).fill_opacity(25 if stacked else 6).show_points(common.VisibilityMode.NEVER)
    panel.legend(common_builders.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.TABLE)
                 .placement(common.LegendPlacement.BOTTOM).calcs(["lastNotNull", "max"]))  # fmt: skip
    panel.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
                  .sort(common.SortOrder.DESCENDING))  # fmt: skip
    if stacked:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if limits:
        panel.thresholds(_thresholds(limits)).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    return _asking(panel, queries)


def figure(title: str, about: str, unit: str, expr: str, limits: Limits = (), runbooks: Sequence[str] = (),
           span: int = SIXTH) -> stat.Panel:  # fmt: skip
    """One number of now, coloured by its limits, with its course behind it."""
    panel = _described(stat.Panel(), title, about, unit, runbooks).span(span).height(4)
    panel.graph_mode(common.BigValueGraphMode.AREA).color_mode(common.BigValueColorMode.VALUE)
    panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
    if limits:
        panel.thresholds(_thresholds(limits))
    return _asking(panel, [Query(expr)])


def states(title: str, about: str, expr: str, legend: str, names: Sequence[tuple[str, str, str]],
           runbooks: Sequence[str] = (), span: int = WHOLE, height: int = 12) -> statetimeline.Panel:  # fmt: skip
    """A bar a series that changes its colour; names are (value, word, colour)."""
    panel = _described(statetimeline.Panel(), title, about, COUNT, runbooks).span(span).height(height)
    results = {value: dashboard.ValueMappingResult(text=word, color=colour, index=index)
               for index, (value, word, colour) in enumerate(names)}  # fmt: skip
    panel.mappings([dashboard.ValueMap(options=results)]).merge_values(True).row_height(0.85)
    panel.show_value(common.VisibilityMode.NEVER).fill_opacity(80).line_width(0)
    panel.legend(common_builders.VizLegendOptions().show_legend(False).display_mode(common.LegendDisplayMode.LIST)
                 .placement(common.LegendPlacement.BOTTOM).calcs([]))  # fmt: skip
    return _asking(panel, [Query(expr, legend)])


def rows(title: str, about: str, expr: str, hidden: Sequence[str], unit: str = COUNT, runbooks: Sequence[str] = (),
         span: int = HALF) -> table.Panel:  # fmt: skip
    """The series of now as a table, without the columns that are hidden."""
    panel = _described(table.Panel(), title, about, unit, runbooks).span(span).height(8).no_value("none")
    options = {"excludeByName": dict.fromkeys(["Time", "__name__", *hidden], True)}
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=options))
    return _asking(panel, [Query(expr, format=prometheus_models.PromQueryFormat.TABLE)], instant=True)


def spread(title: str, about: str, expr: str, runbooks: Sequence[str] = (), span: int = HALF) -> heatmap.Panel:
    """How many observations fell into which bucket; exemplars are dots in it."""
    panel = _described(heatmap.Panel(), title, about, SECONDS, runbooks).span(span).height(8).calculate(False)
    panel.y_axis(heatmap.YAxisConfig().unit(SECONDS))
    panel.color(heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
    shape = prometheus_models.PromQueryFormat.HEATMAP
    return _asking(panel, [Query(expr, "{{le}}", exemplar=True, format=shape)])


def _described(panel: P, title: str, about: str, unit: str, runbooks: Sequence[str]) -> P:
    named = "".join(f"\n\nRunbook: `docs/operations.md#{name.lower()}`" for name in runbooks)
    panel.title(title).description(about + named).unit(unit).datasource(SOURCE)
    return panel


def _asking(panel: P, queries: Sequence[Query], instant: bool = False) -> P:
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(SOURCE).format(query.format)
        target.legend_format(query.legend or "__auto").exemplar(query.exemplar)
        target.editor_mode(prometheus_models.QueryEditorMode.CODE)
        panel.with_target(target.instant() if instant else target.range())
    return panel


def _thresholds(limits: Limits) -> dashboard_builders.ThresholdsConfig:
    steps = [dashboard.Threshold(value=None, color="green")]
    steps += [dashboard.Threshold(value=value, color=colour) for value, colour in limits]
    return dashboard_builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)

"""A dashboard: its panels row by row, what it can be narrowed to, and the marks and links that all have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from monitoring.grafana.panels import SOURCE, Builder

TAG = "a2a-mcp"
RELEASES = "group by (release) (a2a_mcp_build_info) unless on (release) (a2a_mcp_build_info offset $__interval)"
"""Has a sample where a release appears that did not run before; Grafana draws each as a mark."""


@dataclass(frozen=True)
class Variable:
    """What the reader chooses among: the values that `label` has in the series of `selector`."""

    name: str
    selector: str
    label: str
    several: bool = True


@dataclass(frozen=True)
class Board:
    """One dashboard; `uid` is in its URL and never changes."""

    uid: str
    title: str
    about: str
    rows: Mapping[str, Sequence[Builder]]
    variables: Sequence[Variable] = field(default=())

    def build(self) -> models.Dashboard:
        """What is written as JSON. Numbers of panels follow their order."""
        dashboard = builders.Dashboard(self.title).uid(self.uid).description(self.about).tags([TAG]).readonly()
        dashboard.time("now-1h", "now").refresh("30s").timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR)
        dashboard.link(_others()).annotation(_deployments())
        for variable in self.variables:
            dashboard.with_variable(_chooser(variable))
        numbers: Iterator[int] = iter(range(1, 1000))
        for title, panels in self.rows.items():
            dashboard.with_row(builders.Row(title).id(next(numbers)))
            for panel in panels:
                dashboard.with_panel(panel.id(next(numbers)))
        return dashboard.build()


def _others() -> builders.DashboardLink:
    link = builders.DashboardLink("Fleet").type(models.DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(False)
    return link.keep_time(True).include_vars(True).icon("dashboard").tooltip("The other dashboards, at the same time")


def _deployments() -> builders.AnnotationQuery:
    marks = builders.AnnotationQuery().name("Deployments").datasource(SOURCE).enable(True).hide(False)
    return marks.icon_color("purple").expr(RELEASES)


def _chooser(variable: Variable) -> builders.QueryVariable:
    chooser = builders.QueryVariable(variable.name).label(variable.name.capitalize()).datasource(SOURCE)
    chooser.query(f"label_values({variable.selector}, {variable.label})").sort(models.VariableSort.ALPHABETICAL_ASC)
    chooser.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).multi(variable.several)
    if variable.several:
        everything = models.VariableOption(text="All", value="$__all", selected=True)
        chooser.include_all(True).all_value(".*").current(everything)
    return chooser

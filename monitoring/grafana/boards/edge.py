"""The edge: nginx, TLS, who is refused, and its log."""

from grafana_foundation_sdk.models import units

from monitoring.grafana.board import Board
from monitoring.grafana.boards.fleet import UP
from monitoring.grafana.panels import COUNT, HALF, PER_SECOND, SECONDS, Query, figure, lines, rows, states

NOW = [
    figure("Edges down", "Edges that answer no request over TLS.", COUNT,
           'count(probe_success{probe="edge"} == 0) or vector(0)', [(1, "red")], ["EdgeDown"]),
    figure("Services unreachable", "Services that an edge answers for with an error, or not at all.", COUNT,
           'count(probe_success{probe="service"} == 0) or vector(0)', [(1, "red")], ["ServiceUnreachable"]),
    figure("Certificate", "Days until the first certificate expires.", units.Days,
           'min(probe_ssl_earliest_cert_expiry{probe="edge"} - time()) / 86400',
           runbooks=["CertificateExpiresSoon", "CertificateAboutToExpire"]),
    figure("Requests", "Requests that nginx answered a second, its own pages included.", PER_SECOND,
           "sum(rate(nginx_http_requests_total[$__rate_interval]))"),
    figure("Connections", "Connections that are open.", COUNT, "sum(nginx_connections_active)"),
    figure("Dropped", "Connections dropped a second for want of room.", PER_SECOND,
           "sum(rate(nginx_connections_accepted[5m]) - rate(nginx_connections_handled[5m]))", [(0.001, "red")],
           ["EdgeDropsConnections"]),
]  # fmt: skip

NGINX = [
    lines("Requests", "Requests a second by edge.", PER_SECOND,
          Query("rate(nginx_http_requests_total[$__rate_interval])", "{{instance}}")),
    lines("New connections", "Accepted a second; each costs a TLS handshake.", PER_SECOND,
          Query("rate(nginx_connections_accepted[$__rate_interval])", "{{instance}}")),
    lines("Open connections", "What open connections are doing.", COUNT,
          Query("sum(nginx_connections_reading)", "reading a request"),
          Query("sum(nginx_connections_writing)", "answering"),
          Query("sum(nginx_connections_waiting)", "idle, kept alive"), stacked=True),
    states("Reachable through the edge", "Red while the edge did not answer for a service.",
           'min by (service, instance) (probe_success{probe="service"})', "{{service}} at {{instance}}", UP,
           ["ServiceUnreachable"], span=HALF, height=8),
]  # fmt: skip

TLS = [
    lines("Phases of a request", "Where a probe of the edge spends its time: tls is the handshake.", SECONDS,
          Query('max by (phase) (probe_http_duration_seconds{probe="edge"})', "{{phase}}"), stacked=True),
    rows("Protocol", "The version of TLS that the edge agreed on with a probe.",
         'probe_tls_version_info{probe="edge"}', ["Value", "job", "probe", "fleet"]),
    lines("Days until expiry", "Of the first certificate in the chain.", units.Days,
          Query('min by (instance) (probe_ssl_earliest_cert_expiry{probe="edge"} - time()) / 86400', "{{instance}}"),
          runbooks=["CertificateExpiresSoon"]),
    lines("Duration of probes", "A whole request through the edge.", SECONDS,
          Query('max by (service, instance) (probe_duration_seconds{probe="service"})', "{{service}} {{instance}}"),
          runbooks=["EdgeDown"]),
]  # fmt: skip

REFUSALS = [
    lines("Refused", "Requests refused by the instances: 401 and 403 for the credential, 413 for the size, 429 for the "
          "budget. What nginx refuses itself is in its log: `journalctl -t nginx_a2a`.", PER_SECOND,
          Query('sum by (status) (rate(a2a_mcp_http_requests_total{method="POST", status=~"401|403|413|429"}'
                "[$__rate_interval]))", "{{status}}")),
    lines("Refused by service", "The same by service.", PER_SECOND,
          Query('sum by (service) (rate(a2a_mcp_http_requests_total{method="POST", status=~"401|403|413|429"}'
                "[$__rate_interval]))", "{{service}}")),
    lines("Limits", "Requests over a client's budget, and those limited without Redis.", PER_SECOND,
          Query("sum by (service) (rate(a2a_mcp_rate_limited_total[$__rate_interval]))", "{{service}} 429"),
          Query("sum by (service) (rate(a2a_mcp_rate_limit_fallbacks_total[$__rate_interval])) > 0",
                "{{service}} without Redis"), runbooks=["RateLimiterAlone"]),
    lines("Access log", "Lines a second: taken from nginx, sent on to the journal, malformed, dropped.", PER_SECOND,
          Query("sum(rate(a2a_edge_log_lines_received_total[$__rate_interval]))", "received"),
          Query("sum(rate(a2a_edge_log_lines_forwarded_total[$__rate_interval]))", "forwarded"),
          Query("sum(rate(a2a_edge_log_lines_malformed_total[$__rate_interval]))", "malformed"),
          Query("sum(rate(a2a_edge_log_lines_dropped_total[$__rate_interval]))", "dropped"),
          runbooks=["EdgeLogLinesDropped"]),
]  # fmt: skip

BOARD = Board(
    "a2a-edge",
    "Edge",
    "nginx, TLS, refusals and limits.",
    {"Is it well?": NOW, "nginx": NGINX, "TLS": TLS, "Refusals and limits": REFUSALS},
)

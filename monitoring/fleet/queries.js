/** What the page asks Prometheus. Figures of one question are of one moment: each is a branch of one expression. */

const INSTANCES = 'job="a2a-mcp"';
const FAILED = 'outcome=~"internal|unavailable|deadline_exceeded"';

/** Of every instance; the labels service, host and instance tell which. */
const instances = {
  up: `up{${INSTANCES}}`,
  sampled: `timestamp(up{${INSTANCES}})`,
  answered: `max_over_time(timestamp(up{${INSTANCES}} == 1)[1h:15s]) and on (instance) up{${INSTANCES}} == 0`,
  started: `process_start_time_seconds{${INSTANCES}}`,
  restarts: `changes(process_start_time_seconds{${INSTANCES}}[1h])`,
  release: 'a2a_mcp_build_info',
  breaker: 'a2a_mcp_circuit_breaker_state',
  instance_calls: 'sum by (service, instance) (rate(a2a_mcp_call_duration_seconds_count[5m]))',
  instance_errors: 'instance:a2a_mcp_failures:ratio_rate5m',
  instance_p95: 'instance:a2a_mcp_call_duration_seconds:p95_rate5m',
  memory: 'a2a_mcp_memory_working_set_bytes / a2a_mcp_memory_limit_bytes',
};

/** Of every service, and what it promises. */
const services = {
  calls: 'service:a2a_mcp_calls:rate5m',
  errors: 'service:a2a_mcp_failures:ratio_rate5m',
  p95: 'service:a2a_mcp_call_duration_seconds:p95_rate5m',
  error_limit: '1 - service:availability:objective',
  slow_limit: 'service:latency:objective',
};

/** Of the fleet as a whole, and of what its services stand on. */
const surroundings = {
  fleet_calls: 'sum(service:a2a_mcp_calls:rate5m)',
  fleet_errors: 'sum(service:a2a_mcp_failures:rate5m) / (sum(service:a2a_mcp_requests:rate5m) > 0)',
  fleet_p95: 'fleet:a2a_mcp_call_duration_seconds:p95_rate5m',
  edge: 'probe_success{probe="edge"}',
  certificate: 'min by (instance) (probe_ssl_earliest_cert_expiry{probe="edge"}) - time()',
  redis: 'redis_up',
  redis_memory: 'redis_memory_used_bytes / (redis_memory_max_bytes > 0)',
  processor: '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[2m]))',
  host_memory: '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes',
  disk: 'max by (instance) (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)',
  unscraped: 'count by (job) (up{job!="a2a-mcp"} == 0)',
};

/** The figures of one refresh. */
export const snapshot = { ...instances, ...services, ...surroundings };

/** When the first process of each release began, in steps of 10 minutes: too much to ask at each refresh. */
export const deployments = {
  deployed: `min by (service, release) (min_over_time((process_start_time_seconds{${INSTANCES}}
    * on (instance) group_left (release) a2a_mcp_build_info)[7d:10m]))`,
};

/** Lines of the last hour for the whole fleet. */
export const fleetLines = {
  calls: surroundings.fleet_calls,
  errors: surroundings.fleet_errors,
  p50: 'fleet:a2a_mcp_call_duration_seconds:p50_rate5m',
  p95: surroundings.fleet_p95,
  p99: 'fleet:a2a_mcp_call_duration_seconds:p99_rate5m',
  up: `sum(up{${INSTANCES}})`,
  known: `count(up{${INSTANCES}})`,
  service_calls: services.calls,
};

/** Lines of the last hour for one service. */
export function serviceLines(service) {
  const one = `{service=${JSON.stringify(service)}}`;
  return {
    calls: `service:a2a_mcp_calls:rate5m${one}`,
    errors: `service:a2a_mcp_failures:ratio_rate5m${one}`,
    p50: `service:a2a_mcp_call_duration_seconds:p50_rate5m${one}`,
    p95: `service:a2a_mcp_call_duration_seconds:p95_rate5m${one}`,
    p99: `service:a2a_mcp_call_duration_seconds:p99_rate5m${one}`,
    up: `sum(up{${INSTANCES}, service=${JSON.stringify(service)}})`,
    known: `count(up{${INSTANCES}, service=${JSON.stringify(service)}})`,
  };
}

/** Of every tool of one service: the label tool tells which. */
export function toolsOf(service) {
  const one = `service=${JSON.stringify(service)}`;
  return {
    calls: `sum by (tool) (rate(a2a_mcp_call_duration_seconds_count{${one}}[5m]))`,
    hour: `sum by (tool) (increase(a2a_mcp_calls_total{${one}}[1h]))`,
    failed: `sum by (tool) (increase(a2a_mcp_calls_total{${one}, ${FAILED}}[1h]))`,
    refused: `sum by (tool) (increase(a2a_mcp_calls_total{${one}, outcome!~"ok|internal|unavailable|deadline_exceeded"}[1h]))`,
    p50: `histogram_quantile(0.50, sum by (tool, le) (rate(a2a_mcp_call_duration_seconds_bucket{${one}}[5m])))`,
    p95: `histogram_quantile(0.95, sum by (tool, le) (rate(a2a_mcp_call_duration_seconds_bucket{${one}}[5m])))`,
    flying: `sum by (tool) (a2a_mcp_calls_in_flight{${one}})`,
  };
}

/** One expression that answers all figures at once; the label `figure` tells them apart. */
export function union(figures) {
  const branches = Object.entries(figures).map(([name, expr]) => `label_replace(${expr}, "figure", "${name}", "", "")`);
  return branches.join(' or ');
}

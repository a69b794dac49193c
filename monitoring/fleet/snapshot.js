/** The fleet at one moment, made of Prometheus's samples: who is there is what it scrapes. */

const LATE_SECONDS = 30;
/** A sample older than this says nothing about now: Prometheus stands still, or no longer scrapes. */

const portOf = (instance) => Number(instance.slice(instance.lastIndexOf(':') + 1));
const byPort = (one, other) => one.port - other.port || one.host.localeCompare(other.host);
const byName = (one, other) => one.name.localeCompare(other.name, 'en', { numeric: true });

/** Samples found by figure and by one of their labels. */
class Samples {
  constructor(samples) {
    this.byFigure = Map.groupBy ? Map.groupBy(samples, (sample) => sample.figure) : grouped(samples);
  }

  all(figure) {
    return this.byFigure.get(figure) ?? [];
  }

  one(figure, label, value) {
    return this.all(figure).find((sample) => sample[label] === value)?.value;
  }
}

function grouped(samples) {
  const groups = new Map();
  for (const sample of samples) groups.set(sample.figure, [...(groups.get(sample.figure) ?? []), sample]);
  return groups;
}

/** What `ask(snapshot)` answered as services in order of their ports, hosts, edges, Redis and the whole. */
export function readSnapshot({ samples, time }) {
  const found = new Samples(samples);
  const instances = found.all('up').map((sample) => readInstance(sample, found, time)).sort(byPort);
  const names = [...new Set(instances.map((instance) => instance.service))];
  const services = names.map((name) => readService(name, instances, found));
  return {
    time,
    services,
    instances,
    hosts: [...new Set(instances.map((instance) => instance.host))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })),
    whole: { calls: one(found, 'fleet_calls'), errors: one(found, 'fleet_errors'), p95: one(found, 'fleet_p95') },
    surroundings: readSurroundings(found),
  };
}

const one = (found, figure) => found.all(figure)[0]?.value;

function readInstance(sample, found, time) {
  const { instance, service, host, value } = sample;
  const late = time - found.one('sampled', 'instance', instance) > LATE_SECONDS;
  const of = (figure) => found.one(figure, 'instance', instance);
  return {
    name: instance, service, host, port: portOf(instance),
    state: late ? 'unknown' : value === 1 ? 'up' : 'down',
    since: value === 1 ? of('started') : of('answered'),
    calls: of('instance_calls'), errors: of('instance_errors'), p95: of('instance_p95'),
    restarts: of('restarts'), memory: of('memory'),
    release: found.all('release').find((build) => build.instance === instance)?.release,
    breakers: readBreakers(found, instance),
  };
}

function readBreakers(found, instance) {
  const states = ['closed', 'half-open', 'open'];
  const mine = found.all('breaker').filter((sample) => sample.instance === instance);
  return mine.map((sample) => ({ name: sample.breaker, state: states[sample.value] ?? 'unknown' })).sort(byName);
}

function readService(name, instances, found) {
  const mine = instances.filter((instance) => instance.service === name);
  const limit = found.all('slow_limit').find((sample) => sample.service === name)?.le;
  return {
    name, instances: mine, port: mine[0].port,
    up: mine.filter((instance) => instance.state === 'up').length,
    calls: found.one('calls', 'service', name), errors: found.one('errors', 'service', name),
    p95: found.one('p95', 'service', name), errorLimit: found.one('error_limit', 'service', name),
    slowLimit: limit === undefined ? undefined : Number(limit),
    restarts: mine.reduce((sum, instance) => sum + (instance.restarts ?? 0), 0),
    releases: [...new Set(mine.map((instance) => instance.release).filter(Boolean))].sort(),
  };
}

function readSurroundings(found) {
  const hosts = found.all('processor').map(({ instance, value }) => ({
    name: instance, processor: value, memory: found.one('host_memory', 'instance', instance),
    disk: found.one('disk', 'instance', instance),
  }));
  return {
    hosts: hosts.sort(byName),
    edges: found.all('edge').map(({ instance, value }) => (
      { name: instance, up: value === 1, certificate: found.one('certificate', 'instance', instance) })).sort(byName),
    redis: found.all('redis').map(({ instance, value }) => (
      { name: instance, up: value === 1, memory: found.one('redis_memory', 'instance', instance) })).sort(byName),
    unscraped: found.all('unscraped').map(({ job, value }) => ({ name: job, number: value })).sort(byName),
  };
}

/** When the newest release of a service began, seconds: the first process that ran it told. */
export function deployedAt(service, deployments) {
  const began = service.releases.map((release) => Math.min(
    ...deployments.filter((it) => it.service === service.name && it.release === release).map((it) => it.value),
    ...service.instances.filter((it) => it.release === release && it.state === 'up').map((it) => it.since ?? Infinity)));
  const known = began.filter(Number.isFinite);
  return known.length ? Math.max(...known) : undefined;
}

/** The grid: a row a service, a column an instance, as many hosts as there are. Roles are named: CSS may make cards of rows. */

import { h } from './element.js';
import { clock, count, duration, figure, latency, NOTHING, plural, rate, share } from './figures.js';
import { icon } from './icon.js';
import { deployedAt } from './snapshot.js';
import { sparkline } from './sparkline.js';

const STATES = { up: 'up', down: 'down', unknown: 'unknown' };

export const row = (...cells) => h('tr', { role: 'row' }, ...cells);
export const head = (name, attributes = {}) => h('th', { role: 'columnheader', scope: 'col', ...attributes }, name);
export const cell = (label, attributes, ...children) => h('td', { role: 'cell', 'data-label': label, ...attributes }, ...children);

/** The whole grid; `deployments` are samples of when releases began, `lines` the calls of each service in the last hour. */
export function gridView(fleet, deployments, lines) {
  const slots = slotsOf(fleet);
  return [
    h('table', { class: 'grid', role: 'table', 'aria-labelledby': 'grid-title' },
      h('thead', { role: 'rowgroup' }, ...headings(slots)),
      h('tbody', { role: 'rowgroup' }, fleet.services.map((service) => serviceRow(service, slots, fleet, deployments, lines)))),
  ];
}

/** The columns: of each host as many as the service with most instances there needs. */
function slotsOf(fleet) {
  return fleet.hosts.map((host) => {
    const numbers = fleet.services.map((service) => service.instances.filter((it) => it.host === host).length);
    return { host, width: Math.max(...numbers) };
  });
}

function headings(slots) {
  const figures = ['Calls', 'Errors', 'p95', 'Restarts', 'Breakers', 'Last deploy'];
  return [
    row(head('Service', { rowspan: 2 }),
      ...slots.map(({ host, width }) => head(host, { colspan: width, scope: 'colgroup', class: 'host' })),
      ...figures.map((name) => head(name, { rowspan: 2, class: name === 'Last deploy' ? 'deploy' : 'number' }))),
    row(...slots.flatMap(({ width }) => Array.from({ length: width }, (_, index) => head(`#${index + 1}`, { class: 'slot' })))),
  ];
}

function serviceRow(service, slots, fleet, deployments, lines) {
  const deployed = deployedAt(service, deployments);
  const places = slots.flatMap(({ host, width }) => {
    const mine = service.instances.filter((instance) => instance.host === host);
    return Array.from({ length: width }, (_, index) => instanceCell(mine[index], fleet.time, host, index));
  });
  return h('tr', { role: 'row', id: `row-${service.port}`, 'data-service': service.name, 'data-state': stateOf(service) },
    h('th', { role: 'rowheader', scope: 'row', class: 'service' },
      h('a', { href: `#service/${encodeURIComponent(service.name)}` }, service.name.replaceAll('_', '_\u200b')),
      h('span', { class: 'quiet small' }, `${service.up} of ${service.instances.length} up`)),
    ...places,
    cell('Calls', { class: 'number calls' }, figure('calls', service.calls, rate(service.calls)),
      lines.has(service.name) ? sparkline(lines.get(service.name)) : null),
    cell('Errors', { class: 'number' }, errorsOf(service)),
    cell('p95', { class: 'number' }, latencyOf(service)),
    cell('Restarts, 1 h', { class: 'number' }, figure('restarts', service.restarts, count(service.restarts))),
    cell('Breakers', { class: 'number' }, breakersOf(service.instances)),
    cell('Last deploy', { class: 'deploy' }, deployOf(service, deployed, fleet.time)));
}

function stateOf(service) {
  if (service.up === 0) return 'down';
  return service.up < service.instances.length ? 'warn' : 'up';
}

/** The share of errors, flagged where it is more than the service promises. */
export function errorsOf(service) {
  const much = service.errors > service.errorLimit;
  return figure('errors', service.errors, share(service.errors), much ? `more than the promised ${share(service.errorLimit)}` : null);
}

/** The 95th percentile, flagged where it is slower than the service promises. */
export function latencyOf(service) {
  const much = service.p95 > service.slowLimit;
  return figure('p95', service.p95, latency(service.p95), much ? `slower than the promised ${latency(service.slowLimit)}` : null);
}

function instanceCell(instance, time, host, index) {
  const label = `${host} #${index + 1}`;
  if (!instance) return cell(label, { class: 'instance empty' }, h('span', { class: 'unseen' }, 'no instance'));
  return cell(label, { class: 'instance', 'data-instance': instance.name, 'data-state': instance.state },
    h('div', { class: 'plate' }, stateView(instance),
      h('span', { class: 'quiet small' }, instance.state === 'up' ? livingWords(instance, time) : silentWords(instance, time))));
}

/** Sign, word and port. */
export function stateView(instance) {
  return h('span', { class: 'state' }, icon(instance.state), h('span', { class: 'word' }, STATES[instance.state]),
    h('span', { class: 'port' }, `:${instance.port}`));
}

function livingWords(instance, time) {
  const troubles = openBreakers([instance]).map(({ name, state }) => `${name} ${state}`);
  if (troubles.length) return h('span', { class: 'flagged' }, troubles.join(', '));
  const restarts = Math.round(instance.restarts ?? 0);
  if (restarts) return `${plural(restarts, 'restart')}, ${duration(time - instance.since)}`;
  return instance.since === undefined ? 'answers' : `for ${duration(time - instance.since)}`;
}

function silentWords(instance, time) {
  if (instance.state === 'unknown') return 'not looked at lately';
  return instance.since === undefined ? 'for over an hour' : `since ${clock(instance.since, time)}`;
}

/** Breakers that are not closed, and of how many instances. */
export function openBreakers(instances) {
  const found = instances.flatMap((instance) => instance.breakers.filter((breaker) => breaker.state !== 'closed'));
  const keys = [...new Set(found.map(({ name, state }) => `${state} ${name}`))].sort();
  return keys.map((key) => {
    const [state, name] = [key.slice(0, key.indexOf(' ')), key.slice(key.indexOf(' ') + 1)];
    return { name, state, number: found.filter((it) => it.name === name && it.state === state).length };
  });
}

/** One word when all is well, else each breaker that is not. */
export function breakersOf(instances) {
  const open = openBreakers(instances);
  if (open.length) return h('span', { class: 'flagged' }, open.map(({ name, state, number }) => `${name} ${state} (${number})`).join(', '));
  return instances.some((instance) => instance.breakers.length) ? 'closed' : NOTHING;
}

/** How long ago the release began, and which it is; more than one is worth a sign. */
export function deployOf(service, deployed, time) {
  if (!service.releases.length) return NOTHING;
  const several = service.releases.length > 1;
  const names = service.releases.map((release) => h('span', { class: 'mono small release' }, release));
  return [
    deployed === undefined ? null : h('time', { datetime: new Date(deployed * 1000).toISOString(), title: clock(deployed, time) },
      `${duration(time - deployed)} ago`),
    several ? h('span', { class: 'flagged' }, `${service.releases.length} releases`) : null, names,
  ];
}


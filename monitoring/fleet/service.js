/** One service: each of its instances and each of its tools. */

import { h } from './element.js';
import { clock, count, duration, figure, latency, NOTHING, rate, share } from './figures.js';
import { breakersOf, cell, deployOf, errorsOf, head, latencyOf, row, stateView } from './grid.js';
import { deployedAt } from './snapshot.js';

const WORDS = new Set(['Instance', 'State', 'Release', 'Tool']);
/** Columns of words; the others hold figures. */

/** What is known of the service; `tools` are the samples of `toolsOf`, null until they have come. */
export function serviceView(service, tools, deployments, time) {
  return [
    h('dl', { class: 'tiles wide' },
      tile('Calls', figure('calls', service.calls, rate(service.calls))),
      tile('Errors', errorsOf(service)),
      tile('p95', latencyOf(service)),
      tile('Restarts, 1 h', figure('restarts', service.restarts, count(service.restarts))),
      tile('Breakers', breakersOf(service.instances)),
      tile('Last deploy', deployOf(service, deployedAt(service, deployments), time))),
    h('h3', { id: 'instances-title' }, 'Instances'),
    scrolling('instances-title', instancesTable(service, time)),
    h('h3', { id: 'tools-title' }, 'Tools'),
    toolsView(tools),
  ];
}

function toolsView(tools) {
  if (tools === null) return h('p', { class: 'quiet' }, 'Asking Prometheus …');
  return tools.length ? scrolling('tools-title', toolsTable(tools)) : h('p', { class: 'quiet' }, 'Prometheus knows of no tool of this service.');
}

function tile(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

function scrolling(title, table) {
  return h('div', { class: 'scrolling', tabindex: 0, role: 'region', 'aria-labelledby': title }, table);
}

function instancesTable(service, time) {
  const names = ['Instance', 'State', 'Calls', 'Errors', 'p95', 'Memory', 'Restarts, 1 h', 'Breakers', 'Release'];
  return table('instances-title', names, service.instances.map((instance) => h('tr', { role: 'row', 'data-instance': instance.name, 'data-state': instance.state },
    h('th', { role: 'rowheader', scope: 'row', class: 'mono' }, instance.name),
    cell('State', {}, stateView(instance), ' ', h('span', { class: 'quiet small' }, lasting(instance, time))),
    cell('Calls', { class: 'number' }, figure('instance_calls', instance.calls, rate(instance.calls))),
    cell('Errors', { class: 'number' }, figure('instance_errors', instance.errors, share(instance.errors))),
    cell('p95', { class: 'number' }, figure('instance_p95', instance.p95, latency(instance.p95))),
    cell('Memory', { class: 'number' }, figure('memory', instance.memory, share(instance.memory))),
    cell('Restarts, 1 h', { class: 'number' }, figure('restarts', instance.restarts, count(instance.restarts))),
    cell('Breakers', { class: 'number' }, breakersOf([instance])),
    cell('Release', { class: 'mono small' }, instance.release ?? NOTHING))));
}

function lasting(instance, time) {
  if (instance.since === undefined) return instance.state === 'down' ? 'for over an hour' : '';
  return instance.state === 'up' ? `for ${duration(time - instance.since)}` : `last answered ${clock(instance.since, time)}`;
}

function toolsTable(samples) {
  const of = (tool, name) => samples.find((sample) => sample.tool === tool && sample.figure === name)?.value;
  const tools = [...new Set(samples.map((sample) => sample.tool))].sort();
  const names = ['Tool', 'Calls', 'In the last hour', 'Failed', 'Refused', 'p50', 'p95', 'In flight'];
  return table('tools-title', names, tools.map((tool) => h('tr', { role: 'row', 'data-tool': tool },
    h('th', { role: 'rowheader', scope: 'row', class: 'mono' }, tool),
    cell('Calls', { class: 'number' }, figure('calls', of(tool, 'calls'), rate(of(tool, 'calls')))),
    cell('In the last hour', { class: 'number' }, figure('hour', of(tool, 'hour'), count(of(tool, 'hour')))),
    cell('Failed', { class: 'number' }, figure('failed', of(tool, 'failed'), count(of(tool, 'failed')),
      Math.round(of(tool, 'failed')) > 0 ? 'failed on our side' : null)),
    cell('Refused', { class: 'number' }, figure('refused', of(tool, 'refused'), count(of(tool, 'refused')))),
    cell('p50', { class: 'number' }, figure('p50', of(tool, 'p50'), latency(of(tool, 'p50')))),
    cell('p95', { class: 'number' }, figure('p95', of(tool, 'p95'), latency(of(tool, 'p95')))),
    cell('In flight', { class: 'number' }, figure('flying', of(tool, 'flying'), count(of(tool, 'flying')))))));
}

function table(title, names, rows) {
  return h('table', { class: 'plain', role: 'table', 'aria-labelledby': title },
    h('thead', { role: 'rowgroup' }, row(...names.map((name) => head(name, { class: WORDS.has(name) ? null : 'number' })))),
    h('tbody', { role: 'rowgroup' }, rows));
}

/** What the services stand on: the edge before them, Redis behind, the hosts beneath, and who watches. */

import { h } from './element.js';
import { duration, plural, share } from './figures.js';
import { icon } from './icon.js';

const SCARCE = { processor: 0.9, memory: 0.92, disk: 0.95 };
const SHORT_SECONDS = 21 * 86_400;
/** Shares and time from which alerts speak too: monitoring/prometheus/rules/hosts.yml and edge.yml. */

/** One plate each. */
export function surroundingsView({ edges, redis, hosts, unscraped }) {
  return h('ul', { class: 'plates', role: 'list' },
    edges.map((edge) => plate('Edge', edge.name, edge.up ? 'up' : 'down', [
      edge.up ? 'answers over TLS' : 'does not answer',
      edge.certificate === undefined ? null : certificate(edge.certificate)])),
    redis.map((it) => plate('Redis', it.name, it.up ? 'up' : 'down', [
      it.up ? 'answers' : 'does not answer', it.memory === undefined ? null : `memory ${share(it.memory)}`])),
    hosts.map((host) => plate('Host', host.name, scarce(host) ? 'warn' : 'up', [
      meter('Processor', host.processor), meter('Memory', host.memory), meter('Disk', host.disk)])),
    plate('Monitoring', 'Prometheus', unscraped.length ? 'warn' : 'up', unscraped.length
      ? unscraped.map(({ name, number }) => `${plural(number, 'target')} of ${name} not answering`) : ['reaches all its targets']));
}

function plate(kind, name, state, lines) {
  return h('li', { class: 'plate', 'data-state': state },
    h('p', { class: 'title' }, icon(state), h('span', { class: 'unseen' }, `${state}: `), h('span', { class: 'kind' }, kind), ' ', name),
    lines.filter(Boolean).map((line) => (typeof line === 'string' ? h('p', { class: 'quiet small' }, line) : line)));
}

function scarce(host) {
  return Object.entries(SCARCE).some(([name, limit]) => host[name] > limit);
}

function certificate(seconds) {
  if (seconds <= 0) return h('p', { class: 'small flagged' }, 'certificate has expired');
  const words = `certificate for ${duration(seconds)}`;
  return seconds < SHORT_SECONDS ? h('p', { class: 'small flagged' }, words) : words;
}

function meter(name, value) {
  if (value === undefined) return null;
  return h('p', { class: 'meter small' }, h('span', {}, name),
    h('meter', { min: 0, max: 1, high: SCARCE[name.toLowerCase()], low: 0, optimum: 0, value: value.toFixed(4), 'aria-label': name }),
    h('span', { class: 'number' }, share(value)));
}

/** Whether the fleet is well, in one sentence. */

import { h } from './element.js';
import { figure, latency, plural, rate, share } from './figures.js';
import { icon } from './icon.js';

const ALWAYS = 'none';
/** The severity of the alert that fires as long as alerting works. */

/** {state: up|warn|down, words}: the worst thing that is the case, and how much of it there is. */
export function judge(fleet, alerts) {
  const firing = alerts.filter((alert) => alert.state === 'firing' && alert.labels.severity !== ALWAYS);
  const pages = firing.filter((alert) => alert.labels.severity === 'page');
  const gone = fleet.services.filter((service) => service.up === 0);
  const silent = fleet.instances.filter((instance) => instance.state !== 'up');
  if (gone.length) return { state: 'down', words: `${list(gone.map((service) => service.name))}: no instance answers` };
  if (pages.length) return { state: 'down', words: `${plural(pages.length, 'alert')} of the kind that wakes people` };
  if (silent.length) return { state: 'warn', words: `${plural(silent.length, 'instance')} of ${fleet.instances.length} ${silent.length === 1 ? 'does' : 'do'} not answer` };
  if (firing.length) return { state: 'warn', words: `All instances answer, ${plural(firing.length, 'alert')} ${firing.length === 1 ? 'fires' : 'fire'}` };
  return { state: 'up', words: 'All is well' };
}

function list(names) {
  return names.length > 2 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(' and ');
}

/** The verdict with the fleet's own figures beside it. */
export function verdictView(fleet, alerts) {
  const { state, words } = judge(fleet, alerts);
  const up = fleet.instances.filter((instance) => instance.state === 'up').length;
  const told = `${up} of ${plural(fleet.instances.length, 'instance')} answer · ${plural(fleet.services.length, 'service')} · ${plural(fleet.hosts.length, 'host')}`;
  const firing = alerts.filter((alert) => alert.state === 'firing' && alert.labels.severity !== ALWAYS).length;
  const whole = fleet.whole;
  return [
    h('div', { class: 'sentence', 'data-verdict': state }, icon(state),
      h('div', {}, h('p', { class: 'words', id: 'verdict-words' }, words), h('p', { class: 'quiet' }, told))),
    h('dl', { class: 'tiles' },
      tile('Calls', figure('fleet_calls', whole.calls, rate(whole.calls))),
      tile('Errors', figure('fleet_errors', whole.errors, share(whole.errors))),
      tile('p95', figure('fleet_p95', whole.p95, latency(whole.p95))),
      tile('Alerts', figure('alerts', firing, String(firing)))),
  ];
}

function tile(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

/** What fires, the worst first and each kind once, with whom it concerns; what is about to fire is folded away. */

import { h } from './element.js';
import { duration, moment, plural } from './figures.js';
import { icon } from './icon.js';

const ORDER = { page: 0, ticket: 1 };
const WORDS = { page: 'Act now', ticket: 'Look today' };
const MOST_NAMED = 12;

/** The alerts; those of one service alone when it is named. */
export function alertsView(alerts, time, service = null) {
  const mine = alerts.filter((alert) => alert.labels.severity in ORDER && (!service || alert.labels.service === service));
  const firing = mine.filter((alert) => alert.state === 'firing');
  const pending = mine.filter((alert) => alert.state === 'pending');
  return [
    heading(firing.length),
    firing.length ? rows(firing, time) : h('p', { class: 'quiet none' }, 'No alert is active.'),
    pending.length ? h('details', { class: 'pending', id: 'pending' },
      h('summary', {}, `${pending.length} about to fire, if it goes on`), rows(pending, time)) : null,
  ];
}

function heading(number) {
  return h('h2', { id: 'alerts-title' }, number ? plural(number, 'active alert') : 'Alerts');
}

function rows(alerts, time) {
  const kinds = new Map();
  for (const alert of [...alerts].sort(byWeight)) {
    const kind = `${alert.labels.severity} ${alert.labels.alertname}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), alert]);
  }
  return h('ul', { class: 'alerts', role: 'list' }, [...kinds.values()].sort(byBreadth).map((kind) => row(kind, time)));
}

function byWeight(one, other) {
  return ORDER[one.labels.severity] - ORDER[other.labels.severity] || one.activeAt.localeCompare(other.activeAt)
    || concerned(one).localeCompare(concerned(other), 'en', { numeric: true });
}

/** Kinds that concern many take a line of their own, after those of the same weight that do not. */
function byBreadth([one, second], [other, another]) {
  return ORDER[one.labels.severity] - ORDER[other.labels.severity] || Boolean(second) - Boolean(another);
}

function row(kind, time) {
  const [first] = kind;
  const { alertname, severity } = first.labels;
  const began = Date.parse(first.activeAt) / 1000;
  return h('li', { class: 'alert', 'data-severity': severity, 'data-alert': alertname, 'data-number': kind.length },
    icon(severity === 'page' ? 'down' : 'warn'),
    h('div', {},
      h('p', { class: 'summary' }, h('span', { class: 'badge' }, WORDS[severity]), ' ', title(kind)),
      h('p', { class: 'quiet small' }, first.annotations.description ?? ''),
      kind.length > 1 ? whom(kind) : null,
      h('p', { class: 'quiet small' }, 'since ', moment(began, time), ` (${duration(time - began)}) · `,
        runbook(first.annotations.runbook_url))));
}

function title(kind) {
  const [{ annotations, labels }] = kind;
  return kind.length > 1 ? `${labels.alertname} × ${kind.length}` : annotations.summary ?? labels.alertname;
}

/** Whom an alert concerns: the most telling of its labels. */
function concerned({ labels }) {
  return labels.name?.replace(/\.service$/, '') ?? (labels.scope === 'instance' ? `${labels.service} ${labels.instance}` : null)
    ?? labels.service ?? labels.target ?? labels.mountpoint ?? labels.instance ?? labels.job ?? '';
}

function whom(kind) {
  const named = kind.slice(0, MOST_NAMED).map((alert) => h('li', { title: alert.annotations.summary }, concerned(alert)));
  const more = kind.length - named.length;
  return h('ul', { class: 'whom small', role: 'list' }, named, more > 0 ? h('li', { class: 'more' }, `and ${more} more`) : null);
}

function runbook(address) {
  if (!address) return 'no runbook';
  return /^https?:\/\//.test(address) ? h('a', { href: address, rel: 'noreferrer' }, 'runbook')
    : ['runbook: ', h('span', { class: 'mono' }, address)];
}

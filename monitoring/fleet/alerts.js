/** What fires, the worst first; what is about to fire folded away. */

import { h } from './element.js';
import { duration, moment, plural } from './figures.js';
import { icon } from './icon.js';

const ORDER = { page: 0, ticket: 1 };
const WORDS = { page: 'Act now', ticket: 'Look today' };

/** The alerts; those of one service alone when it is named. Nothing at all where there is nothing to tell. */
export function alertsView(alerts, time, service = null) {
  const mine = alerts.filter((alert) => alert.labels.severity in ORDER && (!service || alert.labels.service === service));
  const firing = mine.filter((alert) => alert.state === 'firing').sort(byWeight);
  const pending = mine.filter((alert) => alert.state === 'pending').sort(byWeight);
  if (!mine.length) return [heading(0), h('p', { class: 'quiet none' }, 'No alert is active.')];
  return [
    heading(firing.length),
    firing.length ? h('ul', { class: 'alerts', role: 'list' }, firing.map((alert) => row(alert, time))) : null,
    pending.length ? h('details', { class: 'pending', id: 'pending' },
      h('summary', {}, `${pending.length} about to fire, if it goes on`),
      h('ul', { class: 'alerts', role: 'list' }, pending.map((alert) => row(alert, time)))) : null,
  ];
}

function heading(number) {
  return h('h2', { id: 'alerts-title' }, number ? plural(number, 'active alert') : 'Alerts');
}

function byWeight(one, other) {
  return ORDER[one.labels.severity] - ORDER[other.labels.severity] || one.activeAt.localeCompare(other.activeAt)
    || (one.annotations.summary ?? '').localeCompare(other.annotations.summary ?? '');
}

function row(alert, time) {
  const { alertname, severity } = alert.labels;
  const began = Date.parse(alert.activeAt) / 1000;
  return h('li', { class: 'alert', 'data-severity': severity, 'data-alert': alertname },
    icon(severity === 'page' ? 'down' : 'warn'),
    h('div', {},
      h('p', { class: 'summary' }, h('span', { class: 'badge' }, WORDS[severity]), ' ', alert.annotations.summary ?? alertname),
      h('p', { class: 'quiet' }, alert.annotations.description ?? ''),
      h('p', { class: 'quiet small' }, h('span', { class: 'mono' }, alertname), ' · since ', moment(began, time),
        ` (${duration(time - began)}) · `, runbook(alert.annotations.runbook_url))));
}

function runbook(address) {
  if (!address) return 'no runbook';
  return /^https?:\/\//.test(address) ? h('a', { href: address, rel: 'noreferrer' }, 'runbook')
    : ['runbook: ', h('span', { class: 'mono' }, address)];
}

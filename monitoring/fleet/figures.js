/** Figures as people read them: three significant digits, a dash where there is nothing to tell. */

import { h } from './element.js';

export const NOTHING = '–';

const there = (value) => value !== undefined && value !== null && Number.isFinite(value);
const digits = (value, most = 3) => new Intl.NumberFormat('en', { maximumSignificantDigits: most }).format(value);

/** Calls per second. */
export function rate(value) {
  if (!there(value)) return NOTHING;
  return value > 0 && value < 0.001 ? '<0.001/s' : `${digits(value, 3)}/s`;
}

/** A share as per cent. */
export function share(value) {
  if (!there(value)) return NOTHING;
  return value > 0 && value < 0.0001 ? '<0.01 %' : `${digits(value * 100, value < 0.1 ? 2 : 3)} %`;
}

/** Seconds that a call took. */
export function latency(value) {
  if (!there(value)) return NOTHING;
  return value < 1 ? `${digits(value * 1000, value < 0.01 ? 2 : 3)} ms` : `${digits(value, 3)} s`;
}

/** A number of things. */
export function count(value) {
  return there(value) ? digits(Math.round(value), 6) : NOTHING;
}

/** How long something lasts, roughly: 45 s, 12 min, 3 h, 5 d. */
export function duration(seconds) {
  if (!there(seconds)) return NOTHING;
  const steps = [[86_400, 'd'], [3600, 'h'], [60, 'min']];
  const [size, unit] = steps.find(([size]) => seconds >= 2 * size || (size === 60 && seconds >= 60)) ?? [1, 's'];
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
}

/** A moment as the reader's clock shows it; with the day unless it is within 12 hours of `now`. */
export function clock(seconds, now = seconds) {
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
  const day = Math.abs(now - seconds) > 43_200 ? { day: 'numeric', month: 'short' } : {};
  return new Intl.DateTimeFormat('en-GB', { ...day, ...time }).format(new Date(seconds * 1000));
}

/** A moment as an element that machines read too. */
export function moment(seconds, now) {
  return h('time', { datetime: new Date(seconds * 1000).toISOString() }, clock(seconds, now));
}

/** A figure as an element that holds the exact value beside the readable one. */
export function figure(name, value, text, flagged = null) {
  const mark = flagged ? [h('span', { class: 'flag', 'aria-hidden': 'true' }, '▲'), h('span', { class: 'unseen' }, ` ${flagged}`)] : [];
  return h('data', { value: there(value) ? value : '', 'data-figure': name, class: flagged ? 'flagged' : null,
    title: flagged }, text, mark);
}

/** `1 call`, `2 calls`. */
export function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

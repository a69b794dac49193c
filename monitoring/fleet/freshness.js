/** Whether what is shown is of now: its time, why it may not be, and whether it is refreshed. */

import { h, patch } from './element.js';
import { duration, moment } from './figures.js';

const STALE_SECONDS = 20;
/** From here on figures are shown as old ones, whatever the reason. */

const REASONS = {
  signin: 'The sign-in was refused: reload this page to sign in again',
  silent: 'Prometheus does not answer',
  limited: 'Too many requests',
  refused: 'Prometheus refuses the question',
  broken: 'This page could not make sense of the answer',
};

/** Keeps the time of the last answer by this browser's monotonic clock, and says how things stand. */
export class Freshness {
  constructor(asOf, notice) {
    this.asOf = asOf;
    this.notice = notice;
    this.paused = false;
    this.trouble = null;
    this.time = null;
  }

  /** An answer of Prometheus's moment `time` has come. */
  answered(time) {
    this.time = time;
    this.receivedAt = performance.now();
    this.trouble = null;
    this.tell();
  }

  /** None came; `kind` is one of REASONS. */
  failed(kind, message) {
    this.trouble ??= { since: Date.now() / 1000 };
    Object.assign(this.trouble, { kind, message });
    this.tell();
  }

  get age() {
    return this.time === null ? Infinity : (performance.now() - this.receivedAt) / 1000;
  }

  get state() {
    if (this.time === null) return this.trouble ? 'absent' : 'waiting';
    if (this.trouble || this.age > STALE_SECONDS) return 'stale';
    return 'fresh';
  }

  /** Write it down; called each second, for age grows by itself. */
  tell() {
    document.body.dataset.freshness = this.state;
    document.body.dataset.paused = this.paused;
    patch(this.asOf, ...(this.time === null ? ['no data yet'] : ['as of ', moment(this.time, Date.now() / 1000), this.suffix()]));
    const words = this.words();
    this.notice.hidden = !words;
    // Rewritten only when it says something new: a screen reader would read it again each second.
    if (words && this.notice.dataset.words !== words) patch(this.notice, ...this.noticeView());
    this.notice.dataset.words = words ?? '';
  }

  suffix() {
    if (this.state === 'stale') return h('span', { class: 'age' }, ` · ${duration(this.age)} old`);
    return this.paused ? ' · paused' : '';
  }

  words() {
    if (this.trouble) return `${this.trouble.kind} ${this.trouble.message}`;
    return this.state === 'stale' ? `old ${this.paused}` : null;
  }

  noticeView() {
    const shown = this.time === null ? ['There is nothing to show yet.']
      : ['What you see is as of ', moment(this.time, Date.now() / 1000), ' and may no longer be true.'];
    if (!this.trouble) {
      const why = this.paused ? 'Refreshing is paused' : 'No answer for a while';
      return [h('strong', {}, `${why}.`), ' ', ...shown];
    }
    const { kind, message, since } = this.trouble;
    return [h('strong', {}, `${REASONS[kind]}.`), ` Since `, moment(since), `: ${message}. `, ...shown];
  }
}

/** Prometheus's HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/), at the page's own origin. */

import { union } from './queries.js';

const API = new URL('../prometheus/api/v1/', document.baseURI);
const PATIENCE_MS = 10_000;
const PATIENCE_FOR_LINES_MS = 30_000;

/** Why there is no answer: `kind` is signin, limited, silent or refused; the message is for people. */
export class NoAnswer extends Error {
  constructor(kind, message) {
    super(message);
    this.name = 'NoAnswer';
    this.kind = kind;
  }
}

/** The samples of all figures at one moment, and that moment in seconds: Prometheus's clock, not this browser's. */
export async function ask(figures) {
  const data = await call('query', { query: `${union(figures)} or label_replace(vector(time()), "figure", "now", "", "")` });
  const samples = data.result.map(({ metric, value }) => ({ ...metric, value: Number(value[1]) }));
  const now = samples.find((sample) => sample.figure === 'now');
  return { samples, time: now.value };
}

/** Lines of all figures: from `end - seconds` to `end`, one value each `step` seconds, null where there is none. */
export async function askLines(figures, end, seconds, step) {
  const last = Math.floor(end / step) * step;
  const first = last - seconds;
  const data = await call('query_range', { query: union(figures), start: first, end: last, step }, PATIENCE_FOR_LINES_MS);
  const times = Array.from({ length: seconds / step + 1 }, (_, index) => first + index * step);
  const lines = data.result.map(({ metric, values }) => ({ ...metric, values: onGrid(values, first, step, times.length) }));
  return { times, lines };
}

/** Alerts that fire or are about to. */
export async function askAlerts() {
  return (await call('alerts')).alerts;
}

function onGrid(values, first, step, length) {
  const line = new Array(length).fill(null);
  for (const [time, text] of values) {
    const value = Number(text);
    line[Math.round((time - first) / step)] = Number.isFinite(value) ? value : null;
  }
  return line;
}

async function call(path, parameters, patience = PATIENCE_MS) {
  // A form, because questions are longer than some proxies let a URL be.
  const body = parameters && new URLSearchParams(parameters);
  const options = { method: body ? 'POST' : 'GET', body, cache: 'no-store', signal: AbortSignal.timeout(patience) };
  let response;
  try {
    response = await fetch(new URL(path, API), options);
  } catch (error) {
    const late = error.name === 'TimeoutError';
    throw new NoAnswer('silent', late ? `no answer within ${patience / 1000} seconds` : 'the edge cannot be reached');
  }
  if (!response.ok) throw await refusal(response);
  try {
    return (await response.json()).data;
  } catch {
    throw new NoAnswer('silent', 'the answer broke off or is not JSON');
  }
}

async function refusal(response) {
  if (response.status === 401 || response.status === 403) return new NoAnswer('signin', `HTTP ${response.status}`);
  if (response.status === 429) return new NoAnswer('limited', 'the edge limits requests from this address (HTTP 429)');
  if (response.status >= 502) return new NoAnswer('silent', `HTTP ${response.status} from the edge`);
  const told = await response.json().catch(() => ({}));
  return new NoAnswer('refused', `HTTP ${response.status}: ${told.error ?? 'no reason given'}`);
}

/** The page: asks every few seconds, shows what it heard, and says so when it hears nothing. */

import { alertsView } from './alerts.js';
import { Charts } from './charts.js';
import { h, patch } from './element.js';
import { Freshness } from './freshness.js';
import { gridView } from './grid.js';
import { ask, askAlerts, askLines, NoAnswer } from './prometheus.js';
import { deployments, fleetLines, serviceLines, snapshot, toolsOf } from './queries.js';
import { serviceView } from './service.js';
import { deployedAt, readSnapshot } from './snapshot.js';
import { surroundingsView } from './surroundings.js';
import { judge, verdictView } from './verdict.js';

const EVERY_MS = 5000;
const LINES_EVERY_SECONDS = 30;
const HOUR = 3600;
const LINE_STEP = 30;

const place = (id) => document.getElementById(id);
const charts = new Charts(place('charts'));
const freshness = new Freshness(place('as-of'), place('notice'));
/** What was heard last; `lines` and `deployed` are asked for less often. */
const known = { fleet: null, alerts: [], tools: null, deployed: [], lines: null, linesOf: undefined, linesAt: 0, spoken: '' };
let asking = null;
let hearingLines = null;

/** The service in the address (`#service/NAME`), or null for the fleet. */
function chosen() {
  const found = /^#service\/(.+)$/.exec(location.hash);
  try {
    return found && decodeURIComponent(found[1]);
  } catch {
    return null;
  }
}

async function refresh() {
  // One at a time: a slow Prometheus is not helped by more questions.
  asking ??= hear().catch(failed).finally(() => { asking = null; });
  await asking;
}

async function hear() {
  const service = chosen();
  const [heard, alerts, tools] = await Promise.all([ask(snapshot), askAlerts(), service ? ask(toolsOf(service)) : { samples: [] }]);
  if (service !== chosen()) return;
  const fleet = readSnapshot(heard);
  Object.assign(known, { fleet, alerts, tools: tools.samples.filter((sample) => sample.tool) });
  freshness.answered(fleet.time);
  show();
  // Lines cost Prometheus more: the figures do not wait for them.
  hearingLines ??= hearLines(service, fleet.time).catch(linesFailed).finally(() => { hearingLines = null; });
}

async function hearLines(service, time) {
  if (known.linesOf === service && time - known.linesAt < LINES_EVERY_SECONDS) return;
  const [lines, deployed] = await Promise.all([
    askLines(service ? serviceLines(service) : fleetLines, time, HOUR, LINE_STEP), ask(deployments)]);
  if (service !== chosen()) return;
  Object.assign(known, { lines, deployed: deployed.samples.filter((it) => it.figure === 'deployed'), linesOf: service, linesAt: time });
  place('lines-notice').hidden = true;
  show();
}

function linesFailed(error) {
  const until = known.linesOf === chosen() && known.lines ? ' What you see ends where its time axis ends.' : '';
  patch(place('lines-notice'), `The last hour could not be read: ${error.message}.${until}`);
  place('lines-notice').hidden = false;
}

function failed(error) {
  if (error instanceof NoAnswer) freshness.failed(error.kind, error.message);
  else freshness.failed('broken', String(error.message ?? error));
}

function show() {
  const { fleet, alerts } = known;
  const service = fleet.services.find((it) => it.name === chosen());
  enter();
  document.body.dataset.empty = fleet.services.length === 0;
  patch(place('verdict'), ...(fleet.services.length ? verdictView(fleet, alerts) : []));
  patch(place('alerts'), ...alertsView(alerts, fleet.time, chosen()));
  if (chosen() !== null) showService(service);
  else showFleet();
  showCharts(service);
  speak();
}

function showFleet() {
  const { fleet, deployed, lines } = known;
  const calls = new Map((lines?.lines ?? []).filter((it) => it.figure === 'service_calls').map((it) => [it.service, it.values]));
  patch(place('grid'), ...(fleet.services.length ? gridView(fleet, deployed, calls) : [emptyView()]));
  patch(place('surroundings'), surroundingsView(fleet.surroundings));
  document.title = `${judge(fleet, known.alerts).words} · Fleet`;
}

function emptyView() {
  return h('p', { class: 'empty' }, h('strong', {}, 'Prometheus knows of no instance.'),
    ' Its targets come from the inventory: run the playbook, then look at Status, Targets in Prometheus.');
}

function showService(service) {
  document.title = `${chosen()} · Fleet`;
  patch(place('service'), ...(service ? serviceView(service, known.tools, known.deployed, known.fleet.time)
    : [h('p', { class: 'empty' }, h('strong', {}, 'Prometheus knows of no such service.'), ' It may have been removed, or the address is wrong.')]));
}

function showCharts(service) {
  // Lines of the view before are not those of this one.
  const here = known.lines !== null && known.linesOf === chosen();
  place('charts').hidden = !here;
  if (!here) return;
  const of = service ? [service] : known.fleet.services;
  const marks = of.map((it) => deployedAt(it, known.deployed)).filter((it) => it !== undefined);
  charts.show(known.lines, [...new Set(marks)]);
}

/** Tell a screen reader when the verdict changes, and only then. */
function speak() {
  const { words } = judge(known.fleet, known.alerts);
  if (known.spoken && known.spoken !== words) place('spoken').textContent = words;
  known.spoken = words;
}

function pause() {
  freshness.paused = !freshness.paused;
  place('pause').setAttribute('aria-pressed', freshness.paused);
  freshness.tell();
  if (!freshness.paused) refresh();
}

/** Be where the address says, before anything is known of it. */
function enter() {
  document.body.dataset.view = chosen() === null ? 'fleet' : 'service';
  if (chosen() !== null) patch(place('service-title'), chosen().replaceAll('_', '_\u200b'));
}

async function turn() {
  enter();
  known.tools = null;
  if (known.fleet) show();
  if (asking) await asking;
  await refresh();
  place(chosen() === null ? 'grid-title' : 'service-title').focus();
}

place('pause').addEventListener('click', pause);
place('refresh').addEventListener('click', refresh);
addEventListener('hashchange', turn);
addEventListener('visibilitychange', () => { if (!document.hidden && !freshness.paused) refresh(); });
setInterval(() => freshness.tell(), 1000);
setInterval(() => { if (!freshness.paused && !document.hidden) refresh(); }, EVERY_MS);
enter();
refresh();

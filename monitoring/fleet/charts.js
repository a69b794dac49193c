/** Lines of the last hour, drawn by uPlot; each chart says in words and in a table what it shows. */

import { h, patch } from './element.js';
import { clock, count, latency, NOTHING, rate, share } from './figures.js';
import uPlot from './vendor/uplot/uPlot.esm.js';

const HEIGHT = 150;
const TABLE_STEP = 10;

/** Title, how its figures read, and its lines: name of the figure, word, colour of the theme, dashes. */
const CHARTS = [
  { id: 'calls', title: 'Calls per second', text: rate, lines: [['calls', 'calls', '--line-1', []]] },
  { id: 'errors', title: 'Share of errors', text: share, lines: [['errors', 'errors', '--line-bad', []]] },
  { id: 'latency', title: 'Time a call takes', text: latency,
    lines: [['p50', 'p50', '--line-1', []], ['p95', 'p95', '--line-2', [8, 4]], ['p99', 'p99', '--line-3', [2, 4]]] },
  { id: 'up', title: 'Instances that answer', text: count, steps: [1, 2, 5, 10, 20, 50, 100, 200],
    lines: [['up', 'answer', '--line-good', []], ['known', 'should', '--line-quiet', [4, 4]]] },
];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** One figure element with its canvas, its legend and its table. */
class Chart {
  constructor(definition) {
    this.definition = definition;
    this.canvas = h('div', { class: 'canvas', role: 'img' });
    this.legend = h('p', { class: 'legend small' });
    this.table = h('details', { class: 'values small' });
    this.element = h('figure', { class: 'chart', 'data-chart': definition.id },
      h('figcaption', {}, h('span', { class: 'title' }, definition.title), this.legend), this.canvas, this.table);
  }

  /** Show times and lines (one list of values a figure), with a mark where a release began. */
  show(times, lines, marks) {
    this.times = times;
    this.marks = marks;
    this.values = this.definition.lines.map(([name]) => lines.get(name) ?? new Array(times.length).fill(null));
    if (this.plot) this.plot.setData([times, ...this.values]);
    else this.draw();
    this.describe();
    this.tell(null);
  }

  draw() {
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), [this.times, ...this.values], this.canvas);
  }

  options() {
    const grid = { stroke: colour('--grid'), width: 1 };
    const axis = { stroke: colour('--quiet'), grid, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    const { text, lines } = this.definition;
    const hour = (_, splits) => splits.map((time) => clock(time).slice(0, 5));
    return {
      width: this.width(), height: HEIGHT, legend: { show: false }, padding: [8, 8, 0, 0],
      cursor: { sync: { key: 'hour' }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { time: true }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.15 : 1] } },
      axes: [{ ...axis, values: hour, size: 28, space: 70 },
        { ...axis, values: (_, splits) => splits.map((value) => text(value)), incrs: this.definition.steps, size: 62, space: 34 }],
      series: [{}, ...lines.map(([, , stroke, dash]) => ({
        stroke: colour(stroke), width: 1.75, dash, spanGaps: false, points: { show: false },
        fill: dash.length ? undefined : `${colour(stroke)}1c` }))],
      hooks: { setCursor: [(plot) => this.tell(plot.cursor.idx)], draw: [(plot) => this.mark(plot)] },
    };
  }

  width() {
    return Math.max(200, this.canvas.clientWidth || 320);
  }

  fit() {
    this.plot?.setSize({ width: this.width(), height: HEIGHT });
  }

  mark(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour('--accent');
    ctx.setLineDash([2, 3]);
    for (const time of this.marks.filter((it) => it >= this.times[0] && it <= this.times.at(-1))) {
      const x = Math.round(plot.valToPos(time, 'x', true)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** Values under the pointer with their time, or the last ones. */
  tell(index) {
    const at = index ?? this.times.length - 1;
    const { lines, text } = this.definition;
    patch(this.legend, ...lines.map(([name, word], number) => h('span', { class: 'key' },
      h('span', { class: `swatch swatch-${name}`, 'aria-hidden': 'true' }), `${word} `,
      h('b', {}, text(this.values[number]?.[at])))),
    index === null || index === undefined ? '' : h('span', { class: 'quiet' }, clock(this.times[at]).slice(0, 5)));
  }

  describe() {
    const { title, lines, text } = this.definition;
    const words = lines.map(([, word], number) => {
      const known = this.values[number].filter((value) => value !== null);
      return known.length ? `${word} now ${text(known.at(-1))}, highest ${text(Math.max(...known))}` : `${word}: no data`;
    });
    this.canvas.setAttribute('aria-label', `${title}, last hour: ${words.join('; ')}`);
    const rows = this.times.map((time, index) => [time, index]).filter(([, index]) => (this.times.length - 1 - index) % TABLE_STEP === 0);
    patch(this.table, h('summary', {}, 'As a table', h('span', { class: 'unseen' }, `: ${title}`)),
      h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Time'), lines.map(([, word]) => h('th', { scope: 'col' }, word)))),
        h('tbody', {}, rows.map(([time, index]) => h('tr', {}, h('th', { scope: 'row' }, clock(time).slice(0, 5)),
          lines.map((_, number) => h('td', {}, text(this.values[number][index]) ?? NOTHING)))))));
  }
}

/** The charts in a place; they follow its width and the theme. */
export class Charts {
  constructor(place) {
    this.charts = CHARTS.map((definition) => new Chart(definition));
    place.append(...this.charts.map((chart) => chart.element));
    new ResizeObserver(() => this.charts.forEach((chart) => chart.fit())).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.charts.forEach((chart) => chart.plot && chart.draw()));
  }

  /** Show what `askLines` answered; `marks` are the seconds at which releases began. */
  show({ times, lines }, marks) {
    const byFigure = new Map(lines.map((line) => [line.figure, line.values]));
    for (const chart of this.charts) chart.show(times, byFigure, marks);
  }
}

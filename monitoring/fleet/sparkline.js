/** A line of an hour as small as a word. */

import { svg } from './element.js';

const WIDTH = 96;
const HEIGHT = 22;

/** The line of values (null is a gap); words for those who do not see it stand elsewhere in the row. */
export function sparkline(values) {
  const top = Math.max(...values.map((value) => value ?? 0));
  const x = (index) => (index * WIDTH) / Math.max(1, values.length - 1);
  const y = (value) => HEIGHT - 1.5 - (top > 0 ? (value / top) * (HEIGHT - 4) : 0);
  let path = '';
  let drawing = false;
  for (const [index, value] of values.entries()) {
    if (value !== null) path += `${drawing ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing = value !== null;
  }
  return svg('svg', { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: path }));
}

/** Signs that differ in shape, so that colour is never the only one. */

import { svg } from './element.js';

const PATHS = {
  up: ['M4.5 8.4 7 10.9 11.7 5.6'],
  down: ['M5.2 5.2 10.8 10.8', 'M10.8 5.2 5.2 10.8'],
  unknown: ['M5.9 6.1a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.3', 'M8 11.6v.1'],
  warn: ['M8 4.4v4.4', 'M8 11.4v.1'],
};
const SHAPES = {
  up: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z',
  down: 'M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z',
  unknown: 'M3 1.5h10A1.5 1.5 0 0 1 14.5 3v10a1.5 1.5 0 0 1-1.5 1.5H3A1.5 1.5 0 0 1 1.5 13V3A1.5 1.5 0 0 1 3 1.5Z',
  warn: 'M8 .8 15.6 14.6H.4Z',
};

/** The sign of a state: up, down, unknown or warn. Words beside it say the same. */
export function icon(state) {
  const strokes = PATHS[state].map((d) => svg('path', { d, class: 'icon-stroke' }));
  return svg('svg', { class: `icon icon-${state}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: SHAPES[state], class: 'icon-shape' }), ...strokes);
}

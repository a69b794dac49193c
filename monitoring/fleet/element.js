/** Elements made from values, never from markup: whatever a label holds, it stays text. */

const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes (null and false leave one out, true sets it empty) and children (null leaves one out). */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make `target`'s content that of `children` and keep every node that can stay: focus, selection, open details. */
export function patch(target, ...children) {
  const fresh = h('div', {}, ...children);
  patchChildren(target, fresh);
}

function patchChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  for (const [index, node] of wanted.entries()) {
    const present = old.childNodes[index];
    if (!present) old.append(node);
    else if (!alike(present, node)) present.replaceWith(node);
    else patchNode(present, node);
  }
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function alike(one, other) {
  return one.nodeName === other.nodeName && one.id === other.id;
}

function patchNode(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  // Whether details are open is the reader's choice.
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  patchChildren(old, fresh);
}

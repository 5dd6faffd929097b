// Elements without HTML in strings: whatever comes from data becomes text, never markup.

/** `h("button", { type: "button", onclick: act, "aria-label": "Remove" }, "×")`; null, undefined and false are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  for (const [name, value] of Object.entries(props)) setProperty(element, name, value);
  return element;
}

function setProperty(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : value);
}

/** A symbol of the back office's font; it says nothing to screen readers. */
export function icon(name) {
  return h("span", { class: "material-symbols-outlined", "aria-hidden": "true" }, name);
}

/** A button that shows a symbol and is called `label`. */
export function iconButton(name, label, onclick, more = {}) {
  return h("button", { type: "button", class: "sb-icon", title: label, "aria-label": label, onclick, ...more }, icon(name));
}

/** `fill("{count} contacts", {count: 3})`. */
export function fill(text, places) {
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in places ? places[name] : place));
}

let lastId = 0;

/** An id that no other element of the page has. */
export function freshId(name) {
  lastId += 1;
  return `sb-${name}-${lastId}`;
}

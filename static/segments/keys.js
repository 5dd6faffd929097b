// The keyboard: every node has a handle, and on a handle single keys act on its node.

import { h } from "./dom.js";

const ON_HANDLE = {
  Delete: "remove",
  Backspace: "remove",
  c: "copy",
  g: "wrap",
  u: "unwrap",
  n: "negate",
  a: "addBehind",
};

/** The table that says so, which the handles refer to. */
export function describeKeys(words, id) {
  const rows = [
    ["↑ ↓", words.keys_walk],
    ["→", words.keys_enter],
    ["←", words.keys_leave],
    ["Alt ↑ / Alt ↓", words.keys_move],
    ["A", words.keys_add],
    ["C", words.keys_copy],
    ["G / U", words.keys_wrap],
    ["N", words.keys_negate],
    ["Delete", words.keys_remove],
    ["Ctrl Z / Ctrl Shift Z", words.keys_undo],
  ];
  return h(
    "div",
    { class: "sb-keys", hidden: true },
    h("p", { id }, words.keys_help),
    h("dl", {}, rows.map(([keys, meaning]) => h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, meaning)))),
  );
}

export function handleKey(builder, event) {
  const isHandle = event.target.matches("[data-handle]");
  const isUsed =
    undoByKey(builder, event) || moveByKey(builder, event) || (isHandle && !isModified(event) && actByKey(builder, event));
  if (isUsed || (event.key === "Enter" && event.target.matches("input"))) event.preventDefault(); // Enter would save
}

function isModified(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/** Within a text field the browser undoes what was typed there. */
function undoByKey(builder, event) {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key) || isTypedInto(event.target)) return false;
  if (key === "y" || event.shiftKey) builder.redo();
  else builder.undo();
  return true;
}

function isTypedInto(element) {
  return element.matches("textarea, input:not([type=checkbox])");
}

/** Alt with an arrow moves the node, wherever in it the focus is; on a select it opens the list, as everywhere. */
function moveByKey(builder, event) {
  const verb = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  const node = event.target.closest("li[data-node]");
  if (!verb || !event.altKey || !node || event.target.matches("select")) return false;
  builder.act(verb, node.dataset.node);
  return true;
}

function actByKey(builder, event) {
  const node = event.target.closest("[data-node]");
  const verb = ON_HANDLE[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (verb === "unwrap" && !node.matches(".sb-group")) return true;
  if (verb) builder.act(verb, node.dataset.node);
  return Boolean(verb) || walkByKey(builder, event, node);
}

function walkByKey(builder, event, node) {
  const handles = [...builder.columns.querySelectorAll("[data-handle]")];
  const place = handles.indexOf(event.target);
  const goals = {
    ArrowDown: () => handles[place + 1],
    ArrowUp: () => handles[place - 1],
    Home: () => handles[0],
    End: () => handles.at(-1),
    ArrowRight: () => node.querySelector(".sb-fields :is(button, select, input)"),
    Enter: () => node.querySelector(".sb-fields :is(button, select, input)"),
    ArrowLeft: () => node.parentElement.closest("li[data-node]")?.querySelector("[data-handle]"),
  };
  if (!(event.key in goals)) return false;
  goals[event.key]()?.focus();
  return true;
}

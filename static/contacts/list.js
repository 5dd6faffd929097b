// Keys of the contact list. They are taken only where nobody is typing, and never together with Ctrl, Alt or Meta.
// "/" is the back office's own; everything else here goes from row to row.

const TYPED_INTO = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], [role=combobox]";

const rows = () => [...document.querySelectorAll("#result_list tr.data-row")];
const linkOf = (row) => row.querySelector("th a, td a, a");
const rowOf = (element) => (element instanceof Element ? element.closest("#result_list tr.data-row") : null);

function isTaken(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return true;
  if (event.target instanceof Element && event.target.closest(TYPED_INTO)) return true;
  return Boolean(document.querySelector("dialog[open]"));
}

// Where somebody is: the row that has the focus.

function go(step) {
  const all = rows();
  if (!all.length) return;
  const here = all.indexOf(rowOf(document.activeElement));
  const place = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1);
  const link = linkOf(all[place]);
  link.focus();
  all[place].scrollIntoView({ block: "nearest" });
}

function choose() {
  const box = rowOf(document.activeElement)?.querySelector("input.action-select");
  if (box) box.click();
}

function showKeys() {
  document.getElementById("list-keys")?.showModal();
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  x: choose,
  "?": showKeys,
};

// Arrows scroll the page, but for somebody who is on a row already.
const ON_A_ROW = { ArrowDown: () => go(1), ArrowUp: () => go(-1) };

document.addEventListener("keydown", (event) => {
  if (isTaken(event)) return;
  const act = KEYS[event.key] || (rowOf(document.activeElement) ? ON_A_ROW[event.key] : undefined);
  if (!act) return;
  event.preventDefault();
  act();
});

document.querySelectorAll("[data-keys]").forEach((button) => button.addEventListener("click", showKeys));

// <segment-builder>: conditions put together without writing JSON.
//
// The form's own field, a textarea with the definition as JSON, stands inside the element and stays what is saved: the
// builder reads it, writes it at every change, and keeps it in sight under "As JSON". Without this script it is all
// there is.

import { makeDraggable } from "./drag.js";
import { fill, freshId, h, icon, iconButton } from "./dom.js";
import { describeKeys, handleKey } from "./keys.js";
import { Live, Suggestions } from "./live.js";
import { Panel } from "./panel.js";
import { Rows } from "./rows.js";
import * as tree from "./tree.js";
import { VERBS } from "./verbs.js";
import { isFilledIn, Vocabulary } from "./vocabulary.js";

const UNDO_AT_MOST = 200;
const ONE_EDIT_MILLISECONDS = 2000;
const REDRAW_SOON = 250;

class SegmentBuilder extends HTMLElement {
  connectedCallback() {
    if (this.isBuilt) return;
    this.isBuilt = true;
    this.data = JSON.parse(this.querySelector("script[type='application/json']").textContent);
    this.text = this.querySelector("textarea");
    this.words = this.data.words;
    this.isReadOnly = this.data.is_read_only;
    this.kind = this.data.segment_type;
    this.undone = [];
    this.done = [];
    this.lastEdit = { key: "", at: 0 };
    this.keysId = freshId("keys");
    this.page = this.makePage();
    this.status = h("p", { class: "sb-hidden", role: "status" });
    this.panel = new Panel(this.page, { isStored: this.data.segment !== null });
    this.live = new Live({ url: this.data.urls.check, token: this.findToken(), show: (answer) => this.showAnswer(answer) });
    this.build();
    this.useVocabulary();
    this.readText();
    this.listen();
  }

  makePage() {
    const suggestions = new Suggestions(this.data.urls.suggest);
    const format = new Intl.NumberFormat(document.documentElement.lang || "en");
    return {
      words: this.words,
      units: this.data.vocabulary.units,
      names: this.data.names,
      suggest: (field, text, signal) => suggestions.find(field, text, signal),
      number: (count) => format.format(count),
    };
  }

  findToken() {
    return (this.closest("form") || document).querySelector("[name=csrfmiddlewaretoken]")?.value || "";
  }

  // The page

  build() {
    const { words } = this;
    this.undoButton = iconButton("undo", words.undo, () => this.undo(), { "aria-keyshortcuts": "Control+Z" });
    this.redoButton = iconButton("redo", words.redo, () => this.redo(), { "aria-keyshortcuts": "Control+Shift+Z" });
    this.zone = h(
      "select",
      { class: "sb-input sb-zone", "aria-label": words.time_zone, onchange: () => this.chooseZone() },
      h("option", { value: "account" }, fill(words.zone_account, { zone: this.data.time_zone })),
      h("option", { value: "contact" }, words.zone_contact),
    );
    const keys = describeKeys(words, this.keysId);
    const keysButton = iconButton("keyboard", words.keys, () => {
      keys.hidden = !keys.hidden;
      keysButton.setAttribute("aria-expanded", String(!keys.hidden));
    });
    keysButton.setAttribute("aria-expanded", "false");
    const bar = h("div", { class: "sb-bar" }, this.undoButton, this.redoButton, keysButton, this.panel.short);
    this.columns = h("div", { class: "sb-columns" });
    this.broken = h("p", { class: "sb-error", role: "alert", hidden: true }, words.not_json);
    this.advanced = h("details", { class: "sb-advanced" }, h("summary", {}, words.as_json), this.broken, this.text);
    this.text.setAttribute("aria-label", words.as_json);
    this.editor = h("fieldset", { class: "sb-editor", disabled: this.isReadOnly }, bar, this.zone, keys, this.columns);
    this.note = h("p", { class: "sb-note" }, words.static_note);
    const main = h("div", { class: "sb-main" }, this.editor, this.advanced);
    this.append(this.note, this.status, h("div", { class: "sb" }, main, this.panel.element));
    this.classList.add("sb-ready");
    this.classList.toggle("sb-read-only", this.isReadOnly);
  }

  /** Which fields there are follows from the segment's type. */
  useVocabulary() {
    this.vocabulary = new Vocabulary(this.data.vocabulary, { onlySegments: this.kind === "combined" });
    this.rows = new Rows(this);
    this.classList.toggle("sb-static", this.kind === "static");
  }

  draw() {
    const focused = this.findFocus();
    window.clearTimeout(this.drawing);
    const { match, exclude, timeZone } = this.state;
    this.columns.replaceChildren(
      this.column("match", this.words.matching, match),
      exclude ? this.column("exclude", this.words.excluding, exclude) : this.excludeButton(),
    );
    this.zone.value = timeZone;
    this.undoButton.disabled = !this.done.length;
    this.redoButton.disabled = !this.undone.length;
    if (this.lastAnswer) this.showErrors(this.lastAnswer.errors || []);
    if (focused) this.focusPart(focused.id, focused.part);
  }

  column(name, title, group) {
    const titleId = freshId("title");
    const head = [h("h2", { id: titleId }, title), this.rows.combineSelect(group), this.rows.notButton(group)];
    if (name === "exclude") head.push(iconButton("close", this.words.remove_exclude, () => this.act("remove", group.id)));
    return h(
      "section",
      { class: `sb-column sb-${name}`, "aria-labelledby": titleId, "data-column": name },
      h("div", { class: "sb-head", "data-node": group.id }, head),
      this.rows.root(group),
    );
  }

  excludeButton() {
    const onclick = () => this.act("addExclude", "");
    const button = h("button", { type: "button", class: "sb-button sb-add-exclude", "data-part": "addExclude", onclick }, icon("person_remove"), this.words.add_exclude);
    return this.isReadOnly ? "" : h("div", { class: "sb-column" }, button);
  }

  // The field of the form

  readText() {
    const text = this.text.value.trim();
    try {
      this.state = text ? tree.readDefinition(JSON.parse(text)) : tree.emptyState();
      this.setBroken(false);
    } catch {
      this.state ??= tree.emptyState();
      this.setBroken(true);
    }
    this.draw();
    this.ask();
  }

  setBroken(isBroken) {
    this.isBroken = isBroken;
    this.broken.hidden = !isBroken;
    this.columns.inert = isBroken;
    this.text.setAttribute("aria-invalid", String(isBroken));
    if (isBroken) this.advanced.open = true;
  }

  writeText() {
    this.text.value = JSON.stringify(tree.writeDefinition(this.state), null, 2);
    this.setBroken(false);
  }

  typeText() {
    this.remember("text");
    this.isDirty = true;
    window.clearTimeout(this.typing);
    this.typing = window.setTimeout(() => this.readText(), REDRAW_SOON);
  }

  // Changes

  /** One change that can be undone. Changes of the same `key` right after each other are one. */
  change(key, edit, redraw) {
    this.remember(key);
    edit();
    this.afterChange();
    if (redraw === "soon") this.drawing = window.setTimeout(() => this.draw(), REDRAW_SOON);
    else if (redraw) this.draw();
    else this.undoButton.disabled = false;
    if (redraw === "value") this.focusPart(key.split(" ")[0], "value") || this.focusPart(key.split(" ")[0], "op");
  }

  remember(key) {
    const now = Date.now();
    const goesOn = key === this.lastEdit.key && now - this.lastEdit.at < ONE_EDIT_MILLISECONDS;
    this.lastEdit = { key, at: now };
    this.undone = [];
    if (goesOn) return;
    this.done.push(structuredClone(this.state));
    if (this.done.length > UNDO_AT_MOST) this.done.shift();
  }

  afterChange() {
    this.isDirty = true;
    this.writeText();
    this.ask();
  }

  undo() {
    this.goBack(this.done, this.undone, this.words.undone);
  }

  redo() {
    this.goBack(this.undone, this.done, this.words.redone);
  }

  goBack(from, to, said) {
    if (!from.length) return;
    const button = document.activeElement;
    to.push(this.state);
    this.state = from.pop();
    this.lastEdit = { key: "", at: 0 };
    this.afterChange();
    this.draw();
    this.status.textContent = said;
    if (button.disabled) (from === this.done ? this.redoButton : this.undoButton).focus();
  }

  /** Does what a button or a key means: a verb of VERBS, which answers where the focus goes. */
  act(verb, id) {
    if (this.isReadOnly || this.isBroken) return;
    let goal = null;
    this.change(`${verb} ${id} ${Date.now()}`, () => (goal = VERBS[verb](this, id)), true);
    if (goal === false) this.done.pop(); // nothing could be done, so there is nothing to undo
    if (goal) this.focusPart(goal.id, goal.part) || this.focusPart(goal.id, "handle");
    this.status.textContent = goal && ["up", "down"].includes(verb) ? this.placeOf(id) : "";
  }

  chooseZone() {
    this.change("zone", () => (this.state.timeZone = this.zone.value), true);
  }

  chooseKind(kind) {
    this.kind = kind;
    this.useVocabulary();
    this.draw();
    this.ask();
  }

  // Names, for labels

  nameOf(node) {
    if (!tree.isGroup(node)) {
      const { scope } = tree.find(this.state, node.id) || { scope: "" };
      return fill(this.words.condition_named, { name: this.rows.labelOf(node, scope) || this.words.new_condition });
    }
    return fill(this.words.group_named, { name: this.words[`combine_${node.combine}`] });
  }

  /** Where a node stands, for who moves it without seeing it. */
  placeOf(id) {
    const { node, parent } = tree.find(this.state, id);
    const places = { place: parent.children.indexOf(node) + 1, count: parent.children.length, group: this.nameOf(parent) };
    return fill(this.words.place, places);
  }

  // The focus

  findFocus() {
    const holder = this.columns.contains(document.activeElement) && document.activeElement.closest("[data-node]");
    const part = document.activeElement.closest("[data-part]")?.dataset.part;
    return holder && part ? { id: holder.dataset.node, part } : null;
  }

  /** Focuses a part of a node; whether it is there. */
  focusPart(id, part) {
    const parts = [...this.columns.querySelectorAll(`[data-part^="${part}"]`)];
    const found = parts.find((one) => one.closest("[data-node]")?.dataset.node === id || (!id && one.dataset.part === part));
    const input = found?.matches("input, select, textarea, button") ? found : found?.querySelector("input, button");
    input?.focus();
    return Boolean(input);
  }

  // Asking, and what is answered

  ask() {
    if (this.kind === "static" || !this.data.urls.check) return this.live.stop();
    if (this.isBroken || tree.isBlank(this.state)) {
      this.live.stop();
      this.showErrors([]);
      return this.isBroken ? this.panel.showFailure(this.words.not_json) : this.panel.showBlank();
    }
    this.panel.wait();
    const { segment } = this.data;
    return this.live.soon({ definition: tree.writeDefinition(this.state), segment, type: this.kind });
  }

  showAnswer(answer) {
    this.panel.show(answer);
    if (answer.part === "count") {
      this.lastAnswer = answer;
      this.showErrors(answer.errors);
    }
  }

  /** Each error stands at the node that its path leads to; who has not filled in a condition yet is not scolded. */
  showErrors(errors) {
    for (const line of this.columns.querySelectorAll("[data-error]")) line.hidden = true;
    for (const part of this.columns.querySelectorAll("[aria-invalid]")) part.removeAttribute("aria-invalid");
    const places = [...tree.walk(this.state)];
    for (const error of errors) this.showError(error, findPlace(places, error.path));
    this.general(errors.filter((error) => !findPlace(places, error.path)));
  }

  showError(error, place) {
    const line = place && this.columns.querySelector(`[data-error="${place.node.id}"]`);
    if (!line) return;
    const isUnfinished = this.isUnfinished(place);
    line.textContent = line.hidden ? error.message : `${line.textContent} ${error.message}`;
    if (isUnfinished) line.textContent = place.node.field ? this.words.fill_in : this.words.choose_field_first;
    line.hidden = false;
    line.classList.toggle("sb-quiet", isUnfinished);
    if (isUnfinished) return;
    const part = error.path.slice(place.path.length).match(/^\.(field|op|value|period|type|measure|of)/)?.[1];
    for (const input of this.partsOf(place.node.id, part)) input.setAttribute("aria-invalid", "true");
  }

  isUnfinished({ node, scope }) {
    if (tree.isGroup(node)) return false;
    return node.isFresh && !isFilledIn(node.value, this.vocabulary.operator(node, scope));
  }

  partsOf(id, part) {
    if (!part) return [];
    const parts = [...this.columns.querySelectorAll(`[data-part^="${part}"]`)];
    return parts.filter((one) => one.closest("[data-node]").dataset.node === id && one.matches("input, select, button"));
  }

  /** What has no place among the conditions. */
  general(errors) {
    this.generalLine ??= this.columns.after(h("p", { class: "sb-error", hidden: true })) ?? this.columns.nextElementSibling;
    this.generalLine.hidden = !errors.length;
    this.generalLine.textContent = errors.map((error) => error.message).join(" ");
  }

  // Events of the page

  listen() {
    this.text.addEventListener("input", () => this.typeText());
    this.editor.addEventListener("keydown", (event) => handleKey(this, event));
    const form = this.closest("form");
    form?.addEventListener("submit", () => (this.isDirty = false));
    window.addEventListener("beforeunload", (event) => this.isDirty && event.preventDefault());
    const type = document.getElementById("id_type");
    type?.addEventListener("change", () => this.chooseKind(type.value));
    if (type && type.value !== this.kind) this.chooseKind(type.value);
    if (this.isReadOnly) return;
    makeDraggable(this.columns, {
      canMove: (id, groupId) => this.canMove(id, groupId),
      move: (id, groupId, place) =>
        this.change(`drag ${id} ${Date.now()}`, () => tree.move(this.state, id, groupId, place), true),
    });
  }

  canMove(id, groupId) {
    const from = tree.find(this.state, id);
    const to = tree.find(this.state, groupId);
    return Boolean(from?.parent && to && from.scope === to.scope && !tree.contains(from.node, groupId));
  }
}

/** The deepest node on the way of a path: `match.all[0].value` is about the condition `match.all[0]`. */
function findPlace(places, path) {
  const onTheWay = places.filter((place) => path.startsWith(place.path) && /^($|[.[])/.test(path.slice(place.path.length)));
  return onTheWay.sort((one, other) => other.path.length - one.path.length)[0];
}

customElements.define("segment-builder", SegmentBuilder);

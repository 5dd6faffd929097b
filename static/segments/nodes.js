// What the tree is drawn of: groups with what they hold, and what every node has: a handle, "not", its buttons.

import { fill, h, icon, iconButton } from "./dom.js";
import { COMBINES, isGroup } from "./tree.js";

/** Draws for a builder, which has page, vocabulary, `change(key, edit, redraw)` and `act(verb, id)`. */
export class Nodes {
  constructor(builder) {
    this.builder = builder;
    this.page = builder.page;
    this.words = builder.page.words;
    this.vocabulary = builder.vocabulary;
  }

  // Groups

  /** A root: matched, or excluded. It cannot be moved, so it has no handle. */
  root(group) {
    return h("div", { class: "sb-root", "data-node": group.id }, this.groupBody(group, ""));
  }

  groupBody(group, scope) {
    const children = group.children.map((child, place) => this.item(child, place, group, scope));
    return [
      h("ul", { class: "sb-list", role: "list", "data-list": group.id, "data-scope": scope }, children),
      h(
        "div",
        { class: "sb-add" },
        this.addButton("add", this.words.add_condition, "addCondition", group.id),
        this.addButton("add_box", this.words.add_group, "addGroup", group.id),
      ),
      this.errorLine(group),
    ];
  }

  addButton(symbol, label, verb, id) {
    const onclick = () => this.builder.act(verb, id);
    return h("button", { type: "button", class: "sb-button", "data-part": verb, onclick }, icon(symbol), label);
  }

  combineSelect(group) {
    const options = COMBINES.map((name) => h("option", { value: name }, this.words[`combine_${name}`]));
    const onchange = (event) => this.change(group, "combine", () => (group.combine = event.target.value), true);
    return h(
      "select",
      { class: "sb-input sb-combine", "aria-label": this.words.combine, "data-part": "combine", onchange, value: group.combine },
      options,
    );
  }

  item(node, place, parent, scope) {
    const inner = isGroup(node) ? this.group(node, scope) : this.condition(node, scope);
    const joint = place ? h("span", { class: "sb-joint" }, this.words[`joint_${parent.combine}`]) : null;
    const kind = isGroup(node) ? "sb-group" : "sb-condition";
    const classes = `sb-node ${kind}${node.negated ? " sb-negated" : ""}`;
    return h("li", { class: classes, "data-node": node.id }, joint, h("div", { class: "sb-card" }, inner));
  }

  group(node, scope) {
    return [
      h(
        "div",
        { class: "sb-row" },
        this.handle(node),
        this.notButton(node),
        h("div", { class: "sb-fields" }, this.combineSelect(node)),
        this.buttons(node),
      ),
      this.groupBody(node, scope),
    ];
  }

  // What every node has

  handle(node) {
    return h(
      "button",
      {
        type: "button",
        class: "sb-icon sb-handle",
        "data-part": "handle",
        "data-handle": true,
        title: this.words.move,
        "aria-label": fill(this.words.move_this, { what: this.builder.nameOf(node) }),
        "aria-describedby": this.builder.keysId,
      },
      icon("drag_indicator"),
    );
  }

  notButton(node) {
    const onclick = () => this.builder.act("negate", node.id);
    return h(
      "button",
      {
        type: "button",
        class: "sb-not",
        "data-part": "not",
        "aria-pressed": String(node.negated),
        title: this.words.negate,
        "aria-label": fill(this.words.negate_this, { what: this.builder.nameOf(node) }),
        onclick,
      },
      this.words.not,
    );
  }

  buttons(node, first = null) {
    const what = this.builder.nameOf(node);
    const button = (symbol, verb, word) =>
      iconButton(symbol, fill(this.words[word], { what }), () => this.builder.act(verb, node.id), { "data-part": verb });
    return h(
      "div",
      { class: "sb-buttons" },
      first,
      button("content_copy", "copy", "copy_this"),
      isGroup(node) ? button("select", "unwrap", "unwrap_this") : button("fullscreen", "wrap", "wrap_this"),
      button("delete", "remove", "remove_this"),
    );
  }

  /** Where the server's words about this node are put; named, so that inputs can refer to it. */
  errorLine(node) {
    return h("p", { class: "sb-error", id: errorId(node), "data-error": node.id, hidden: true });
  }

  change(node, part, edit, redraw) {
    this.builder.change(`${node.id} ${part}`, edit, redraw);
  }
}

/** The line of a node's errors, which its inputs refer to. */
export function errorId(node) {
  return `sb-error-${node.id}`;
}

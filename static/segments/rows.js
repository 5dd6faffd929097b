// How the tree looks: groups with what they hold, conditions with their inputs.

import { fill, h, icon, iconButton } from "./dom.js";
import { valueInputs } from "./inputs.js";
import { picker, searchIn } from "./picker.js";
import { COMBINES, isGroup } from "./tree.js";
import { carryValue, firstValue, isFilledIn } from "./vocabulary.js";

/** Draws nodes for a builder, which has page, vocabulary, `change(id, part, edit, redraw)` and `act(verb, id)`. */
export class Rows {
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

  // Conditions

  condition(node, scope) {
    const relation = this.vocabulary.relation(node, scope);
    const hint = this.hint(node, scope);
    const fields = [
      this.fieldPicker(node, scope),
      relation && this.relationInputs(node, relation),
      this.operatorSelect(node, scope),
      this.values(node, scope),
    ];
    return [
      h("div", { class: "sb-row" }, this.handle(node), this.notButton(node), h("div", { class: "sb-fields" }, fields), this.buttons(node, hint?.button)),
      relation && this.rowsAskedAbout(node, relation),
      hint?.line,
      this.notSet(node, scope),
      this.errorLine(node),
    ];
  }

  fieldPicker(node, scope) {
    const field = this.vocabulary.field(node.field, scope);
    return picker({
      label: this.words.field,
      shown: field ? field.label : node.field,
      placeholder: this.words.choose_field,
      words: this.words,
      chosen: node.field,
      load: this.searchFields(scope),
      onChoose: (item) => this.change(node, "field", () => this.chooseField(node, scope, item.key), "value"),
      attributes: { "data-part": "field" },
    });
  }

  /** Fields by label and key; and members, which can have any name, as they are typed or known. */
  searchFields(scope, fits = () => true) {
    const items = this.vocabulary.fields(scope).filter(fits).map((one) => ({
      key: one.key,
      label: one.label,
      group: this.vocabulary.groupLabel(one.group),
      also: one.key,
    }));
    const members = this.vocabulary.members(scope).filter(fits);
    const search = searchIn(items);
    if (!members.length) return search;
    return async (text, signal) => {
      const lists = members.map((one) => this.searchMembers(one, scope, text.trim(), signal));
      return [...search(text), ...(await Promise.all(lists)).flat()];
    };
  }

  async searchMembers({ prefix, label }, scope, text, signal) {
    const known = await this.page.suggest({ key: prefix, scope }, text, signal);
    const names = known.map((item) => item.key);
    if (text && !names.includes(text)) names.push(text);
    return names.map((name) => ({ key: prefix + name, label: name, group: label }));
  }

  chooseField(node, scope, key) {
    const before = this.vocabulary.typeOf(node, scope);
    for (const name of ["measure", "of", "type", "period", "where", "comparedAs"]) delete node[name];
    node.field = key;
    const operators = this.vocabulary.operatorsOf(node, scope);
    const field = this.vocabulary.field(key, scope);
    const keepsValue = before === this.vocabulary.typeOf(node, scope) && !field.options && operators.some((one) => one.key === node.op);
    if (keepsValue) return;
    node.op = operators.length ? operators[0].key : "";
    this.resetValue(node, scope);
  }

  resetValue(node, scope) {
    node.value = firstValue(this.vocabulary.operator(node, scope), this.valueField(node, scope));
    node.isFresh = true;
  }

  /** The field whose options and suggestions a value has: with a measure over rows there are none. */
  valueField(node, scope) {
    return this.vocabulary.relation(node, scope) ? null : this.vocabulary.field(node.field, scope);
  }

  /** None where rows are only there or not: the measure says which. */
  operatorSelect(node, scope) {
    const relation = this.vocabulary.relation(node, scope);
    if (!node.field || (relation && this.vocabulary.measure(node, relation).key === "any")) return null;
    const groups = this.vocabulary.operatorGroups(node, scope);
    const chosen = `${this.vocabulary.typeOf(node, scope)} ${node.op}`;
    const options = groups.map(({ type, operators }) => {
      const listed = operators.map((one) => h("option", { value: `${type} ${one.key}` }, one.label));
      return groups.length > 1 ? h("optgroup", { label: this.words[`type_${type}`] }, listed) : listed;
    });
    if (!this.vocabulary.operator(node, scope)) options.unshift(h("option", { value: chosen }, node.op || "…"));
    const onchange = (event) => {
      const [type, key] = event.target.value.split(" ");
      this.change(node, "op", () => this.chooseOperator(node, scope, type, key), "value");
    };
    const more = { "aria-label": this.words.operator, "data-part": "op", onchange, value: chosen };
    return h("select", { class: "sb-input sb-op", ...more }, options);
  }

  chooseOperator(node, scope, type, key) {
    const before = this.vocabulary.operator(node, scope);
    node.op = key;
    if (this.vocabulary.field(node.field, scope)?.isMember) node.comparedAs = type;
    const after = this.vocabulary.operator(node, scope);
    const field = this.valueField(node, scope);
    node.value = node.isFresh ? firstValue(after, field) : carryValue(node.value, before, after, field);
    node.isFresh = !isFilledIn(node.value, after);
  }

  values(node, scope) {
    const field = this.valueField(node, scope);
    return valueInputs({
      operator: this.vocabulary.operator(node, scope),
      field: field && { ...field, scope },
      value: node.value,
      label: fill(this.words.value_of, { what: this.labelOf(node, scope) }),
      page: this.page,
      onChange: (value, redraw = false) =>
        this.change(node, "value", () => Object.assign(node, { value, isFresh: false }), redraw),
      attributes: { "aria-describedby": errorId(node) },
    });
  }

  /** What helps to write the value, for who asks for it: a button and a line that it shows. */
  hint(node, scope) {
    const text = this.vocabulary.operator(node, scope)?.hint;
    if (!text) return null;
    const line = h("p", { class: "sb-help", hidden: true }, text);
    const button = iconButton("help", this.words.help, () => {
      line.hidden = !line.hidden;
      button.setAttribute("aria-expanded", String(!line.hidden));
    });
    button.setAttribute("aria-expanded", "false");
    button.title = text;
    return { button, line };
  }

  /** What is easily forgotten: that those without a value are in. */
  notSet(node, scope) {
    const operator = this.vocabulary.operator(node, scope);
    const isMeant = operator?.when_not_set && operator.arity !== "none";
    const text = isMeant && fill(this.words.when_not_set, { what: this.labelOf(node, scope) });
    return text ? h("p", { class: "sb-help" }, text) : null;
  }

  labelOf(node, scope) {
    return this.vocabulary.field(node.field, scope)?.label || node.field;
  }

  // Conditions about rows: events, orders

  relationInputs(node, relation) {
    const measure = this.vocabulary.measure(node, relation);
    return [
      relation.types?.length ? this.typePicker(node, relation) : null,
      this.measureSelect(node, relation, measure),
      measure.of ? this.ofPicker(node, relation) : null,
    ];
  }

  typePicker(node, relation) {
    const items = [{ key: "", label: this.words.any_type }, ...relation.types];
    const chosen = items.find((one) => one.key === (node.type || ""));
    return picker({
      label: this.words.type,
      shown: chosen ? chosen.label : node.type,
      placeholder: this.words.any_type,
      words: this.words,
      chosen: node.type || "",
      load: searchIn(items),
      onChoose: (item) => this.change(node, "type", () => setOrDelete(node, "type", item.key), true),
      attributes: { "data-part": "type" },
    });
  }

  /** What is asked of the rows; whether there are any is asked by two entries, so that no operator has to follow. */
  measureSelect(node, relation, measure) {
    const presence = this.vocabulary.operators[relation.measures[0].type] || [];
    const options = relation.measures.flatMap((one) =>
      one.key === "any"
        ? presence.map((operator) => h("option", { value: `any ${operator.key}` }, this.words[`rows_${operator.key}`] || operator.label))
        : h("option", { value: one.key }, one.label),
    );
    const onchange = (event) => {
      const [key, op] = event.target.value.split(" ");
      this.change(node, "measure", () => this.chooseMeasure(node, relation, key, op), "value");
    };
    const value = measure.key === "any" ? `any ${node.op}` : measure.key;
    const more = { "aria-label": this.words.measure, "data-part": "measure", onchange, value };
    return h("select", { class: "sb-input", ...more }, options);
  }

  chooseMeasure(node, relation, key, op) {
    const before = this.vocabulary.measure(node, relation);
    if (key === "any") delete node.measure;
    else node.measure = key;
    const measure = this.vocabulary.measure(node, relation);
    if (!measure.of) delete node.of;
    if (op) node.op = op;
    if (op || measure.type === before.type) return;
    const operators = this.vocabulary.operators[measure.type] || [];
    const usual = ["at_least", "in_last"].map((name) => operators.find((one) => one.key === name)).find(Boolean);
    node.op = (usual || operators[0])?.key || "";
    this.resetValue(node, "");
    if (node.op === "at_least") node.value = 1;
  }

  ofPicker(node, relation) {
    return picker({
      label: this.words.of,
      shown: node.of && (this.vocabulary.field(node.of, relation.key)?.label || node.of),
      placeholder: this.words.choose_of,
      words: this.words,
      chosen: node.of,
      load: this.searchFields(relation.key, (one) => one.of),
      onChoose: (item) => this.change(node, "of", () => (node.of = item.key), true),
      attributes: { "data-part": "of" },
    });
  }

  rowsAskedAbout(node, relation) {
    const canAsk = relation.fields.length + relation.members.length > 0;
    return h(
      "div",
      { class: "sb-about" },
      node.period ? this.period(node) : null,
      node.where ? this.where(node) : null,
      h(
        "div",
        { class: "sb-add" },
        node.period ? null : this.addButton("date_range", this.words.add_period, "addPeriod", node.id),
        node.where || !canAsk ? null : this.addButton("filter_alt", this.words.add_where, "addWhere", node.id),
      ),
    );
  }

  period(node) {
    const operators = this.vocabulary.periodOperators;
    const operator = operators.find((one) => one.key === node.period.op);
    const onchange = (event) =>
      this.change(node, "period", () => this.choosePeriod(node, event.target.value), true);
    const select = h(
      "select",
      { class: "sb-input sb-op", "aria-label": this.words.period, "data-part": "period", onchange, value: node.period.op },
      operators.map((one) => h("option", { value: one.key }, one.label)),
    );
    const inputs = valueInputs({
      operator,
      field: this.vocabulary.relations[node.field].period,
      value: node.period.value,
      label: this.words.period,
      page: this.page,
      onChange: (value, redraw = false) => this.change(node, "period value", () => (node.period.value = value), redraw),
      attributes: { "aria-describedby": errorId(node) },
    });
    for (const input of inputs) renamePart(input, "period-");
    return h(
      "div",
      { class: "sb-row sb-sub", "data-period": true },
      h("span", { class: "sb-word" }, this.words.when),
      h("div", { class: "sb-fields" }, select, inputs),
      h("div", { class: "sb-buttons" }, iconButton("close", this.words.remove_period, () => this.builder.act("removePeriod", node.id))),
    );
  }

  choosePeriod(node, key) {
    const operators = this.vocabulary.periodOperators;
    const [before, after] = [node.period.op, key].map((name) => operators.find((one) => one.key === name));
    node.period = withValue(key, carryValue(node.period.value, before, after, null));
  }

  firstPeriod() {
    const operators = this.vocabulary.periodOperators;
    const operator = operators.find((one) => one.key === "in_last") || operators[0];
    return withValue(operator.key, firstValue(operator, null));
  }

  where(node) {
    return h(
      "div",
      { class: "sb-where", "data-node": node.where.id },
      h(
        "div",
        { class: "sb-row" },
        h("span", { class: "sb-word" }, this.words.where),
        h("div", { class: "sb-fields" }, this.combineSelect(node.where)),
        h(
          "div",
          { class: "sb-buttons" },
          iconButton("close", this.words.remove_where, () => this.builder.act("remove", node.where.id), { "data-part": "remove" }),
        ),
      ),
      this.groupBody(node.where, node.field),
    );
  }
}

export function errorId(node) {
  return `sb-error-${node.id}`;
}

/** An operator that takes no value has none. */
function withValue(op, value) {
  return value === undefined ? { op } : { op, value };
}

function setOrDelete(node, key, value) {
  if (value) node[key] = value;
  else delete node[key];
}

/** Two inputs of one condition need two names, or the focus would come back to the wrong one. */
function renamePart(element, prefix) {
  for (const named of [element, ...element.querySelectorAll("[data-part]")]) {
    if (named.dataset?.part) named.dataset.part = prefix + named.dataset.part;
  }
}

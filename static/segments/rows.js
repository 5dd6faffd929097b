// Conditions about rows of other tables, events or orders: which, what is measured over them, when, with what details.

import { fill, h, iconButton } from "./dom.js";
import { Conditions } from "./conditions.js";
import { valueInputs } from "./inputs.js";
import { errorId } from "./nodes.js";
import { picker, searchIn } from "./picker.js";
import { carryValue, firstValue } from "./vocabulary.js";

/** Everything that is drawn of a definition. */
export class Rows extends Conditions {
  relationInputs(node, relation) {
    const measure = this.vocabulary.measure(node, relation);
    return [
      relation.types?.length ? this.typePicker(node, relation) : null,
      this.measureSelect(node, relation, measure),
      measure.of ? this.ofPicker(node, relation) : null,
    ];
  }

  typePicker(node, relation) {
    const offered = relation.types.filter((one) => one.is_offered !== false);
    const items = [{ key: "", label: this.words.any_type }, ...offered];
    const chosen = items.find((one) => one.key === (node.type || "")) || this.retiredType(node, relation);
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

  /** A type that is not offered any more, which the condition goes on with. */
  retiredType(node, relation) {
    const type = relation.types.find((one) => one.key === node.type);
    return type && { ...type, label: fill(this.words.type_retired, { type: type.label }) };
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
      load: this.searchFields(relation.key, (one) => one.of, node.type),
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

// Conditions: a field, an operator of its type, the inputs of its value.

import { fill, h, iconButton } from "./dom.js";
import { valueInputs } from "./inputs.js";
import { errorId, Nodes } from "./nodes.js";
import { picker, searchIn } from "./picker.js";
import { contains, walk } from "./tree.js";
import { carryValue, firstValue, isFilledIn } from "./vocabulary.js";

/** Nodes, with the conditions among them. */
export class Conditions extends Nodes {
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
      load: this.searchFields(scope, () => true, this.kindAround(node, scope)),
      onChoose: (item) => this.change(node, "field", () => this.chooseField(node, scope, item.key), "value"),
      attributes: { "data-part": "field" },
    });
  }

  /** Fields by label and key; and members, which can have any name, as they are typed or known. */
  searchFields(scope, fits, kind) {
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
      const lists = members.map((one) => this.searchMembers(one, { scope, kind }, text.trim(), signal));
      return [...search(text), ...(await Promise.all(lists)).flat()];
    };
  }

  async searchMembers({ prefix, label }, rows, text, signal) {
    const known = await this.page.suggest({ key: prefix, ...rows }, text, signal);
    const names = known.map((item) => item.key);
    if (text && !names.includes(text)) names.push(text);
    return names.map((name) => ({ key: prefix + name, label: name, group: label }));
  }

  /** Which rows a condition on rows is about, such as the key of an event type; undefined where any are. */
  kindAround(node, scope) {
    if (!scope) return undefined;
    const places = [...walk(this.builder.state)];
    return places.find(({ node: outer }) => outer.where && contains(outer.where, node.id))?.node.type;
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
}

// The inputs of a condition's value: which there are follows from the operator, what they suggest from the field.

import { fill, h, iconButton } from "./dom.js";
import { picker, searchIn, suggestingInput } from "./picker.js";

const TOKENS_SHOWN = 40;
const OPTIONS_AS_BOXES = 8;

/**
 * The elements in which a value is given.
 *
 * `asked` is {operator, field, value, label, page, onChange(value, redraw), attributes}: `redraw` is true where other
 * inputs follow from the change, "soon" where a click that goes on must not lose its button. `page` has words, units,
 * names of segments and imports, and `suggest(field, text, signal)`.
 */
export function valueInputs(asked) {
  const { operator } = asked;
  if (!operator || operator.arity === "none") return [];
  if (operator.arity === "many") return manyInputs(asked);
  if (operator.arity === "two") return twoInputs(asked);
  return [oneInput(asked)].flat();
}

function oneInput(asked) {
  const make = ONE[asked.operator.input] || ONE.text;
  return make(asked);
}

const ONE = {
  text: textInput,
  number: numberInput,
  day: dayInput,
  option: optionInput,
  duration: durationInputs,
  days: (asked) => withUnit(numberInput(asked, { step: "1", min: "0" }), asked.page.words.days),
  day_of_month: (asked) => numberInput(asked, { step: "1", min: "1", max: "31" }),
  segment: namedInput,
  import: namedInput,
  percent: percentInputs,
};

function attributesOf({ label, attributes }, part = "value") {
  return { "aria-label": label, "data-part": part, ...attributes };
}

function textInput(asked) {
  const { field, value, page, onChange } = asked;
  const attributes = { ...attributesOf(asked), placeholder: page.words.value };
  const text = value === undefined || value === null ? "" : String(value);
  if (!field?.suggests) {
    const oninput = (event) => onChange(event.target.value);
    return h("input", { class: "sb-input sb-wide", type: "text", value: text, oninput, ...attributes });
  }
  return suggestingInput({
    value: text,
    words: page.words,
    load: (typed, signal) => page.suggest(field, typed, signal),
    onInput: (typed) => onChange(typed),
    onCommit: (typed) => onChange(typed),
    attributes,
  });
}

function numberInput(asked, limits = { step: "any" }, part = "value") {
  const oninput = (event) => asked.onChange(readNumber(event.target.value));
  const shown = typeof asked.value === "number" ? String(asked.value) : (asked.value ?? "");
  const more = { inputmode: limits.step === "any" ? "decimal" : "numeric", ...attributesOf(asked, part) };
  return h("input", { class: "sb-input sb-number", type: "number", oninput, ...limits, ...more, value: shown });
}

function dayInput(asked, part = "value") {
  const oninput = (event) => asked.onChange(event.target.value);
  const more = attributesOf(asked, part);
  return h("input", { class: "sb-input sb-day", type: "date", max: "2999-12-31", oninput, ...more, value: asked.value ?? "" });
}

function optionInput(asked) {
  const { field, value } = asked;
  const options = (field?.options || []).map((one) => h("option", { value: one.key }, one.label));
  if (!field?.options?.some((one) => one.key === value)) options.unshift(h("option", { value: value ?? "" }, value || "…"));
  const onchange = (event) => asked.onChange(event.target.value);
  return h("select", { class: "sb-input", onchange, ...attributesOf(asked), value: value ?? "" }, options);
}

function durationInputs(asked) {
  const [amount, unit] = Array.isArray(asked.value) ? asked.value : ["", "days"];
  const { words, units } = asked.page;
  const now = { amount, unit };
  const tell = (changes) => asked.onChange([...Object.values(Object.assign(now, changes))]);
  const inputs = { ...asked, value: amount, onChange: (typed) => tell({ amount: typed }) };
  const select = h(
    "select",
    {
      class: "sb-input",
      "aria-label": `${asked.label}: ${words.unit}`,
      "data-part": "unit",
      onchange: (event) => tell({ unit: event.target.value }),
      value: unit,
    },
    units.filter((one) => !one.within_a_day || !asked.field?.keeps_days).map((one) => h("option", { value: one.key }, one.label)),
  );
  return [numberInput(inputs, { step: "1", min: "1" }), select];
}

function percentInputs(asked) {
  const [percent, seed] = Array.isArray(asked.value) ? asked.value : ["", ""];
  const { words } = asked.page;
  const now = { percent, seed };
  const tell = (changes) => asked.onChange([...Object.values(Object.assign(now, changes))]);
  const number = numberInput({ ...asked, value: percent, onChange: (typed) => tell({ percent: typed }) }, { step: "any", min: "0", max: "100" });
  const draw = h("input", {
    class: "sb-input sb-number",
    type: "text",
    "aria-label": words.draw,
    "data-part": "draw",
    value: seed,
    oninput: (event) => tell({ seed: event.target.value }),
  });
  return [withUnit(number, "%"), h("label", { class: "sb-unit", title: words.draw_help }, words.draw_short, draw)];
}

function withUnit(input, unit) {
  return h("span", { class: "sb-unit" }, input, h("span", {}, unit));
}

/** A segment or an import, which are known by their number and shown by their name. */
function namedInput(asked) {
  const { operator, field, value, page, label, onChange, attributes } = asked;
  const names = page.names[operator.input] || {};
  const shown = value === "" || value === undefined || value === null ? "" : names[value] || `#${value}`;
  return picker({
    label,
    shown,
    placeholder: page.words.choose,
    words: page.words,
    chosen: value,
    load: (text, signal) => page.suggest(field, text, signal),
    onChoose: (item) => {
      page.names[operator.input] = { ...names, [item.key]: item.label };
      onChange(item.key, true);
    },
    attributes: { "data-part": "value", ...attributes },
  });
}

function twoInputs(asked) {
  const { value, label, page, onChange } = asked;
  const now = Array.isArray(value) ? [...value, "", ""].slice(0, 2) : ["", ""];
  const side = (place, name) => {
    const one = {
      ...asked,
      operator: { ...asked.operator, arity: "one" },
      value: now[place],
      label: `${label}: ${name}`,
      onChange: (typed) => onChange(Object.assign(now, { [place]: typed }).slice()),
    };
    const part = `value${place}`;
    if (one.operator.input === "number") return numberInput(one, { step: "any" }, part);
    if (one.operator.input === "day") return dayInput(one, part);
    return oneInput(one);
  };
  return [side(0, page.words.from), h("span", { class: "sb-word" }, page.words.and), side(1, page.words.to)].flat();
}

// Many

function manyInputs(asked) {
  const options = asked.operator.input === "option" ? asked.field?.options || [] : null;
  if (options && options.length <= OPTIONS_AS_BOXES) return [boxes(asked, options)];
  return [tokens(asked, options)];
}

function boxes(asked, options) {
  const chosen = new Set(asked.value || []);
  const box = (option, place) => {
    const onchange = (event) => {
      if (event.target.checked) chosen.add(option.key);
      else chosen.delete(option.key);
      asked.onChange([...chosen]);
    };
    const input = h("input", { type: "checkbox", onchange, "data-part": `value${place}` });
    input.checked = chosen.has(option.key);
    return h("label", { class: "sb-box" }, input, option.label);
  };
  return h("div", { class: "sb-boxes", role: "group", "aria-label": asked.label, ...asked.attributes }, options.map(box));
}

/** A list as tokens: typed, chosen from suggestions or pasted; a long one is edited as text. */
function tokens(asked, options) {
  const { value, page, field, label, operator, onChange, attributes } = asked;
  const { words } = page;
  const values = Array.isArray(value) ? value : [];
  const nameOf = (item) => page.names[operator.input]?.[item] || options?.find((one) => one.key === item)?.label || String(item);
  const add = (text, redraw = true) => {
    const added = [...new Set(readList(text, operator))].filter((item) => !values.includes(item));
    if (added.length) onChange([...values, ...added], redraw);
  };
  const token = (item) => {
    const remove = () => onChange(values.filter((other) => other !== item), true);
    const name = fill(words.remove_value, { value: nameOf(item) });
    return h("span", { class: "sb-token" }, h("span", {}, nameOf(item)), iconButton("close", name, remove));
  };
  const load = options
    ? searchIn(options.filter((one) => !values.includes(one.key)))
    : (text, signal) => (field?.suggests ? page.suggest(field, text, signal) : []);
  const input = suggestingInput({
    value: "",
    words,
    load,
    clearsAfter: true,
    onInput: () => {},
    onCommit: add,
    attributes: { ...attributes, "aria-label": label, "data-part": "value", placeholder: words.add_values },
  });
  const typed = input.querySelector("input");
  typed.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    if (!/[\n\t;,]/.test(text)) return;
    event.preventDefault();
    add(text);
  });
  typed.addEventListener("blur", () => typed.value.trim() && !options && add(typed.value, "soon"));
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Backspace" && !typed.value && values.length) onChange(values.slice(0, -1), true);
  });
  const more = values.length - TOKENS_SHOWN;
  return h(
    "div",
    { class: "sb-tokens" },
    values.slice(0, TOKENS_SHOWN).map(token),
    more > 0 && h("span", { class: "sb-more" }, fill(words.more_values, { count: page.number(more) })),
    input,
    !options && listEditor(asked, values),
  );
}

/** The whole list as text, a value a line. */
function listEditor({ operator, page, label, onChange }, values) {
  const { words } = page;
  const area = h("textarea", { class: "sb-input", rows: 8, spellcheck: "false", "aria-label": `${label}: ${words.a_value_a_line}` });
  area.value = values.join("\n");
  const done = () => onChange([...new Set(readList(area.value, operator, /[\r\n]+/))], true);
  const editor = h(
    "div",
    { class: "sb-list-editor", hidden: true },
    h("p", { class: "sb-help" }, words.a_value_a_line),
    area,
    h("button", { type: "button", class: "sb-button", onclick: done }, words.take_list),
  );
  const toggle = iconButton("list_alt", words.edit_as_list, () => {
    editor.hidden = !editor.hidden;
    toggle.setAttribute("aria-expanded", String(!editor.hidden));
    if (!editor.hidden) area.focus();
  });
  toggle.setAttribute("aria-expanded", "false");
  return [toggle, editor];
}

function readList(text, operator, separators = /[\r\n\t;,]+/) {
  const items = text.split(separators).map((item) => item.trim()).filter(Boolean);
  return operator.input === "number" ? items.map(readNumber) : items;
}

/** The number that was typed; what is none stays as it is, so that the server says what is wrong with it. */
function readNumber(text) {
  const number = Number(text);
  return text.trim() === "" || Number.isNaN(number) ? text : number;
}


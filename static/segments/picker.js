// Lists that can be searched: a button that opens one (for what must be chosen), a text field with suggestions (for
// what may be typed). Both follow the combobox pattern: the focus stays in the text field, arrow keys move the choice.

import { freshId, h, icon } from "./dom.js";

const MOST_SHOWN = 200;
const SUGGEST_AFTER = 120;

/** The list itself. `choose(item)` is called with what is picked. */
class Choices {
  constructor(input, choose, label) {
    this.input = input;
    this.choose = choose;
    this.items = [];
    this.options = [];
    this.active = -1;
    this.list = h("div", { class: "sb-choices", role: "listbox", id: freshId("list"), "aria-label": label });
    input.setAttribute("aria-controls", this.list.id);
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays
  }

  show(items, { chosen = null, nothing = "" } = {}) {
    const groups = groupItems(items.slice(0, MOST_SHOWN));
    this.items = [...groups.values()].flat();
    this.options = this.items.map((item, place) => this.option(item, place, chosen));
    this.list.replaceChildren(...this.grouped(groups));
    if (!this.items.length && nothing) this.list.append(h("p", { class: "sb-nothing", role: "presentation" }, nothing));
    this.activate(-1);
  }

  option(item, place, chosen) {
    return h(
      "div",
      {
        class: "sb-choice",
        role: "option",
        id: freshId("option"),
        "aria-selected": item.key === chosen ? "true" : "false",
        onclick: () => this.choose(this.items[place]),
      },
      h("span", {}, item.label),
      item.hint && h("small", {}, item.hint),
    );
  }

  grouped(groups) {
    let place = 0;
    return [...groups].map(([name, items]) => {
      const options = this.options.slice(place, (place += items.length));
      if (!name) return h("div", { role: "presentation" }, options);
      const heading = h("p", { class: "sb-choices-of", "aria-hidden": "true" }, name);
      return h("div", { role: "group", "aria-label": name }, heading, options);
    });
  }

  /** The one that Enter takes; -1 for none. */
  activate(place) {
    this.options[this.active]?.classList.remove("sb-active");
    this.active = this.options.length ? Math.max(-1, Math.min(place, this.options.length - 1)) : -1;
    const option = this.options[this.active];
    if (!option) return this.input.removeAttribute("aria-activedescendant");
    option.classList.add("sb-active");
    option.scrollIntoView({ block: "nearest" });
    return this.input.setAttribute("aria-activedescendant", option.id);
  }

  /** Arrow keys, Home, End; whether the key was one of them. */
  move(event) {
    const last = this.options.length - 1;
    const places = { ArrowDown: this.active + 1, ArrowUp: Math.max(this.active - 1, 0), PageDown: this.active + 8 };
    places.PageUp = Math.max(this.active - 8, 0);
    if (event.ctrlKey || event.metaKey) Object.assign(places, { Home: 0, End: last });
    if (event.altKey || !(event.key in places)) return false;
    event.preventDefault();
    this.activate(places[event.key]);
    return true;
  }

  get current() {
    return this.items[this.active];
  }
}

/** Items of one group stand together. */
function groupItems(items) {
  const groups = new Map();
  for (const item of items) {
    const name = item.group || "";
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
}

/**
 * A button that shows what is chosen and opens a list with a search field.
 * `load(text, signal)` answers the items, at once or later.
 */
export function picker({ label, shown, placeholder, words, load, chosen, onChoose, attributes = {} }) {
  const text = h("span", { class: shown ? "sb-chosen" : "sb-chosen sb-placeholder" }, shown || placeholder);
  const button = h(
    "button",
    { type: "button", class: "sb-input sb-pick", "aria-haspopup": "listbox", "aria-expanded": "false", ...attributes },
    text,
    icon("expand_more"),
  );
  button.setAttribute("aria-label", `${label}: ${shown || placeholder}`);
  const place = h("div", { class: "sb-anchor" }, button);
  const search = h("input", {
    class: "sb-input",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-autocomplete": "list",
    "aria-expanded": "true",
    "aria-label": words.search.replace("{what}", label),
    placeholder: words.search_short,
  });
  const popup = h("div", { class: "sb-popup" });
  const close = (refocus) => {
    if (!popup.isConnected) return;
    if (refocus) button.focus(); // before the list goes, or its going would be told as a loss of focus
    popup.remove();
    button.setAttribute("aria-expanded", "false");
  };
  const choices = new Choices(
    search,
    (item) => {
      close(true);
      onChoose(item);
    },
    label,
  );
  const loading = new Loading(load, (items) => {
    choices.show(items, { chosen, nothing: words.nothing_found });
    choices.activate(search.value ? 0 : Math.max(0, items.findIndex((item) => item.key === chosen)));
  });
  popup.append(search, choices.list);
  const open = () => {
    if (popup.isConnected) return;
    place.append(popup);
    button.setAttribute("aria-expanded", "true");
    search.value = "";
    search.focus();
    loading.now("");
    popup.scrollIntoView({ block: "nearest" });
  };

  button.addEventListener("click", () => (popup.isConnected ? close(true) : open()));
  button.addEventListener("keydown", (event) => {
    if (["ArrowDown", "ArrowUp"].includes(event.key) && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      open();
    }
  });
  search.addEventListener("input", () => loading.soon(search.value));
  search.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (choices.move(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      loading.finish(search.value).then(() => choices.current && choices.choose(choices.current));
    } else if (event.key === "Escape") {
      event.preventDefault();
      close(true);
    } else if (event.key === "Tab") {
      close(true); // and the browser goes on from the button
    }
  });
  place.addEventListener("focusout", (event) => place.contains(event.relatedTarget) || close(false));
  return place;
}

/** A text field with suggestions. `onInput(text)` at every change, `onCommit(text)` when Enter or a click picks one. */
export function suggestingInput({ value, words, load, onInput, onCommit, clearsAfter = false, attributes = {} }) {
  const input = h("input", {
    class: "sb-input",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    value,
    ...attributes,
  });
  const popup = h("div", { class: "sb-popup" });
  const place = h("div", { class: "sb-anchor sb-wide" }, input);
  const close = () => {
    loading.cancel();
    popup.remove();
    input.setAttribute("aria-expanded", "false");
    choices.activate(-1);
  };
  const take = (text) => {
    input.value = clearsAfter ? "" : text;
    close();
    onCommit(text);
  };
  const choices = new Choices(input, (item) => take(item.key), attributes["aria-label"]);
  popup.append(choices.list);
  const loading = new Loading(load, (items) => {
    if (document.activeElement !== input || !items.length) return close();
    choices.show(items);
    place.append(popup);
    return input.setAttribute("aria-expanded", "true");
  });

  input.addEventListener("input", () => {
    onInput(input.value);
    loading.soon(input.value);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault(); // it would save the form
      const text = choices.current ? choices.current.key : input.value;
      if (choices.current || clearsAfter) take(text);
      else close();
    } else if (event.key === "Escape" && popup.isConnected) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" && !event.altKey && !popup.isConnected) {
      event.preventDefault();
      loading.now(input.value);
    } else if (popup.isConnected) {
      choices.move(event);
    }
  });
  place.addEventListener("focusout", close);
  return place;
}

/** Asks `load` for items, the newest question only. */
class Loading {
  constructor(load, show) {
    this.load = load;
    this.show = show;
    this.timer = null;
    this.running = null;
  }

  cancel() {
    window.clearTimeout(this.timer);
    this.running?.abort();
    this.timer = this.running = null;
  }

  soon(text) {
    this.cancel();
    if (this.load.isImmediate) this.now(text);
    else this.timer = window.setTimeout(() => this.now(text), SUGGEST_AFTER);
  }

  async now(text) {
    this.cancel();
    const running = (this.running = new AbortController());
    let items = [];
    try {
      items = await this.load(text, running.signal);
    } catch {
      // no proposals then: what is asked for can still be typed
    }
    if (this.running !== running) return;
    this.running = null;
    this.show(items);
  }

  /** For who is quicker than the answer: when the items for `text` are shown. */
  async finish(text) {
    if (this.timer || this.running) await this.now(text);
  }
}

/** A `load` over items that are all here: every word that is typed has to be found. */
export function searchIn(items) {
  const texts = items.map((item) => `${item.label} ${item.group || ""} ${item.also || ""}`.toLowerCase());
  const load = (text) => {
    const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = items.filter((_item, place) => wanted.every((word) => texts[place].includes(word)));
    return found.sort((one, other) => rank(one, wanted) - rank(other, wanted));
  };
  load.isImmediate = true;
  return load;
}

/** What begins with the first word comes first; the order stays else. */
function rank(item, wanted) {
  return wanted.length && !item.label.toLowerCase().startsWith(wanted[0]) ? 1 : 0;
}

// What the server says of the definition: count, sentence, who is in it, who would join and leave.

import { fill, h, icon } from "./dom.js";

export class Panel {
  constructor(page, { isStored }) {
    this.page = page;
    this.words = page.words;
    this.isStored = isStored;
    this.answer = {};
    this.spoken = h("p", { class: "sb-hidden", role: "status" });
    this.count = h("p", { class: "sb-count", "data-count": true }, "…");
    this.label = h("p", { class: "sb-count-label" });
    this.short = h("span", { class: "sb-short", "aria-hidden": "true" });
    this.sentence = h("p", { class: "sb-sentence", "data-sentence": true });
    this.warning = h("p", { class: "sb-warning", hidden: true });
    this.changes = h("div", { class: "sb-changes", hidden: true });
    this.sample = h("div", { class: "sb-sample", hidden: true });
    this.element = h(
      "section",
      { class: "sb-panel", "aria-label": this.words.panel },
      h("div", { class: "sb-figure" }, this.count, this.label),
      this.warning,
      this.sentence,
      this.changes,
      this.sample,
      this.spoken,
    );
  }

  /** The question is on its way: what stands here is of before. */
  wait() {
    this.element.classList.add("sb-waiting");
  }

  /** Nothing is asked yet. */
  showBlank() {
    this.answer = {};
    this.showFigure("—", this.words.nothing_asked);
    this.clear();
    this.element.classList.remove("sb-waiting");
  }

  show(answer) {
    if (answer.failed) return this.showFailure(this.words[answer.failed]);
    if (answer.errors?.length) return this.showRefused(answer);
    this.answer = answer.part === "count" ? answer : { ...this.answer, ...answer };
    this.showCount();
    this.element.classList.toggle("sb-waiting", this.answer.is_estimate && answer.part === "count");
    this.sentence.textContent = this.answer.sentence;
    this.say(this.warning, this.answer.warning);
    if (answer.part === "people") {
      this.showChanges();
      this.showSample();
    }
    return undefined;
  }

  showFailure(message) {
    this.showFigure("—", message);
    this.speak(message);
    this.element.classList.remove("sb-waiting");
  }

  showRefused(answer) {
    this.answer = answer;
    this.showFigure("—", this.words.unfinished);
    this.clear();
    this.element.classList.remove("sb-waiting");
  }

  clear() {
    this.sentence.textContent = "";
    for (const part of [this.warning, this.changes, this.sample]) part.hidden = true;
  }

  showCount() {
    const { count, is_estimate: isEstimate } = this.answer;
    if (count === null || count === undefined) return this.showFigure("…", this.words.counting);
    const number = this.page.number(count);
    const label = isEstimate ? this.words.about_match : count === 1 ? this.words.one_matches : this.words.match;
    this.showFigure(isEstimate ? `≈ ${number}` : number, label);
    return this.speak(`${isEstimate ? "≈ " : ""}${number} ${label}`);
  }

  showFigure(figure, label) {
    this.count.textContent = figure;
    this.label.textContent = label;
    this.short.textContent = /\d/.test(figure) ? `${figure} ${label}` : "";
  }

  /** Said after a pause, so that who types hears the last count, not each. */
  speak(text) {
    window.clearTimeout(this.speaking);
    this.speaking = window.setTimeout(() => (this.spoken.textContent = text), 700);
  }

  say(place, text) {
    place.hidden = !text;
    place.replaceChildren(...(text ? [icon("schedule"), h("span", {}, text)] : []));
  }

  showChanges() {
    const { joins, leaves } = this.answer;
    this.changes.hidden = !this.isStored || !joins;
    if (this.changes.hidden) return;
    const parts = [this.side(joins, "join", "sb-joins"), this.side(leaves, "leave", "sb-leaves")].filter(Boolean);
    this.changes.replaceChildren(
      h("h2", {}, this.words.if_saved),
      ...(parts.length ? parts : [h("p", {}, this.words.no_change)]),
    );
  }

  side({ count, sample }, verb, className) {
    if (!count) return null;
    const words = this.words[count === 1 ? `one_${verb}s` : `${verb}`];
    return h(
      "div",
      { class: className, "data-side": verb },
      h("p", {}, h("b", {}, `${verb === "join" ? "+" : "−"}${this.page.number(count)}`), " ", words),
      this.people(sample, count),
    );
  }

  showSample() {
    const { sample, count } = this.answer;
    this.sample.hidden = !sample?.length;
    if (this.sample.hidden) return;
    this.sample.replaceChildren(h("h2", {}, this.words.sample), this.people(sample, count));
  }

  people(sample, count) {
    const rest = (count ?? sample.length) - sample.length;
    return h(
      "ul",
      { class: "sb-people" },
      sample.map((one) =>
        h(
          "li",
          {},
          h("a", { href: one.link, target: "_blank", rel: "noopener" }, one.name),
          one.detail && h("small", {}, one.detail),
        ),
      ),
      sample.length > 0 && rest > 0 && h("li", { class: "sb-more" }, fill(this.words.and_more, { count: this.page.number(rest) })),
    );
  }
}

// The timeline of the Activity tab: narrowed by its form, growing as one scrolls. The button at its end does the same
// for whoever does not scroll, and is what is left where a page did not come.

import { copyOf, fetchPart, offerAgain } from "./load.js";

const EARLY = "600px";

export class Timeline {
  constructor(root) {
    this.root = root;
    this.form = root.querySelector("form");
    this.entries = root.querySelector("[data-entries]");
    this.said = root.querySelector("[data-said]");
    this.dates = root.querySelector("[data-dates]");
    this.observer = new IntersectionObserver((seen) => this.reach(seen), { rootMargin: EARLY });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", () => this.begin());
    this.entries.addEventListener("click", (event) => this.click(event));
    this.begin();
  }

  /** From the newest on, as narrowed by the form. */
  async begin() {
    this.dates.hidden = this.form.period.value !== "own";
    this.running?.abort();
    this.running = new AbortController();
    const { signal } = this.running;
    this.entries.setAttribute("aria-busy", "true");
    if (!this.entries.children.length) this.entries.replaceChildren(copyOf("loading"));
    try {
      const part = await fetchPart(`${this.root.dataset.address}?${this.query()}`, { signal });
      this.entries.innerHTML = part.html;
      this.watch();
    } catch (error) {
      if (signal.aborted) return;
      offerAgain(this.entries, () => this.begin());
    }
    this.entries.removeAttribute("aria-busy");
  }

  query() {
    const given = new FormData(this.form);
    if (given.get("period") !== "own") ["since", "until"].forEach((name) => given.delete(name));
    return new URLSearchParams(given);
  }

  watch() {
    this.observer.disconnect();
    const button = this.entries.querySelector("[data-older]");
    if (button) this.observer.observe(button);
  }

  reach(seen) {
    const found = seen.find((one) => one.isIntersecting);
    if (found) this.grow(found.target);
  }

  async click(event) {
    const button = event.target.closest("[data-older]");
    if (!button) return;
    const first = await this.grow(button);
    first?.focus();
  }

  /** Puts the next page in the place of the button; gives its first entry. */
  async grow(button) {
    if (button.getAttribute("aria-busy")) return null;
    button.setAttribute("aria-busy", "true");
    const { signal } = this.running;
    try {
      const part = await fetchPart(button.dataset.older, { signal });
      const page = document.createRange().createContextualFragment(part.html);
      const first = page.querySelector("article");
      button.closest("p").replaceWith(page);
      this.said.textContent = this.said.dataset.more;
      this.watch();
      return first;
    } catch {
      this.observer.unobserve(button); // it stays as a button: the next try is the reader's
      button.removeAttribute("aria-busy");
      return null;
    }
  }
}

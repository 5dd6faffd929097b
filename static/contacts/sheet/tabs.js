// Tabs by the address (#activity opens that tab, back and forward lead through them), with the keys that people who
// use them by keyboard expect: arrows, Home, End.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export class Tabs {
  /** `onOpen(panel)` is called each time that a panel is shown. */
  constructor(list, onOpen) {
    this.tabs = [...list.querySelectorAll("[role=tab]")];
    this.onOpen = onOpen;
    list.addEventListener("click", (event) => this.click(event));
    list.addEventListener("keydown", (event) => this.press(event));
    window.addEventListener("hashchange", () => this.show(this.named()));
    const start = this.tabs.find((tab) => tab.id === `tab-${list.dataset.start}`);
    this.show(start ?? this.named());
    if (start) history.replaceState(history.state, "", start.hash);
  }

  named() {
    return this.tabs.find((tab) => tab.hash === location.hash) ?? this.tabs[0];
  }

  click(event) {
    const tab = event.target.closest("[role=tab]");
    if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.go(tab);
  }

  press(event) {
    const at = this.tabs.indexOf(event.target.closest("[role=tab]"));
    const next = { Home: 0, End: this.tabs.length - 1 }[event.key] ?? at + STEPS[event.key];
    if (at < 0 || Number.isNaN(next)) return;
    event.preventDefault();
    const tab = this.tabs.at(next % this.tabs.length);
    this.go(tab);
    tab.focus();
  }

  go(tab) {
    if (tab.hash !== location.hash) history.pushState(null, "", tab.hash);
    this.show(tab);
  }

  show(chosen) {
    for (const tab of this.tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      panelOf(tab).hidden = !isChosen;
    }
    chosen.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    this.onOpen(panelOf(chosen));
  }
}

function panelOf(tab) {
  return document.getElementById(tab.getAttribute("aria-controls"));
}

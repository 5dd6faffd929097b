// The contact sheet: tabs that are read when they are opened, one form with what was changed in sight, a timeline that
// grows. Each part stands in a file of its own; here they meet.

import { watchEdits } from "./edits.js";
import { watchSearch } from "./find.js";
import { fetchPart, fill } from "./load.js";
import { closeMenuOutside } from "./menu.js";
import { Tabs } from "./tabs.js";
import { Timeline } from "./timeline.js";

const form = document.getElementById("contact_form");
const edits = form.hasAttribute("data-read-only") ? null : watchEdits(form);

new Tabs(document.querySelector(".cs-tabs"), (panel) => {
  edits?.showBar(form.contains(panel));
  if (panel.dataset.load) fill(panel, takeOnce(panel, "load"));
  const timeline = panel.querySelector("[data-timeline]");
  if (timeline && takeOnce(timeline, "timeline")) new Timeline(timeline);
});

watchSearch(document.getElementById("panel-custom"));
for (const menu of document.querySelectorAll("[data-menu]")) closeMenuOutside(menu);
for (const place of document.querySelectorAll("[data-after-page]")) fetchAfterPage(place);

function takeOnce(element, name) {
  const value = element.dataset[name];
  delete element.dataset[name];
  if (name === "timeline") element.dataset.address = value;
  return value;
}

/** What is dear is asked for when the page stands; where that fails, what is there stays, without its promise. */
async function fetchAfterPage(place) {
  try {
    place.innerHTML = (await fetchPart(place.dataset.afterPage)).html;
  } catch {
    place.querySelector("[data-asking]")?.remove();
  }
}

"use strict";
// A button that copies the text of another element: <button type="button" data-copy="ID" data-copied="Copied.">

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-copy]").forEach(offer));

function offer(button) {
  const source = document.getElementById(button.dataset.copy);
  const spoken = document.createElement("span");
  spoken.setAttribute("role", "status");
  spoken.className = "cf-copied";
  button.after(spoken);
  button.addEventListener("click", async () => {
    await copy(source);
    spoken.textContent = "";
    setTimeout(() => (spoken.textContent = button.dataset.copied), 50); // said again when it is pressed again
  });
}

async function copy(source) {
  const text = "value" in source ? source.value : source.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    select(source); // no permission, or no https: marked, so that the keyboard can copy it
    document.execCommand("copy");
  }
}

function select(source) {
  if ("select" in source) return source.select();
  getSelection().selectAllChildren(source);
}

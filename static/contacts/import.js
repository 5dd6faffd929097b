"use strict";
// Without this script every page works too: forms are posted, and pages are read anew.

// The back office's own script expects a text field beside every file.
document.querySelectorAll("[data-upload] input[type=file]").forEach((input) => (input.hasChangeListener = true));

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-upload]").forEach(upload);
  document.querySelectorAll("[data-submit-on-change]").forEach(submitOnChange);
  document.querySelectorAll("[data-mapping]").forEach(mapping);
  document.querySelectorAll("[data-progress]").forEach(follow);
  document.querySelectorAll("#content form[method=post]").forEach(sendOnce);
});

// Whoever presses a button twice means it once.

function sendOnce(form) {
  const buttons = form.querySelectorAll("button[type=submit]");
  const disable = (is) => buttons.forEach((button) => (button.disabled = is));
  form.addEventListener("submit", () => window.setTimeout(() => disable(!form.matches("[data-upload]"))));
  window.addEventListener("pageshow", () => disable(false));
}

// Upload: drop or choose a file; it is sent with a progress bar, and what is wrong is said here.

function upload(form) {
  const { limits, excel_limit: excelLimit, words } = JSON.parse(document.getElementById("upload-data").textContent);
  const input = form.querySelector("input[type=file]");
  const area = form.querySelector("[data-drop]");
  const alert = form.querySelector("[data-error]");
  const progress = form.querySelector("[data-sending]");
  const bar = progress.querySelector("progress");
  const line = progress.querySelector("p");
  let request = null;
  form.classList.add("cf-scripted");

  const say = (message) => {
    alert.textContent = message;
    input.setAttribute("aria-invalid", message ? "true" : "false");
  };

  const stop = (message) => {
    request = null;
    progress.hidden = true;
    area.hidden = false;
    input.value = "";
    say(message);
    if (message) input.focus();
  };

  const send = (file) => {
    const limit = limits["." + file.name.toLowerCase().split(".").pop()];
    if (!limit) return stop(words.kind);
    if (file.size > limit) return stop(limit === excelLimit ? words.excel_too_large : words.too_large);
    if (file.size === 0) return stop(words.empty);
    say("");
    area.hidden = true;
    progress.hidden = false;
    const data = new FormData(form);
    data.set("file", file, file.name);
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.loaded < event.total) {
        bar.value = (100 * event.loaded) / event.total;
        line.textContent = words.sending.replace("{done}", size(event.loaded)).replace("{total}", size(event.total));
      } else {
        bar.removeAttribute("value");
        line.textContent = words.reading;
      }
    });
    request.addEventListener("load", () => {
      const answer = request.response;
      if (answer && answer.next) window.location.assign(answer.next);
      else stop((answer && answer.error) || words.refused);
    });
    request.addEventListener("error", () => stop(words.lost));
    request.addEventListener("abort", () => stop(""));
    bar.value = 0;
    line.textContent = words.sending.replace("{done}", size(0)).replace("{total}", size(file.size));
    request.send(data);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files.length) send(input.files[0]);
    else stop(words.none);
  });
  input.addEventListener("change", () => input.files.length && send(input.files[0]));
  progress.querySelector("[data-abort]").addEventListener("click", () => request && request.abort());
  for (const name of ["dragenter", "dragover"]) {
    area.addEventListener(name, (event) => {
      event.preventDefault();
      area.classList.add("cf-over");
    });
  }
  area.addEventListener("dragleave", (event) => area.contains(event.relatedTarget) || area.classList.remove("cf-over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("cf-over");
    if (event.dataTransfer.files.length > 1) stop(words.several);
    else if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
}

function size(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  const step = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)), units.length - 1);
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}

// Map: the file is read again as soon as somebody chooses another way to read it.

function submitOnChange(form) {
  form.classList.add("cf-scripted");
  form.addEventListener("change", () => form.requestSubmit());
}

function mapping(form) {
  form.classList.add("cf-scripted");
  const said = document.getElementById("key-sentences"); // of contacts; orders have no key
  const sentences = said ? JSON.parse(said.textContent) : {};
  const key = form.querySelector("[name=key]");
  const sentence = form.querySelector("[data-key-sentence]");
  const note = form.querySelector("[data-external-id-note]");
  const consent = form.querySelector("[data-consent]");
  const selects = [...form.querySelectorAll("select[data-target]")];

  const show = () => {
    const targets = selects.map((select) => select.value);
    if (key) sentence.textContent = sentences[key.value] || "";
    if (key) note.hidden = !targets.includes("external_id") || key.value === "external_id" || key.value === "id";
    if (consent) consent.hidden = !targets.includes("consent");
    for (const select of selects) {
      const row = select.closest("tr");
      row.classList.toggle("cf-skipped", select.value === "");
      const fields = row.querySelector(".cf-new-field");
      if (fields) fields.classList.toggle("cf-open", select.value === "new");
    }
  };

  if (window.django && window.django.jQuery) {
    const $ = window.django.jQuery;
    $(form).on("change", "select", show); // whoever searches in a select does so by jQuery, which tells nobody else
    $(() => selects.forEach(nameSelection));
  }
  form.addEventListener("change", show);
  show();
}

// What stands in the place of a searchable select says what is chosen, but not for which column.

function nameSelection(select) {
  const box = select.parentElement.querySelector("[role=combobox]");
  if (box) box.setAttribute("aria-labelledby", `column-${select.dataset.target} ${box.getAttribute("aria-labelledby")}`);
}

// Progress: asked for again and again while something is under way and somebody looks; then the page is read anew.

function follow(place) {
  const bar = place.querySelector("progress");
  const line = place.querySelector("[data-line]");
  const spoken = place.querySelector("[data-spoken]");
  let wait = 700;
  let timer = null;
  let saidAt = Date.now();

  const show = (answer) => {
    if (answer.percent === null) bar.removeAttribute("value");
    else bar.value = answer.percent;
    line.textContent = answer.line;
    document.title = answer.title;
    for (const [name, count] of Object.entries(answer.counts)) {
      const tile = document.querySelector(`[data-count="${name}"]`);
      if (!tile) continue;
      tile.querySelector("b").textContent = count;
      tile.classList.toggle("cf-none", count === "0");
    }
    if (Date.now() - saidAt > 15000) {
      spoken.textContent = answer.line;
      saidAt = Date.now();
    }
  };

  const ask = async () => {
    timer = null;
    try {
      const response = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
      if (response.redirected || response.status === 403 || response.status === 404) return window.location.reload();
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      show(answer);
      if (answer.state !== place.dataset.state) return window.location.reload();
      wait = 1000;
    } catch (error) {
      line.textContent = place.dataset.lost;
      wait = Math.min(wait * 2, 15000);
    }
    return later();
  };

  const later = () => {
    if (!document.hidden && timer === null) timer = window.setTimeout(ask, wait);
  };

  document.addEventListener("visibilitychange", later);
  later();
}

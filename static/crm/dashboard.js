// While something is under way the dashboard reads itself again now and then, and only where somebody looks at it.

const EVERY = 10_000;

async function refresh() {
  const page = document.querySelector("[data-dashboard]");
  if (!page?.hasAttribute("data-live")) return;
  if (!document.hidden && !page.contains(document.activeElement)) {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok && !answer.redirected) replace(page, await answer.text());
  }
  setTimeout(refresh, EVERY);
}

function replace(page, html) {
  const news = new DOMParser().parseFromString(html, "text/html").querySelector("[data-dashboard]");
  if (!news) return;
  for (const panel of page.querySelectorAll(":scope > [id]")) {
    const other = news.querySelector(`:scope > #${panel.id}`);
    if (other && other.outerHTML !== panel.outerHTML && !panel.querySelector("details[open]")) panel.replaceWith(other);
  }
  page.toggleAttribute("data-live", news.hasAttribute("data-live"));
}

setTimeout(refresh, EVERY);

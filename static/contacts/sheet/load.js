// Parts of a page that are fetched later.

/** `{html, isFound}`; throws where nothing came. Who was signed out meanwhile is led to the sign-in page. */
export async function fetchPart(address, { signal } = {}) {
  const answer = await fetch(address, { signal, headers: { "X-Requested-With": "XMLHttpRequest" } });
  if (answer.redirected && new URL(answer.url).pathname !== new URL(address, location.href).pathname) {
    location.reload();
  }
  if (answer.status >= 500) throw new Error(`${address} answered ${answer.status}`);
  return { html: await answer.text(), isFound: answer.ok };
}

/** Fills a place from an address; says that it waits, and offers to try again where that failed. */
export async function fill(place, address) {
  place.replaceChildren(copyOf("loading"));
  place.setAttribute("aria-busy", "true");
  try {
    place.innerHTML = (await fetchPart(address)).html;
    window.htmx?.process(place);
  } catch {
    offerAgain(place, () => fill(place, address));
  }
  place.removeAttribute("aria-busy");
}

/** Says that it failed, with a button to try again. */
export function offerAgain(place, again) {
  place.replaceChildren(copyOf("failed"));
  place.querySelector("[data-again]").addEventListener("click", again);
}

export function copyOf(name) {
  return document.querySelector(`template[data-${name}]`).content.cloneNode(true);
}

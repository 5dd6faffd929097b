// Cardfile's web tracking: what a visitor of this page does, told to the Cardfile that this file came from.
//
//   cardfile("event", "addToCart", { product: "B-7" })      something happened
//   cardfile("identify", { email: "olena@example.com" })    who it is; also phone, externalCustomerId, firstName …
//   cardfile("consent", true)                               the visitor agreed (false: did not, or not any more)
//   cardfile("page")                                        a page view, where the address did not change
//   cardfile("visitor")                                     the visitor's ID, to be handed to one's own server
//
// Nothing here throws into the page, and there is no other global. CARDFILE_SITE is put in when the file is served.
// After a change: make script (cardfile.min.js is what is served).
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || (window.cardfile && window.cardfile.isOn)) return; // once is enough
  const site = CARDFILE_SITE;
  const doors = new URL("../api/v1/web/", script.src);
  const STORE = "_cf_" + site.key;
  const YEARS = 63072000; // two, in seconds
  const WEEK = 6048e5;
  const MOST = 200; // waiting
  const LARGEST = 2e4; // characters of a call: a browser sends at most 64 KB while the page goes

  const quietly = (act) => (...given) => {
    try {
      return act(...given);
    } catch (error) {
      // the page goes on
    }
  };
  const random = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");

  // Who this is, and whether that may be asked at all. The cookie holds the visitor's ID, with a "y" behind it where
  // the visitor agreed, or "0": the visitor said no.

  const readCookie = quietly(() => (document.cookie.match(/(?:^|; )_cf=(\w*)/) || [])[1]);
  const writeCookie = quietly((value, seconds) => {
    const domain = site.domains.find((one) => ("." + location.hostname).endsWith("." + one));
    document.cookie =
      `_cf=${value}; path=/; max-age=${seconds}; SameSite=Lax` +
      (domain ? "; domain=" + domain : "") +
      (location.protocol == "https:" ? "; Secure" : "");
  });
  const refused =
    site.signals && (navigator.globalPrivacyControl || navigator.doNotTrack == 1 || window.doNotTrack == 1);
  let [, known, agreed] = /^([\da-f]{32}|0)(y?)$/.exec(readCookie()) || [];
  let held = known == "0" ? 0 : []; // what waits for consent: only here, it is not stored
  let visitor = "";

  const begin = (isAgreed) => {
    agreed = agreed || (isAgreed && "y") || "";
    visitor = visitor || (known > "0" ? known : random());
    writeCookie(visitor + agreed, YEARS);
    fill();
    (held || []).splice(0).forEach((item) => push(...item));
  };
  const end = () => {
    visitor = known = agreed = "";
    held = 0;
    save([]);
    if (site.consent) writeCookie("", 0);
    else writeCookie("0", YEARS);
  };

  // What waits to be sent: in localStorage, or, where that is blocked, as long as the page is there.

  let memory = [];
  let isStored = true;
  const load = () => {
    try {
      const items = isStored && JSON.parse(localStorage.getItem(STORE) || "[]");
      if (Array.isArray(items)) return items;
    } catch (error) {
      isStored = false;
    }
    return memory;
  };
  const save = (items) => {
    memory = items;
    try {
      if (items.length) localStorage.setItem(STORE, JSON.stringify(items));
      else localStorage.removeItem(STORE);
    } catch (error) {
      isStored = false;
      quietly(() => localStorage.removeItem(STORE))();
    }
  };
  const push = (door, body) => {
    if (JSON.stringify(body).length > LARGEST) return;
    if (!visitor) return held && held.length < MOST && held.push([door, body]);
    const items = load().filter((item) => item.at > Date.now() - WEEK);
    save([...items, { id: random(), at: Date.now(), visitor, door, body }].slice(-MOST));
    later(50);
  };

  // Sending: one call at a time, while its answer can be read; with sendBeacon what is left when the page goes.

  let timer;
  let pause = 0;
  let flying = [];
  const next = (items) => {
    const [first] = items;
    const call = [];
    let size = 0;
    for (const item of items) {
      size += JSON.stringify(item).length;
      const isAlike = item.door == first.door && item.visitor == first.visitor && (item.door == "events" || !call.length);
      if (!isAlike || (call.length && size > LARGEST) || call.length > 49) break;
      call.push(item);
    }
    return call;
  };
  const pack = ([{ visitor, door, body }, ...more]) =>
    JSON.stringify({
      key: site.key,
      cookie: visitor,
      consent: !!agreed,
      sent: new Date(),
      ...(door == "events" ? { events: [body, ...more.map((item) => item.body)] } : body),
    });
  const done = (call) => save(load().filter((item) => !call.some((sent) => sent.id == item.id)));
  const later = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(flush, milliseconds);
  };
  const flush = quietly(() => {
    const call = next(load());
    if (!call.length || flying.length || navigator.onLine === false) return;
    const answer = fetch(doors + call[0].door, { method: "POST", body: pack(call), keepalive: true, credentials: "omit" });
    flying = call;
    answer
      .then(({ status }) => {
        if (status == 429 || status > 499) throw status;
        pause = 0;
        done(call);
        later(0);
      })
      .catch(() => {
        pause = Math.min(pause * 2 || 5e3, 3e5);
        later(pause);
      })
      .finally(() => (flying = []));
  });
  const leave = quietly(() => {
    if (!navigator.sendBeacon) return flush();
    if (navigator.onLine === false) return;
    // Nobody learns what is answered: it stays for the next page to send, too, and is stored once.
    let rest = load().filter((item) => !flying.some((sent) => sent.id == item.id));
    for (let call; (call = next(rest)).length; rest = rest.slice(call.length)) {
      if (!navigator.sendBeacon(doors + call[0].door, pack(call))) return;
    }
  });

  // What there is to tell

  let page;
  const calls = {
    event: (type, params) =>
      push("events", { eventTypeKey: type, keyValue: random(), occurred: new Date(), params: params || {} }),
    page: () => {
      const referrer = page || document.referrer;
      page = address();
      calls.event("pageView", { url: page, title: document.title, referrer });
    },
    identify: ({ email, phone, externalCustomerId, ...attributes }) =>
      push("identify", { email, phone, externalCustomerId, attributes }),
  };
  const address = () => location.href.replace(/#(?![!/]).*/, "").slice(0, 2000); // a route, and no other fragment
  const look = quietly(() => address() != page && calls.page());

  const cardfile = quietly((name, ...given) => {
    if (name == "visitor") return visitor;
    if (refused) return;
    if (name != "consent") calls[name](...given);
    else if (!given[0]) end();
    else if (!visitor || !agreed) begin(true);
  });
  cardfile.isOn = true;

  // Forms: a marked one says who it is, and hidden fields of ours get the visitor's ID.

  const NAMES = {
    email: /^(e?mail|email(address)?|user_?email)$/,
    phone: /^(tel|phone|mobile|(tele)?phone_?(number)?)$/,
    firstName: /^(first_?name|given_?name|fname)$/,
    lastName: /^(last_?name|family_?name|surname|lname)$/,
  };
  const nameOf = (input) =>
    input.dataset.cardfile ||
    Object.keys(NAMES).find((name) =>
      [input.type, input.autocomplete, input.name].some((text) => NAMES[name].test((text || "").toLowerCase().replace(/-/g, "_"))),
    );
  const fill = quietly(() =>
    document.querySelectorAll("input[data-cardfile-visitor]").forEach((input) => (input.value = visitor)),
  );
  const read = quietly(({ target: form }) => {
    fill();
    if (!form.hasAttribute("data-cardfile-identify")) return;
    const who = {};
    for (const input of form.elements) {
      const isGiven = input.value && !/password|hidden/.test(input.type) && (!/check|radio/.test(input.type) || input.checked);
      const name = isGiven && nameOf(input);
      if (name && !(name in who)) who[name] = input.value;
    }
    if (who.email || who.phone || who.externalCustomerId) cardfile("identify", who);
  });

  const start = quietly(() => {
    const early = (window.cardfile && window.cardfile.q) || [];
    window.cardfile = cardfile;
    if (refused) return;
    if (held && (!site.consent || agreed)) begin();
    const isConsent = ([name]) => name == "consent";
    [...early].filter(isConsent).forEach((call) => cardfile(...call));
    look();
    [...early].filter((call) => !isConsent(call)).forEach((call) => cardfile(...call));

    document.addEventListener("submit", read, true);
    document.addEventListener("DOMContentLoaded", fill);
    for (const name of ["pushState", "replaceState"]) {
      const change = history[name];
      history[name] = function () {
        change.apply(this, arguments);
        setTimeout(look); // the page sets its title first
      };
    }
    addEventListener("popstate", () => setTimeout(look));
    addEventListener("hashchange", look);
    addEventListener("pageshow", ({ persisted }) => persisted && calls.page());
    addEventListener("online", flush);
    addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", flush);
    later(50); // what is left from the page before
  });
  if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();

// Asks the server what a definition means: soon after the last key, the newest question only.

const AFTER_MILLISECONDS = 80;

/**
 * First the sentence, the errors and a count or an estimate; when these are there, the rest: the exact count, a sample,
 * who would join and leave. `show(answer)` gets each with `part`, or `{failed: "signed_out" | "lost"}`.
 */
export class Live {
  constructor({ url, token, show }) {
    this.url = url;
    this.token = token;
    this.show = show;
    this.timer = null;
    this.running = null;
  }

  soon(question) {
    window.clearTimeout(this.timer);
    this.running?.abort();
    this.timer = window.setTimeout(() => this.now(question), AFTER_MILLISECONDS);
  }

  stop() {
    window.clearTimeout(this.timer);
    this.running?.abort();
  }

  async now(question) {
    this.stop();
    const { signal } = (this.running = new AbortController());
    try {
      const answer = await this.ask({ ...question, part: "count" }, signal);
      this.show({ ...answer, part: "count" });
      if (answer.errors.length) return;
      const rest = { ...question, part: "people", is_counted: !answer.is_estimate };
      this.show({ ...(await this.ask(rest, signal)), part: "people" });
    } catch (error) {
      if (!signal.aborted) this.show({ failed: error instanceof SignedOut ? "signed_out" : "lost" });
    }
  }

  async ask(question, signal) {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.token },
      body: JSON.stringify(question),
      signal,
    });
    if (response.redirected || response.status === 403) throw new SignedOut();
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }
}

class SignedOut extends Error {}

/** Suggestions for a field's values, remembered while the page is open. */
export class Suggestions {
  constructor(url) {
    this.url = url;
    this.known = new Map();
  }

  async find(field, text, signal) {
    const address = `${this.url}?${new URLSearchParams({ field: field.key, scope: field.scope || "", kind: field.kind || "", q: text })}`;
    if (!this.known.has(address)) {
      const response = await fetch(address, { headers: { Accept: "application/json" }, signal });
      this.known.set(address, response.ok && !response.redirected ? (await response.json()).suggestions : []);
    }
    return this.known.get(address);
  }
}

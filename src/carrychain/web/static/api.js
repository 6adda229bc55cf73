// What the pages' scripts share: asking the server, watching a job, and making elements.

const csrf = document.querySelector("meta[name=csrf]").content;

/** Send JSON and return the JSON that comes back; throws an Error with the server's sentence. */
export async function post(url, data = {}) {
  const form = data instanceof FormData;
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: {
        Accept: "application/json",
        "X-CSRF-Token": csrf,
        ...(form ? {} : { "Content-Type": "application/json" }),
      },
      body: form ? data : JSON.stringify(data),
    });
  } catch {
    throw new Error("the server does not answer; is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `the server answered with ${response.status}`);
  return answer;
}

/**
 * Follow a job. Each of `on.place(n)`, `on.item(event, number)`, `on.done(result)`,
 * `on.failed(sentence)`, `on.cancelled()` may be left out. Closing the page cancels the job.
 */
export function watch(id, on) {
  const source = new EventSource(`/jobs/${id}/events`);
  const ends = (act) => (event) => {
    source.close();
    act(JSON.parse(event.data));
  };
  source.addEventListener("place", (event) => on.place?.(JSON.parse(event.data).place));
  source.addEventListener("item", (event) =>
    on.item?.(JSON.parse(event.data), Number(event.lastEventId)),
  );
  source.addEventListener("done", ends((result) => on.done?.(result)));
  source.addEventListener("failed", ends(({ error }) => on.failed?.(error)));
  source.addEventListener("cancelled", ends(() => on.cancelled?.()));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) on.failed?.("the server no longer has this job");
  });
  return {
    close: () => source.close(),
    cancel: () => post(`/jobs/${id}/cancel`),
  };
}

/** Return one line in which every character is seen and none acts. */
export function visible(text) {
  const marks = { "\n": "↵", "\t": "⇥", "\x7f": "␡" };
  return text.replace(/[\p{C}\p{Z}]/gu, (c) => {
    const code = c.codePointAt(0);
    if (c in marks) return marks[c];
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (/\p{Zs}/u.test(c)) return " ";
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** Say something to whoever listens to the page instead of looking at it. */
export function announce(text) {
  document.getElementById("status").textContent = text;
}

/** Make an element; children are elements or text, attributes null or false are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Write a share from 0 to 1 as the rest of carrychain does: .55, .063, 1.00. */
export function share(value) {
  if (value === null || value === undefined) return "–";
  const text = value > 0 && value < 0.1 ? value.toFixed(3) : value.toFixed(2);
  return value >= 1 ? text : text.replace(/^0/, "");
}

/** Write a magnitude that may be anything from 0 to 10^30. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e12) return value.toExponential(1).replace(/e\+?(-?)(\d)$/, "e$1$2");
  if (size >= 100 || Number.isInteger(value))
    return (Math.round(value) || 0).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

/** Return a function that waits until it has not been called for a while. */
export function debounce(act, milliseconds) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), milliseconds);
  };
}

// The page of the next token. A text's logits are fetched once; what the sliders do is computed here.

import { announce, debounce, element, number, post, share, visible } from "./api.js";
import { chance, drawn, explain, fallsTo, plain, quoted, shown } from "./next_token_words.js";
import { STAGES, draw, prepare, stages, uniform } from "./sampling.js";

const PARAMETERS = {
  temperature: [(x) => x >= 0 && x < Infinity, "a number of at least 0"],
  top_k: [(x) => Number.isSafeInteger(x) && x >= 0, "a whole number of at least 0"],
  top_p: [(x) => x >= 0 && x <= 1, "a number from 0 to 1"],
  repetition_penalty: [(x) => x > 0 && x < Infinity, "a number above 0"],
};
const TYPING = 500; // milliseconds without a key until the prompt is taken
const SETTLING = 150; // and without a move until sentences and address follow

const at = (id) => document.getElementById(id);
const sliders = Object.keys(PARAMETERS).map((name) => [name, at(`${name}-slider`), at(name)]);

let asked = { prompt: null, model: null };
const refused = !at("error").hidden; // the server did, what the address asks for
let path = refused ? [] : at("after").value.split(",").filter(Boolean).map(Number);
let steps = []; // step i: what may follow the prompt and path[0 .. i-1]
let params; // the last values that were right
let distributions; // of the last step, with these values
let rows = [];
let turn = 0;

// --- asking the server ---------------------------------------------------------------------------

/** Fetch the steps that are missing, and show the last; what was asked before is given up. */
async function show() {
  const mine = ++turn;
  let refusal = "";
  try {
    while (steps.length <= path.length) {
      const continuation = path.slice(0, steps.length);
      const answer = await post("/next-token/logits", { ...asked, continuation });
      if (mine !== turn) return;
      steps.push(read(answer));
    }
  } catch (error) {
    if (mine !== turn) return;
    refusal = error.message;
    path = path.slice(0, Math.max(0, steps.length - 1));
    at("how").textContent = "";
  }
  at("result").hidden = steps.length === 0;
  if (steps.length) update();
  if (refusal) say(refusal);
}

function read(answer) {
  const bytes = Uint8Array.from(atob(answer.logits), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const logits = Float32Array.from({ length: bytes.length / 4 }, (_, i) =>
    view.getFloat32(4 * i, true),
  );
  return {
    ...prepare(logits, answer.before.map(([id]) => id)),
    before: answer.before,
    given: answer.prompt_tokens,
    texts: { ...answer.texts, ...Object.fromEntries(answer.before) },
    ends: new Set(answer.ends),
  };
}

/** Take the prompt and the model as they stand in the form. */
function take() {
  const now = { prompt: at("prompt").value, model: at("model").value };
  if (now.prompt === asked.prompt && now.model === asked.model) return;
  if (asked.prompt !== null) path = [];
  asked = now;
  steps = [];
  at("how").textContent = "";
  show();
}

// --- the parameters ------------------------------------------------------------------------------

/** Read the fields; say which one is wrong, and return null then. */
function values() {
  const found = {};
  let wrong = "";
  for (const [name, slider, field] of sliders) {
    const [fits, needed] = PARAMETERS[name];
    const value = field.value.trim() === "" ? NaN : Number(field.value);
    const right = fits(value);
    field.setAttribute("aria-invalid", !right);
    slider.setAttribute("aria-valuetext", field.value);
    if (!right) wrong ||= `${field.labels[0].textContent} must be ${needed}`;
    found[name] = value;
  }
  say(wrong && wrong + (rows.length ? "; the bars still show the values before." : "."));
  return wrong ? null : found;
}

function moved() {
  const begun = performance.now();
  if (!steps.length) return take();
  if (!compute()) return;
  paint();
  at("bars").getBoundingClientRect(); // so that the layout is measured too
  performance.measure("slider", { start: begun, end: performance.now() });
  settle();
}

/** Compute the distributions of the last step; false if there are no values that give any. */
function compute() {
  const found = values() ?? params;
  if (!found) return false;
  const computed = stages(steps.at(-1), found);
  if (Number.isNaN(computed.top_p[computed.order[0]])) {
    say("These values give no distribution in float32; choose them nearer to 1.");
    return false;
  }
  [params, distributions] = [found, computed];
  return true;
}

// --- what is seen --------------------------------------------------------------------------------

/** Make as many rows as are to be shown. */
function build() {
  const count = Math.min(Number(at("shown").value), distributions.order.length);
  if (rows.length === count) return;
  rows = Array.from({ length: count }, (_, place) => row(place));
  at("bars").replaceChildren(...rows.map(({ bar }) => bar));
  at("table").tBodies[0].replaceChildren(...rows.map(({ line }) => line));
}

function row(place) {
  const text = () => document.createTextNode("");
  const [token, value, falls, head, logit, lineFalls] = Array.from({ length: 6 }, text);
  const cells = STAGES.map(text);
  const [fill, model] = ["fill", "model"].map((name) => element("span", { class: name }));
  const about = `value-${place} falls-${place}`;
  const button = element(
    "button",
    { type: "button", "aria-describedby": about, onclick: () => pick(distributions.order[place]) },
    token,
  );
  const bar = element(
    "li",
    {},
    button,
    element("span", { class: "track" }, fill, model),
    element("span", { class: "value", id: `value-${place}` }, value),
    element("span", { class: "fate", id: `falls-${place}` }, falls),
  );
  const cell = (node) => element("td", { class: "number" }, node);
  const line = element(
    "tr",
    {},
    element("th", { scope: "row" }, head),
    cell(logit),
    ...cells.map(cell),
    element("td", {}, lineFalls),
  );
  return { bar, line, fill, model, token, value, falls, head, logit, lineFalls, cells };
}

/** Bring bars and table up to date; only what has changed is touched. */
function paint() {
  build();
  const step = steps.at(-1);
  const { left, order, raw, tempered, top_p } = distributions;
  rows.forEach((parts, place) => {
    const id = order[place];
    const falls = fallsTo(id, distributions, params);
    const name = shown(step.texts[id]) + (step.ends.has(id) ? " (ends the text)" : "");
    write(parts.token, name);
    write(parts.value, share(top_p[id]));
    write(parts.falls, falls);
    parts.bar.className = falls ? "fell" : "";
    parts.fill.style.width = `${100 * (falls ? tempered[id] : top_p[id])}%`;
    parts.model.style.width = `${100 * raw[id]}%`;
    write(parts.head, name);
    write(parts.logit, step.logits[id].toFixed(2));
    parts.cells.forEach((cell, i) => write(cell, share(distributions[STAGES[i]][id])));
    write(parts.lineFalls, falls);
  });
  const shares = order.subarray(0, rows.length).reduce((sum, id) => sum + top_p[id], 0);
  const rest = left.top_p > rows.length ? Math.max(0, 1 - shares) : 0;
  at("drawn").textContent = drawn(distributions, name);
  at("others").textContent =
    `The other ${number(order.length - rows.length)} tokens have ${share(rest)} together. `;
}

function write(node, text) {
  if (node.data !== text) node.data = text;
}

function name(id) {
  return quoted(steps.at(-1).texts[id]);
}

/** Show another text: its tokens, its bars and all that follows. */
function update() {
  const { before, given } = steps.at(-1);
  at("text").replaceChildren(
    ...before.map(([, text], i) =>
      element("span", { class: i < given ? "token given" : "token" }, shown(text)),
    ),
  );
  at("undo").disabled = path.length === 0;
  if (!compute()) return;
  paint();
  follow();
}

/** Bring up to date what need not move at once: sentences, the path, the address. */
function follow() {
  if (steps.length <= path.length || !distributions) return; // what is on its way will call again
  const sentences = explain(steps.at(-1), distributions, params, name);
  at("words").replaceChildren(...sentences.map((sentence) => element("li", {}, sentence)));
  at("chance").textContent = pathInWords();
  at("after").value = path.join(",");
  const address = new URLSearchParams(new FormData(at("form")));
  address.delete("csrf");
  history.replaceState(null, "", `?${address}`);
  announce(drawn(distributions, name));
}

const settle = debounce(follow, SETTLING);

function pathInWords() {
  if (!path.length) return "";
  const chances = path.map((id, i) => stages(steps[i], params).top_p[id]);
  const own = path.map((id, i) => steps[i].raw[id]);
  const product = (factors) => factors.reduce((all, factor) => all * factor, 1);
  const factors = chances.length > 1 ? `${chances.map(chance).join(" · ")} = ` : "";
  const never = chances.indexOf(0);
  const because =
    never < 0
      ? ""
      : ` ${quoted(steps.at(-1).texts[path[never]])} as token ${never + 1} can't be drawn with them.`;
  const ended = steps[path.length - 1].ends.has(path.at(-1))
    ? " Here the model ends the text; what follows it would not be generated."
    : "";
  return (
    `With these values the probability of the path so far is ${factors}${chance(product(chances))}; ` +
    `before any parameter it is ${chance(product(own))}.${because}${ended}`
  );
}

function say(sentence) {
  at("error").textContent = visible(sentence);
  at("error").hidden = !sentence;
}

// --- picking a token -----------------------------------------------------------------------------

function pick(id, how = "") {
  if (steps.length <= path.length) return; // the step before is still on its way
  path = [...path, id];
  at("how").textContent = how;
  show();
}

function pickDrawn() {
  const seed = at("seed").value;
  if (!/^\d{1,20}$/.test(seed) || BigInt(seed) >= 2n ** 64n) {
    say("The seed must be a whole number from 0 to 2^64 - 1.");
    return;
  }
  const chosen = uniform(BigInt(seed), path.length);
  const id = draw(distributions.top_p, chosen);
  const below = distributions.top_p.subarray(0, id).reduce((sum, p) => sum + p, 0);
  const third = (number) => plain(number.toFixed(3));
  const span = `${third(below)} to ${third(below + distributions.top_p[id])}`;
  pick(
    id,
    `Seed ${seed} gives ${third(chosen)} for token ${path.length + 1}. With the tokens side by ` +
      `side in the order of their ids, the one at ${span} was drawn.`,
  );
}

function undo(event) {
  event.preventDefault();
  path = path.slice(0, -1);
  steps = steps.slice(0, path.length + 1);
  at("how").textContent = "";
  show();
}

// --- wiring --------------------------------------------------------------------------------------

for (const [, slider, field] of sliders) {
  slider.addEventListener("input", () => {
    field.value = slider.value;
    moved();
  });
  field.addEventListener("input", () => {
    slider.value = field.value;
    moved();
  });
}
at("prompt").addEventListener("input", debounce(take, TYPING));
at("model").addEventListener("change", take);
at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  take();
});
at("shown").addEventListener("change", () => rows.length && update());
at("seed").addEventListener("change", settle);
at("likeliest").addEventListener("click", () => pick(distributions.order[0]));
at("draw").addEventListener("click", pickDrawn);
at("undo").addEventListener("click", undo);

if (!refused) take();

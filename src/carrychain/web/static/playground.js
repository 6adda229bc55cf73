// The playground: the form is sent without leaving the page, and rows are shown as they arrive.

import { announce, element, post, share, visible, watch } from "./api.js";

const form = document.getElementById("form");
const rows = document.getElementById("rows");
const state = document.getElementById("state");
const cancel = document.getElementById("cancel");
const field = (name) => form.elements.namedItem(name);
const begins = { a: "", b: "b_" };

// --- what the model will see ---------------------------------------------------------------------

const unescaped = (text) => text.replaceAll("\\n", "\n").replaceAll("\\t", "\t");

const write = {
  none: (problem) => problem,
  spaced: (problem) => [...problem].join(" "),
  commas: (problem) => problem.replace(/\d+/g, (n) => n.replace(/\B(?=(\d{3})+$)/g, ",")),
  reversed: (problem) => problem.split("+").map((n) => [...n].reverse().join("")).join("+"),
  padded: (problem) => problem.split("+").map((n) => n.padStart(8, "0")).join("+"),
};

function problem() {
  const digits = Math.min(Math.max(Number(field("digits").value) || 1, 1), 15);
  return `${"12345678912345".padEnd(15, "6").slice(0, digits)}+${"765432198765432".slice(0, digits)}`;
}

/** Write a text with its line breaks, and the blanks at the end of a line, to be seen. */
function marked(text, atEnd) {
  const lines = text.split("\n");
  return lines
    .map((line, i) =>
      visible(
        atEnd || i < lines.length - 1
          ? line.replace(/ +$/, (blanks) => "·".repeat(blanks.length))
          : line,
      ),
    )
    .join("↵\n");
}

function showPreview(side) {
  const b = begins[side.dataset.letter];
  const prefix = unescaped(field(`${b}prefix`).value);
  const suffix = unescaped(field(`${b}suffix`).value);
  const written = write[field(`${b}pre_processing`).value](problem());
  side.querySelector(".preview").replaceChildren(
    element("span", {}, marked(prefix, false)),
    element("b", {}, written),
    element("span", {}, marked(suffix, true)),
  );
  const length = [...prefix].length + [...suffix].length;
  side.querySelector(".length").textContent =
    `Prefix and suffix have ${length.toLocaleString("en-US")} characters.`;
  side.querySelector(".seen").hidden = false;
  const preview = side.querySelector(".preview");
  preview.scrollTop = preview.scrollHeight;
  side.querySelector(".after").classList.toggle("idle", field(`${b}extract`).value !== "after:");
}

function showPreviews() {
  document.querySelectorAll(".side").forEach(showPreview);
}

form.addEventListener("input", showPreviews);
for (const select of document.querySelectorAll(".fill select")) {
  select.addEventListener("change", () => {
    document.getElementById(`${select.id}-help`).textContent =
      select.selectedOptions[0].dataset.idea;
  });
}
showPreviews();

// --- the form ------------------------------------------------------------------------------------

function say(error, notes = []) {
  const alert = document.getElementById("error");
  alert.textContent = visible(error);
  alert.hidden = error === "";
  if (notes.length > 0) announce(visible(notes.join(" ")));
  const list = document.getElementById("notes");
  list.replaceChildren(...notes.map((note) => element("li", {}, visible(note))));
  list.hidden = notes.length === 0;
}

function fill(fields) {
  for (const [name, value] of Object.entries(fields)) {
    const box = field(name);
    if (box.type === "checkbox") box.checked = value !== "";
    else box.value = value;
  }
  for (const side of document.querySelectorAll(".side"))
    side.querySelector("details").open = true;
  showPreviews();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await send(event.submitter?.value ?? "run");
});

let sending = false;

async function send(what) {
  if (sending) return;
  sending = true;
  const data = new FormData(form);
  data.set("do", what);
  if (what === "run") data.delete("submission");
  try {
    const answer = await post("/playground", data);
    say("", answer.notes);
    if (!answer.id) {
      fill(answer.fields);
      return;
    }
    start(answer.id, data, answer.link);
    if (answer.link) history.replaceState(null, "", answer.link);
    else say("", ["The prompt is too long for a link: the address bar does not repeat this run."]);
  } catch (error) {
    say(error.message);
  } finally {
    sending = false;
  }
}

// --- a run ---------------------------------------------------------------------------------------

let run = null;

function start(id, asked, link) {
  run?.watched.cancel().catch(() => {});
  run?.watched.close();
  run = {
    id,
    letters: asked.get("compare") ? ["a", "b"] : ["a"],
    n: Number(asked.get("n")),
    digits: asked.get("digits"),
    far: {},
    arrived: [],
    lines: new Map(),
    order: [],
    frame: 0,
    told: 0,
  };
  const here = run;
  prepare(link);
  here.watched = watch(id, {
    place: (place) => tell(`In the queue at place ${place}.`),
    item: (event) => {
      if (event.model) {
        here.title = event.model.title;
        tell(`${here.title} is answering.`);
      } else {
        here.arrived.push(event);
        here.frame ||= requestAnimationFrame(() => show(here));
      }
    },
    done: (result) => end(here, () => finish(here, result)),
    failed: (error) => end(here, () => fail(error)),
    cancelled: () => end(here, () => tell("Cancelled; the rows that had arrived are below.")),
  });
}

function prepare(link) {
  const section = document.getElementById("run-section");
  section.hidden = false;
  document.getElementById("results").replaceChildren();
  document.getElementById("downloads").hidden = true;
  cancel.hidden = false;
  cancel.disabled = false;
  const two = run.letters.length > 1;
  rows.className = two ? "two" : "";
  rows.style.setProperty("--digits", run.digits);
  rows.tHead.replaceChildren(
    ...(two
      ? [
          element("tr", {}, element("td", { colspan: 3 }), ...run.letters.map((letter) =>
            element("th", { colspan: 3, scope: "colgroup" }, `Prompt ${letter.toUpperCase()}`))),
        ]
      : []),
    element("tr", {},
      ...["No.", "Problem", "Sum"].map((name) => element("th", { scope: "col", class: "number" }, name)),
      ...run.letters.flatMap(() => [
        element("th", { scope: "col", class: "number" }, "Read"),
        element("th", { scope: "col" }, "Verdict"),
        element("th", { scope: "col" }, "Output"),
      ])),
  );
  rows.tBodies[0].replaceChildren();
  document.getElementById("running").replaceChildren(
    ...run.letters.map((letter) => {
      const name = two ? `Prompt ${letter.toUpperCase()}` : "Accuracy";
      const far = element("span", { class: "far" }, "no answer yet");
      const bar = element("progress", { max: run.n, value: 0, "aria-label": `Answers${two ? ` to prompt ${letter.toUpperCase()}` : ""}` });
      run.far[letter] = { far, bar };
      return element("li", {}, element("b", {}, name), far, bar);
    }),
  );
  showDownloads(link);
}

function showDownloads(link) {
  const whole = document.getElementById("downloads");
  whole.replaceChildren(
    element("h3", {}, "Take it with you"),
    link ? element("p", {}, element("a", { id: "link", href: link }, "A link that repeats this run")) : "",
    ...run.letters.map((letter) => {
      const address = `/playground/runs/${run.id}/${letter}`;
      const name = `Prompt ${letter.toUpperCase()}`;
      const of = run.letters.length > 1 ? ` of ${name.toLowerCase()}` : "";
      const unseen = () => element("span", { class: "unseen" }, of);
      return element("form", { class: "download", method: "get", action: `${address}/submission.py` },
        of ? element("b", {}, name) : "",
        element("a", { class: "button", href: `${address}/evaluation.json`, download: true }, "JSON", unseen()),
        element("a", { class: "button", href: `${address}/rows.csv`, download: true }, "CSV", unseen()),
        element("label", { for: `net_id-${letter}` }, "Your net id"),
        element("input", { type: "text", id: `net_id-${letter}`, name: "net_id", required: true, autocomplete: "off", maxlength: 64 }),
        element("button", { type: "submit", class: "secondary" }, "submission.py", unseen()),
      );
    }),
  );
}

function tell(text) {
  state.textContent = visible(text);
  announce(state.textContent);
}

/** Act once every row that has arrived is shown. */
function end(here, act) {
  here.last = () => {
    if (here !== run) return;
    ended();
    act();
  };
  here.frame ||= requestAnimationFrame(() => show(here));
}

function ended() {
  if (document.activeElement === cancel) document.getElementById("run").focus();
  cancel.hidden = true;
}

function fail(error) {
  state.textContent = "The run ended early.";
  say(error);
}

cancel.addEventListener("click", (event) => {
  event.preventDefault();
  cancel.disabled = true;
  run?.watched.cancel().catch((error) => say(error.message));
});

function finish(here, result) {
  tell(`${here.title} has answered.`);
  const { sentences, sides } = result;
  const letters = Object.keys(sides);
  const two = letters.length > 1;
  document.getElementById("results").replaceChildren(
    ...sentences.map((sentence, i) => element("p", { class: two && i === 0 ? "first" : null }, visible(sentence))),
    element("div", { class: "box", role: "group", tabindex: 0, "aria-labelledby": "results-title" },
      element("table", {},
        element("caption", { id: "results-title" }, `Results of ${visible(here.title)}`),
        two
          ? element("thead", {}, element("tr", {}, element("td"), ...letters.map((letter) =>
              element("th", { scope: "col" }, `Prompt ${letter.toUpperCase()}`))))
          : "",
        element("tbody", {}, ...Object.keys(sides.a.summary).map((name) =>
          element("tr", {}, element("th", { scope: "row" }, name),
            ...letters.map((letter) => element("td", {}, sides[letter].summary[name] ?? "–"))))))),
  );
  document.getElementById("downloads").hidden = false;
  announce(`Done. ${letters.map((letter) => summed(here, letter)).join(" ")} ${sentences[0] ?? ""}`);
}

function summed({ far }, letter) {
  return `${far[letter].far.textContent}.`;
}

// --- rows ----------------------------------------------------------------------------------------

const rowsAFrame = 25;

/** Show what has arrived since the last frame, at most so much that no frame is late. */
function show(here) {
  here.frame = 0;
  if (here !== run) return;
  const shown = here.arrived.splice(0, rowsAFrame);
  for (const event of shown) {
    const { index } = event.row;
    const line = here.lines.get(index) ?? insert(here, event.row);
    const cells = cellsOf(event);
    const at = 3 + 3 * here.letters.indexOf(event.side);
    cells.forEach((cell, i) => line.cells[at + i].replaceWith(cell));
    const { far, bar } = here.far[event.side];
    const { acc, interval, correct, n } = event.so_far;
    far.textContent = `${acc} (95% interval ${interval}), ${correct} of ${n} right`;
    bar.value = n;
  }
  if (shown.length > 0) tellQuarter(here, shown.at(-1));
  if (here.arrived.length > 0) here.frame = requestAnimationFrame(() => show(here));
  else here.last?.();
}

/** Say how far it is at each quarter of the run. */
function tellQuarter(here, { side, so_far }) {
  const done = here.letters.indexOf(side) + so_far.n / here.n;
  const quarter = Math.floor((4 * done) / here.letters.length);
  if (quarter > here.told && quarter < 4) {
    here.told = quarter;
    const to = here.letters.length > 1 ? ` to prompt ${side.toUpperCase()}` : "";
    announce(
      `${so_far.n} of ${here.n} answers${to}: accuracy ${so_far.acc}, 95% interval ${so_far.interval}`,
    );
  }
}

/** Put an empty line where the problem's number belongs. */
function insert(here, { index, a, b, answer }) {
  const line = element("tr", { "data-index": index },
    element("th", { scope: "row", class: "number" }, String(index + 1)),
    element("td", { class: "number" }, `${a}+${b}`),
    element("td", { class: "number" }, String(answer)),
    ...here.letters.flatMap(() => [element("td"), element("td"), element("td")]));
  let at = here.order.length;
  while (at > 0 && here.order[at - 1] > index) at -= 1;
  const next = at < here.order.length ? here.lines.get(here.order[at]) : null;
  rows.tBodies[0].insertBefore(line, next);
  here.order.splice(at, 0, index);
  here.lines.set(index, line);
  return line;
}

function cellsOf({ side, row, ids, shown }) {
  const places = shown.places.length ? `; wrong from the right: ${shown.places.join(", ")}` : "";
  const output = visible(row.output) || "(nothing)";
  return [
    element("td", { class: "number read", "data-letter": side },
      ...shown.response.map(([text, wrong]) => (wrong ? element("mark", {}, text) : text))),
    element("td", { class: `verdict ${row.correct ? "good" : "bad"}`, "data-letter": side, title: shown.why },
      element("span", { "aria-hidden": "true" }, row.correct ? "✓" : "✗"), ` ${shown.verdict}`,
      places ? element("span", { class: "unseen" }, places) : ""),
    element("td", { "data-letter": side },
      ids === null
        ? element("span", { class: "output" }, output)
        : element("button", { class: "output", type: "submit", form: "tokens", name: "row", value: `${side}${row.index + 1}`, "aria-expanded": "false" },
            element("span", { class: "unseen" }, "Tokens of "), output)),
  ];
}

// --- an output's tokens --------------------------------------------------------------------------

rows.addEventListener("click", (event) => {
  const button = event.target.closest("td[data-letter]")?.parentElement
    .querySelector(`td[data-letter="${event.target.closest("td").dataset.letter}"] button.output`);
  if (!button || getSelection().toString() !== "") return;
  event.preventDefault();
  toggle(button);
});

async function toggle(button) {
  const line = button.closest("tr");
  const open = document.getElementById("detail");
  const before = open?.owner;
  open?.remove();
  before?.setAttribute("aria-expanded", "false");
  before?.removeAttribute("aria-controls");
  if (before === button) return;
  const panel = element("td", { colspan: line.cells.length }, "Asking the model for its probabilities…");
  const detail = element("tr", { class: "detail", id: "detail" }, panel);
  detail.owner = button;
  line.after(detail);
  button.setAttribute("aria-expanded", "true");
  button.setAttribute("aria-controls", "detail");
  try {
    const url = `/playground/runs/${run.id}/tokens?${new URLSearchParams({ row: button.value })}`;
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    const told = await response.json();
    if (!response.ok) throw new Error(told.error);
    panel.replaceChildren(...tokensOf(told));
    announce(`${told.tokens.length} tokens are shown below the row.`);
  } catch (error) {
    panel.replaceChildren(element("p", { class: "error", role: "alert" }, visible(error.message)));
  }
}

function tokensOf({ tokens, ending, next_token }) {
  const head = ["No.", "Token", "Probability", "before parameters", "Likeliest others (before parameters)"];
  return [
    element("p", {}, `${ending} Blanks are shown as ·. `, element("a", { href: next_token }, "Go on by hand from this prompt")),
    element("div", { class: "box", role: "group", tabindex: 0, "aria-labelledby": "tokens-title" }, element("table", { class: "tokens" },
      element("caption", { id: "tokens-title" }, "Each token, and the likeliest others in its place"),
      element("thead", {}, element("tr", {}, ...head.map((name, i) =>
        element("th", { scope: "col", class: [0, 2, 3].includes(i) ? "number" : null }, name)))),
      element("tbody", {}, ...tokens.map((token, i) =>
        element("tr", {},
          element("th", { scope: "row", class: "number" }, String(i + 1)),
          element("td", {}, element("code", { class: "token" }, piece(token.text))),
          element("td", { class: "number" }, chance(token.drawn),
            element("span", { class: "likely", style: `width: ${100 * token.drawn}%` })),
          element("td", { class: "number" }, chance(token.raw)),
          element("td", {}, ...token.others.map((other) =>
            element("span", { class: "other" }, element("code", { class: "token" }, piece(other.text)),
              ` ${chance(other.drawn)} (${chance(other.raw)})`))))))))];
}

const piece = (text) => visible(text).replaceAll(" ", "·");
const chance = (value) => (value > 0 && value < 0.0005 ? "<.001" : share(value));

if (form.dataset.job) start(form.dataset.job, new FormData(form), form.dataset.link);
else if ("run" in form.dataset) send("run");

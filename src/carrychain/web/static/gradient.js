// The page of the gradient. Networks are measured on the server, one for each position of the
// slider, the one asked for first; the slider then moves among those that have come.

import { announce, debounce, element, number, post, watch } from "./api.js";
import * as figures from "./gradient_figures.js";
import { colours, plot } from "./plots.js";

const SETTLING = 150; // milliseconds without a move until the address follows
const SPEAKING = 700; // and until the sentence is said
const TYPING = 300; // milliseconds without a change until the form is taken
const LEVEL = 1e-9; // a slope nearer to 0 is rounding

const at = (id) => document.getElementById(id);
const form = at("form");
const slider = at("slider");

let asked; // the fields of the network that was asked for
let askedFor; // its s_max
let positions = [];
let frames = new Map(); // by s_max
let shown; // the frame that the pictures show
let job;
let turn = 0;
let Plotly; // once the first pictures stand
let drawing = 0; // the next animation frame's request

const inOrder = () => positions.filter((s_max) => frames.has(s_max)).map((s_max) => frames.get(s_max));
const isCritical = () => ["tanh", "relu"].includes(asked.cell);

// --- asking the server ---------------------------------------------------------------------------

/** Measure what the form asks for, and then the slider's other positions. */
async function measure() {
  const mine = ++turn;
  stop();
  const { csrf, ...fields } = Object.fromEntries(new FormData(form));
  say("");
  at("result").setAttribute("aria-busy", "true");
  at("progress").textContent = "measuring …";
  try {
    const answer = await post("/gradient/frame", fields);
    if (mine !== turn) return;
    begin(fields, answer);
    const { id } = await post("/gradient/frames", { ...fields, around: askedFor });
    if (mine !== turn) {
      post(`/jobs/${id}/cancel`).catch(() => {});
      return;
    }
    job = watch(id, { place, item, done, failed, cancelled });
    at("cancel").hidden = false;
  } catch (error) {
    if (mine === turn) failed(error.message);
  }
}

function begin(fields, { frame, positions: places }) {
  asked = fields;
  askedFor = frame.s_max;
  positions = places;
  frames = new Map([[askedFor, figures.unpacked(frame)]]);
  at("result").setAttribute("aria-busy", "false");
  slider.max = positions.length - 1;
  slider.value = positions.indexOf(askedFor);
  slider.disabled = false;
  mark();
  move();
  draw();
  announce(spoken());
}

function place(n) {
  at("progress").textContent =
    `the slider's other positions wait for other work here: place ${n} in the queue`;
}

function item(frame) {
  frames.set(frame.s_max, figures.unpacked(frame));
  at("progress").textContent = `${frames.size} of ${positions.length} positions measured`;
  if (current() === frame.s_max) move();
  draw();
}

function done() {
  ended(`all ${positions.length} positions measured`);
  announce(`All ${positions.length} positions of the slider are measured. ${at("crossing").textContent}`);
}

function cancelled() {
  ended(`stopped; ${frames.size} of ${positions.length} positions are measured`);
}

function failed(sentence) {
  at("result").setAttribute("aria-busy", "false");
  ended("");
  say(sentence);
}

function ended(sentence) {
  job = undefined;
  at("cancel").hidden = true;
  at("progress").textContent = sentence;
}

/** Give up what is still being measured. */
function stop() {
  job?.close();
  job?.cancel().catch(() => {});
  ended("");
}

function say(sentence) {
  at("error").textContent = sentence;
  at("error").hidden = !sentence;
}

// --- the slider ----------------------------------------------------------------------------------

const current = () => positions[slider.valueAsNumber];

/** Show the slider's position: words at once, pictures with the screen's next frame. */
function move() {
  const s_max = current();
  const frame = frames.get(s_max);
  at("value-shown").textContent = number(s_max);
  slider.setAttribute(
    "aria-valuetext",
    frame ? `${number(s_max)}, factor ${frame.factor ?? "0"} a step` : `${number(s_max)}, not measured yet`,
  );
  at("result").classList.toggle("waiting", !frame);
  if (!frame) {
    at("slope").textContent = `s_max ${number(s_max)} is not measured yet.`;
    at("meaning").textContent = "";
    return;
  }
  shown = frame;
  at("title").textContent = frame.title;
  at("slope").textContent = frame.slope_words;
  at("meaning").textContent = frame.meaning;
  at("certainty").textContent = frame.certainty;
  if (Plotly && !drawing) drawing = requestAnimationFrame(restyle);
}

function restyle() {
  drawing = 0;
  Plotly.restyle(at("map"), figures.mapChange(shown), [0, 1]);
  const range = figures.lagRange(shown);
  Plotly.update(at("lags"), figures.lagChange(shown), { "yaxis.range": range });
  Plotly.restyle(at("slopes"), figures.slopeChange(shown), [1]);
  describe();
}

const settle = debounce(() => {
  const fields =
    current() === askedFor ? asked : { ...asked, size: "s_max", value: String(current()) };
  form.elements.size.value = fields.size;
  form.elements.value.value = fields.value;
  history.replaceState(null, "", `/gradient?${new URLSearchParams(fields)}`);
}, SETTLING);

const speak = debounce(() => announce(spoken()), SPEAKING);

function spoken() {
  return `s_max ${number(current())}. ${at("slope").textContent} ${at("meaning").textContent}`;
}

/** Write the slider's ends and the critical value below it. */
function mark() {
  at("lowest").textContent = number(positions[0]);
  at("highest").textContent = number(positions.at(-1));
  at("slider-help").textContent = isCritical()
    ? "Below 1 every norm must vanish with the lag; above 1 it may explode, and need not."
    : "The gates let the state pass W_hh by, so no s_max is critical by itself.";
  const distance = (s_max) => Math.abs(s_max - 1);
  const nearest = positions.reduce((best, s_max) => (distance(s_max) < distance(best) ? s_max : best));
  at("critical").hidden = !isCritical();
  at("critical").style.setProperty("--at", positions.indexOf(nearest) / (positions.length - 1));
}

// --- pictures and tables -------------------------------------------------------------------------

/** Draw everything anew: a frame has come, or the network is another. */
async function draw() {
  at("crossing").textContent = crossing(inOrder());
  fillAll(inOrder());
  describe();
  const { mapTraces, mapLayout, lagTraces, lagLayout, slopeTraces, slopeLayout } = figures;
  const pictures = [
    plot(at("map"), () => mapTraces(shown, inOrder()), mapLayout),
    plot(at("lags"), () => lagTraces(shown), () => lagLayout(shown)),
    plot(at("slopes"), () => slopeTraces(shown, inOrder()), () => slopeLayout(positions, isCritical())),
  ];
  try {
    [Plotly] = await Promise.all(pictures);
  } catch (error) {
    say(error.message);
  }
}

/** Say in text what the pictures show now. */
function describe() {
  at("map-alt").textContent = shown.alt_map;
  at("lags-alt").textContent = shown.alt_lags;
  at("zeros").replaceChildren(
    ...(shown.zeros
      ? [
          element("span", { class: "swatch", style: `background: ${figures.zeroColour()}` }),
          ` ${number(shown.zeros)} norms are exactly 0; by lag, the grey goes down to the axis there, and a line ends.`,
        ]
      : []),
  );
  const [head] = at("numbers").tHead.rows;
  head.replaceChildren(
    element("th", { scope: "col" }, "lag t − i"),
    ...shown.columns.map((name) => element("th", { scope: "col", class: "number" }, name)),
  );
  at("numbers").tBodies[0].replaceChildren(
    ...shown.rows.map(([lag, ...values]) =>
      element("tr", {}, element("th", { scope: "row" }, lag), ...values.map(cell)),
    ),
  );
}

const cell = (text) => element("td", { class: "number" }, text);

function fillAll(all) {
  at("all").tBodies[0].replaceChildren(
    ...all.map(({ s_max, slope, factor, rows }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", class: "number" }, number(s_max)),
        ...[number(slope), factor ?? "–", rows.at(-1)[2]].map(cell),
      ),
    ),
  );
}

/** Say between which values of s_max the norms turn from falling to rising. */
function crossing(all) {
  const known = all.filter(({ slope }) => slope !== null && Math.abs(slope) > LEVEL);
  if (known.length < 2) return "";
  const [first, last] = [known[0], known.at(-1)];
  const range = `measured, from ${number(first.s_max)} to ${number(last.s_max)}`;
  const turns = known.slice(1).flatMap((frame, k) =>
    frame.slope > 0 === known[k].slope > 0
      ? []
      : [`between s_max ${number(known[k].s_max)} and ${number(frame.s_max)}`],
  );
  const [from, to] = first.slope > 0 ? ["rises", "falls"] : ["falls", "rises"];
  if (!turns.length) return `At every s_max ${range}, the norm at t = T ${from} with the lag.`;
  if (turns.length === 1)
    return `Of the s_max ${range}, the norm at t = T ${from} with the lag at the small ones and ${to} at the large: it turns ${turns[0]}.`;
  return `Of the s_max ${range}, the slope at t = T changes its sign ${turns.length} times: ${turns.join(", ")}.`;
}

// --- the picture as a file -----------------------------------------------------------------------

/** Save the map and the norms by lag, side by side, in the colours that are shown. */
async function save() {
  const [width, height, scale, head] = [760, 640, 2, 48];
  const urls = await Promise.all(
    [at("map"), at("lags")].map((div) => Plotly.toImage(div, { format: "png", width, height, scale })),
  );
  const { ground, ink } = colours();
  const canvas = element("canvas", { width: 2 * width * scale, height: (height + head) * scale });
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.fillStyle = ground;
  pen.fillRect(0, 0, 2 * width, height + head);
  pen.fillStyle = ink;
  pen.font = "18px sans-serif";
  pen.fillText(shown.title, 24, 32);
  for (const [k, url] of urls.entries()) {
    const picture = element("img", { src: url });
    await picture.decode();
    pen.drawImage(picture, k * width, head, width, height);
  }
  element("a", { href: canvas.toDataURL("image/png"), download: "carrychain-gradient-map.png" }).click();
}

// --- what happens when ---------------------------------------------------------------------------

const measureSoon = debounce(measure, TYPING);

form.addEventListener("change", measureSoon);
form.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("formaction")) return; // a file
  event.preventDefault();
  measureSoon();
});
slider.addEventListener("input", () => {
  move();
  settle();
  speak();
});
at("cancel").addEventListener("click", () => job?.cancel().catch((error) => say(error.message)));
at("save").addEventListener("click", () => save().catch((error) => say(error.message)));
at("drawn")?.remove();
at("link")?.remove();
if (at("error").hidden) measure();

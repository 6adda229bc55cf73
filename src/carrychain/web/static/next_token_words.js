// What each parameter does to a distribution, in sentences made from its numbers.

import { number, share, visible } from "./api.js";

/** Write a token so that blanks and line breaks are seen. */
export function quoted(text) {
  return `“${shown(text)}”`;
}

export function shown(text) {
  return visible(text).replaceAll(" ", "␣") || "(nothing)";
}

/** Write a probability that may be very small. */
export function chance(p) {
  return p === 0 || p >= 0.001 ? share(p) : number(p);
}

/** Write a parameter's value or a number from 0 to 1 in full: .7, 1.5. */
export function plain(value) {
  return String(value).replace(/^0\./, ".");
}

/** Say what takes a token's probability; nothing where it can be drawn. */
export function fallsTo(id, distributions, params) {
  const { tempered, top_k, top_p } = distributions;
  if (params.temperature === 0) return top_p[id] ? "" : "temperature 0";
  if (tempered[id] && !top_k[id]) return "top-k";
  return top_k[id] && !top_p[id] ? "top-p" : "";
}

/** Say in one sentence what can be drawn. */
export function drawn(distributions, name) {
  const { top_p, order } = distributions;
  const possible = top_p.reduce((count, p) => count + (p > 0), 0);
  const first = order[0];
  if (possible === 1) return `The next token is certain: ${name(first)}.`;
  return (
    `The next token is drawn from ${number(possible)}, ` +
    `the likeliest ${name(first)} with ${share(top_p[first])}.`
  );
}

/**
 * Say what each step does, a sentence or two a step, in the steps' order.
 *
 * @param prepared what `prepare` made of the logits
 * @param distributions what `stages` returned
 * @param params the four parameters
 * @param name writes a token by its id
 */
export function explain(prepared, distributions, params, name) {
  return [
    theModel(prepared, distributions, name),
    penalty(prepared, distributions, params, name),
    temperature(distributions, params, name),
    topK(distributions, params),
    topP(distributions, params, name),
  ];
}

function theModel({ logits }, { raw }, name) {
  const first = highest(raw);
  return (
    `The model itself has ${name(first)} first, with ${share(raw[first])} ` +
    `(logit ${logits[first].toFixed(1)}); the entropy of all ${number(raw.length)} tokens is ` +
    `${bits(raw)}.`
  );
}

function penalty({ seen }, { raw, penalised, order }, { repetition_penalty: value }, name) {
  if (value === 1) return "Repetition penalty 1 is off.";
  const most = seen.reduce((best, id) =>
    Math.abs(penalised[id] - raw[id]) > Math.abs(penalised[best] - raw[best]) ? id : best,
  );
  const before = highest(raw);
  return (
    `Repetition penalty ${plain(value)} divides positive logits and multiplies negative ones, which ` +
    `${value > 1 ? "lowers" : "raises"} both, for the ${number(seen.length)} different tokens of ` +
    `the text so far: together they go from ${chance(sum(raw, seen))} to ` +
    `${chance(sum(penalised, seen))}. Most changes ${name(most)}, from ${chance(raw[most])} to ` +
    `${chance(penalised[most])}.` +
    (order[0] === before ? "" : ` First is now ${name(order[0])}, no longer ${name(before)}.`)
  );
}

function temperature({ penalised, tempered, order }, { temperature: value }, name) {
  const first = order[0];
  if (value === 0)
    return `Temperature 0 is greedy decoding: ${name(first)} is taken, whatever top-k and top-p are.`;
  if (value === 1) return "Temperature 1 is off.";
  return (
    `Temperature ${plain(value)} divides every logit by ${plain(value)}, which ` +
    `${value < 1 ? "widens their differences" : "narrows their differences"}: ${name(first)} goes ` +
    `from ${chance(penalised[first])} to ${chance(tempered[first])}, the entropy from ` +
    `${bits(penalised)} to ${bits(tempered)}.`
  );
}

function topK({ tempered, left, order }, { temperature: degrees, top_k: value }) {
  if (degrees === 0) return "Top-k has no say at temperature 0.";
  if (value === 0) return "Top-k 0 is off.";
  const fallen = order.length - left.top_k;
  if (fallen === 0) return `Top-k ${number(value)} keeps all ${number(order.length)} tokens.`;
  const ties =
    left.top_k > value ? ` (${number(left.top_k)}, as some tie with the last of them)` : "";
  return (
    `Top-k keeps the ${value === 1 ? "likeliest token" : `${number(value)} likeliest tokens`}` +
    `${ties}; ${number(fallen)} fall, which had ${chance(sum(tempered, order.subarray(left.top_k)))} ` +
    "together, and the others share that by what they have."
  );
}

function topP({ top_k, top_p, left, order }, { temperature: degrees, top_p: value }, name) {
  if (degrees === 0) return "Top-p has no say at temperature 0.";
  if (value === 1) return "Top-p 1 is off.";
  const fallen = left.top_k - left.top_p;
  const kept = order.subarray(0, left.top_k).filter((id) => top_p[id] > 0);
  const together = sum(top_k, kept);
  const reach =
    left.top_p === 1
      ? `${name(order[0])} alone has ${share(together)}`
      : `the ${number(left.top_p)} likeliest have ${share(together)} together`;
  if (fallen === 0) return `Top-p ${plain(value)} takes no token away: ${reach}.`;
  return (
    `Top-p ${plain(value)} keeps the fewest tokens that reach ${plain(value)}: ${reach}; ` +
    `${number(fallen)} ${fallen === 1 ? "falls" : "fall"}, with ${chance(Math.max(0, 1 - together))}.`
  );
}

function highest(probabilities) {
  let best = 0;
  for (let id = 1; id < probabilities.length; id += 1)
    if (probabilities[id] > probabilities[best]) best = id;
  return best;
}

function sum(probabilities, ids) {
  let total = 0;
  for (const id of ids) total += probabilities[id];
  return total;
}

function bits(probabilities) {
  let entropy = 0;
  for (const p of probabilities) if (p > 0) entropy -= p * Math.log2(p);
  return `${entropy.toFixed(2)} bits`;
}

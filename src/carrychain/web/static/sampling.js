// From logits to the next token, as carrychain's engines/sampling.py does it.
//
// The order is repetition penalty, temperature, top-k, top-p, softmax. Scores are float32 at every
// step, rounded as PyTorch rounds them, so that what ties there ties here and top-k keeps the same
// tokens. Exponentials are summed in float64: PyTorch's own float32 sum depends on the processor,
// and is off by some 1e-7 for a thousand tokens and 1e-6 for fifty thousand. A top-p whose edge lies
// nearer to a token's than that may cut one token more or fewer.
//
// V tokens are in the vocabulary. An `order` lists token ids, the highest score first, equals by id.

export const STAGES = ["raw", "penalised", "tempered", "top_k", "top_p"];

const LEAST_TEMPERATURE = 1e-30; // as on the server
const round = Math.fround;

/**
 * Do once for a prompt what does not depend on the parameters.
 *
 * @param {Float32Array} logits the model's scores, (V,)
 * @param {Iterable<number>} tokens ids of the prompt's tokens and of those that follow it
 */
export function prepare(logits, tokens) {
  const seen = Uint32Array.from(new Set(tokens)).filter((id) => id < logits.length);
  const isSeen = new Uint8Array(logits.length);
  for (const id of seen) isSeen[id] = 1;
  const unseen = Uint32Array.from(logits.keys()).filter((id) => !isSeen[id]);
  return { logits, seen, unseen: sortByScore(unseen, logits), raw: softmax(logits) };
}

/**
 * Return the distribution after each step.
 *
 * @param prepared what `prepare` returned
 * @param params {temperature, top_k, top_p, repetition_penalty}, in SamplingParams' ranges
 * @returns the five STAGES, each a Float32Array (V,); `order`, the tokens by penalised score; and
 *   in `left` how many tokens top-k and then top-p leave. Where temperature makes scores equal,
 *   top-p leaves those of lower id.
 */
export function stages({ logits, seen, unseen, raw }, params) {
  const scores = penalise(logits, seen, params.repetition_penalty);
  const order = merge(unseen, sortByScore(seen, scores), scores);
  const penalised = params.repetition_penalty === 1 ? raw : softmax(scores);
  if (params.temperature === 0) {
    const certain = new Float32Array(logits.length);
    certain[order[0]] = 1;
    const left = { top_k: 1, top_p: 1 };
    return { raw, penalised, tempered: certain, top_k: certain, top_p: certain, order, left };
  }
  const divisor = round(Math.max(params.temperature, LEAST_TEMPERATURE));
  const divided = scores.map((score) => score / divisor); // a Float32Array's map rounds
  const weights = exponentials(divided);
  const tempered = normalise(weights);
  const byK = order.subarray(0, withTies(order, divided, params.top_k || order.length));
  const top_k = byK.length < order.length ? normaliseSome(weights, byK) : tempered;
  const byP = nucleus(byK, top_k, divided, params.top_p);
  const top_p = byP.length < byK.length ? normaliseSome(weights, byP) : top_k;
  const left = { top_k: byK.length, top_p: byP.length };
  return { raw, penalised, tempered, top_k, top_p, order, left };
}

function penalise(logits, seen, penalty) {
  const scores = logits.slice();
  const factor = round(penalty);
  for (const id of seen) scores[id] = scores[id] < 0 ? scores[id] * factor : scores[id] / factor;
  return scores;
}

/** Return how many first tokens of an order top-k keeps: what ties with the k-th stays. */
function withTies(order, scores, k) {
  let kept = Math.min(k, order.length);
  const least = scores[order[kept - 1]];
  while (kept < order.length && scores[order[kept]] === least) kept += 1;
  return kept;
}

/** Return the tokens that top-p keeps: without the last ones that have at most 1 - p together. */
function nucleus(order, probabilities, scores, p) {
  if (p >= 1) return order;
  const most = round(1 - p);
  let kept = order.length;
  let tail = 0;
  while (kept > 1) {
    tail += probabilities[order[kept - 1]];
    if (round(tail) > most) break;
    kept -= 1;
  }
  const edge = scores[order[kept - 1]];
  if (kept === order.length || scores[order[kept]] !== edge) return order.subarray(0, kept);
  const equals = order.filter((id) => scores[id] === edge).sort();
  const higher = order.findIndex((id) => scores[id] === edge);
  const tokens = order.slice(0, kept);
  tokens.set(equals.subarray(0, kept - higher), higher);
  return tokens;
}

function sortByScore(ids, scores) {
  return ids.slice().sort((a, b) => scores[b] - scores[a] || a - b);
}

function merge(one, other, scores) {
  const merged = new Uint32Array(one.length + other.length);
  let i = 0;
  let j = 0;
  for (let at = 0; at < merged.length; at += 1) {
    const a = one[i];
    const b = other[j];
    const takesOne =
      j === other.length ||
      (i < one.length && (scores[a] > scores[b] || (scores[a] === scores[b] && a < b)));
    merged[at] = takesOne ? one[i++] : other[j++];
  }
  return merged;
}

function softmax(scores) {
  return normalise(exponentials(scores));
}

/** Return exp(score - highest score) of each. */
function exponentials(scores) {
  let highest = -Infinity;
  for (const score of scores) if (score > highest) highest = score;
  const weights = new Float64Array(scores.length);
  for (let id = 0; id < scores.length; id += 1) weights[id] = Math.exp(round(scores[id] - highest));
  return weights;
}

function normalise(weights) {
  let sum = 0;
  for (let id = 0; id < weights.length; id += 1) sum += weights[id];
  const shares = new Float32Array(weights.length);
  for (let id = 0; id < weights.length; id += 1) shares[id] = weights[id] / sum;
  return shares;
}

/** Divide the weights of some tokens by their sum; the others get 0. */
function normaliseSome(weights, ids) {
  let sum = 0;
  for (const id of ids) sum += weights[id];
  const shares = new Float32Array(weights.length);
  for (const id of ids) shares[id] = weights[id] / sum;
  return shares;
}

/** Return the first token whose cumulative probability exceeds a number in [0, 1). */
export function draw(probabilities, uniform) {
  let total = 0;
  for (const p of probabilities) total += p;
  let cumulative = 0;
  for (let id = 0; id < probabilities.length; id += 1) {
    cumulative += probabilities[id];
    if (cumulative > uniform * total && probabilities[id] > 0) return id;
  }
  return probabilities.indexOf(probabilities.reduce((most, p) => Math.max(most, p)));
}

const GOLDEN = 0x9e3779b97f4a7c15n;

/**
 * Return number `step` of a seed's stream, in [0, 1): the one that carrychain draws with there.
 *
 * @param {bigint} seed 0 to 2^64 - 1
 * @param {number} step from 0 up
 */
export function uniform(seed, step) {
  const start = mix(seed + GOLDEN);
  return Number(mix(start + BigInt(step + 1) * GOLDEN) >> 11n) * 2 ** -53;
}

function mix(number) {
  let z = BigInt.asUintN(64, number);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

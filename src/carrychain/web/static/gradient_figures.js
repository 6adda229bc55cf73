// What the page of the gradient draws of a frame: traces and layouts, in the colours of the scheme.
//
// Colours and the axis of norms must show 10^-100 beside 0.5, so colours go by asinh(log10 norm):
// even steps near 1, even ratios far from it. Lightness changes evenly to both sides of 1.

import { colours } from "./plots.js";

export const RAMPS = {
  light: [
    "#00296c", "#0f4f95", "#3d76bc", "#719ed7", "#adc6e7", "#eeeeee",
    "#e2bba6", "#cc8963", "#ad5b27", "#853300", "#5c0700",
  ],
  dark: [
    "#ace2ff", "#87bafd", "#6595d2", "#4d719e", "#3c4e66", "#2e2e2e",
    "#634534", "#985e3d", "#ca7c4e", "#f5a06f", "#ffc695",
  ],
};
const ZERO = { light: "#b0128a", dark: "#ff5fd2" };
const POWERS = [-1000, -100, -10, -1, 0, 1, 10, 100, 1000];
const STYLES = [
  ["dash", { light: "#9a5b00", dark: "#e8a33d" }],
  ["dashdot", { light: "#0b6fb8", dark: "#7fc1f5" }],
  ["dot", { light: "#5f6670", dark: "#b4bcc6" }],
];

const dark = matchMedia("(prefers-color-scheme: dark)");
const scheme = () => (dark.matches ? "dark" : "light");
const power = (x) => (x === 0 ? "1" : `10<sup>${String(x).replace("-", "−")}</sup>`);

/** Return the colour that stands for a norm of exactly 0. */
export const zeroColour = () => ZERO[scheme()];

/** Unpack a frame's norms once: rows for the map of colours, of zeros, and of logs to point at. */
export function unpacked(frame) {
  const bytes = Uint8Array.from(atob(frame.norms), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const logs = [];
  for (let t = 0, at = 0; t <= frame.steps; t += 1) {
    const row = Array(frame.steps + 1).fill(null);
    for (let i = 0; i <= t; i += 1, at += 4) row[i] = view.getFloat32(at, true);
    logs.push(row);
  }
  const each = (f) => logs.map((row) => row.map((log) => (log === null ? null : f(log))));
  const finite = logs.flat().filter((log) => Number.isFinite(log));
  return {
    ...frame,
    logs,
    shades: each((log) => (log === -Infinity ? null : Math.asinh(log))),
    nothing: each((log) => (log === -Infinity ? 1 : null)),
    most: finite.reduce((most, log) => Math.max(most, Math.abs(log)), 0),
  };
}

/** Return the next of 1, 2, 5, 10, ... and their like, not below a number nor below the least. */
function rounded(x, least) {
  const most = Math.max(x, least);
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].find((k) => k * unit >= most) * unit;
}

// --- the map -------------------------------------------------------------------------------------

/** Return the map's traces; its colours reach as far as those of all frames need. */
export function mapTraces(frame, frames) {
  const end = Math.asinh(rounded(Math.max(...frames.map(({ most }) => most)), 1));
  const ramp = RAMPS[scheme()];
  const ticks = POWERS.filter((x) => Math.abs(Math.asinh(x)) <= end);
  return [
    {
      type: "heatmap",
      z: frame.shades,
      customdata: frame.logs,
      zmin: -end,
      zmax: end,
      colorscale: ramp.map((colour, k) => [k / (ramp.length - 1), colour]),
      hoverongaps: false,
      hovertemplate: "i = %{x}, t = %{y}<br>10^%{customdata:.2f}<extra></extra>",
      colorbar: {
        orientation: "h",
        y: -0.16,
        yanchor: "top",
        len: 1.05,
        thickness: 12,
        outlinewidth: 0,
        tickvals: ticks.map(Math.asinh),
        ticktext: ticks.map(power),
        title: { text: "norm", side: "bottom" },
      },
    },
    {
      type: "heatmap",
      z: frame.nothing,
      colorscale: [[0, zeroColour()], [1, zeroColour()]],
      showscale: false,
      hoverongaps: false,
      hovertemplate: "i = %{x}, t = %{y}<br>exactly 0<extra></extra>",
    },
  ];
}

export function mapLayout() {
  const axis = { zeroline: false, showgrid: false, constrain: "domain", ticks: "outside" };
  return {
    margin: { t: 8, r: 16, b: 72, l: 48 },
    xaxis: { ...axis, title: { text: "from step i", standoff: 6 } },
    yaxis: { ...axis, title: { text: "to step t", standoff: 6 }, autorange: "reversed", scaleanchor: "x" },
  };
}

export const mapChange = (frame) => ({
  z: [frame.shades, frame.nothing],
  customdata: [frame.logs, null],
});

// --- norms by lag --------------------------------------------------------------------------------

/** Return the lines in the traces' order; the band goes down to the axis where the lowest is 0. */
function lagLines(frame) {
  const { highest, lowest, median } = frame.lags;
  const [bottom] = lagRange(frame);
  const floor = lowest.map((log, lag) => log ?? (highest[lag] === null ? null : bottom));
  return [highest, floor, median, ...Object.values(frame.bounds)];
}

export function lagTraces(frame) {
  const { ink, quiet } = colours();
  const x = Array.from(frame.lags.median.keys());
  const [highest, lowest, median, ...bounds] = lagLines(frame);
  const trace = { type: "scatter", mode: "lines", x, hovertemplate: "10^%{y:.2f} at lag %{x}" };
  return [
    { ...trace, y: highest, line: { width: 0 }, showlegend: false, hoverinfo: "skip" },
    { ...trace, y: lowest, line: { width: 0 }, fill: "tonexty", fillcolor: `${quiet}66`, name: "norm, lowest to highest", hoverinfo: "skip" },
    { ...trace, y: median, line: { color: ink, width: 2.5 }, name: "norm, median" },
    ...bounds.map((y, k) => {
      const [dash, colour] = STYLES[k];
      return { ...trace, y, line: { dash, color: colour[scheme()], width: 2 }, name: Object.keys(frame.bounds)[k] };
    }),
  ];
}

/** Return an axis that stays as it is while the lines move, and holds all of them. */
export function lagRange({ lags, bounds }) {
  const lines = [...Object.values(lags), ...Object.values(bounds)];
  const logs = lines.flat().filter((log) => log !== null);
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const least = Math.max(-low, high, 2) / 20;
  return [-rounded(-low, least), rounded(high, least)];
}

export function lagLayout(frame) {
  return {
    margin: { t: 8, r: 16, b: 48, l: 56 },
    xaxis: { title: { text: "lag t − i", standoff: 6 }, rangemode: "tozero" },
    yaxis: { title: { text: "log₁₀ of the norm", standoff: 6 }, range: lagRange(frame) },
    legend: { orientation: "h", traceorder: "normal", yref: "container", y: 0, yanchor: "bottom", x: 0 },
  };
}

export const lagChange = (frame) => ({ y: lagLines(frame) });

// --- the slope against s_max ---------------------------------------------------------------------

export function slopeTraces(frame, frames) {
  const { ink, accent } = colours();
  const trace = { type: "scatter", showlegend: false, hovertemplate: "%{y:.3f} a step at s_max %{x}<extra></extra>" };
  return [
    {
      ...trace,
      mode: "lines+markers",
      x: frames.map(({ s_max }) => s_max),
      y: frames.map(({ slope }) => slope),
      line: { color: ink, width: 2 },
      marker: { color: ink, size: 6 },
    },
    { ...trace, mode: "markers", x: [frame.s_max], y: [frame.slope], marker: { color: accent, size: 15, symbol: "circle-open", line: { width: 3 } } },
  ];
}

export function slopeLayout(positions, isCritical) {
  const { quiet } = colours();
  const [first, last] = [positions.find((s_max) => s_max > 0), positions.at(-1)];
  return {
    margin: { t: 24, r: 16, b: 48, l: 56 },
    xaxis: {
      type: "log",
      title: { text: "s_max", standoff: 6 },
      range: [Math.log10(first / 1.15), Math.log10(last * 1.15)],
      tickvals: [0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64],
    },
    yaxis: { title: { text: "slope, a step", standoff: 6 }, zeroline: true, zerolinecolor: quiet, zerolinewidth: 2 },
    shapes: isCritical
      ? [{ type: "line", x0: 1, x1: 1, yref: "paper", y0: 0, y1: 1, line: { color: quiet, dash: "dash", width: 2 } }]
      : [],
    annotations: isCritical
      ? [{ x: 0, y: 1, yref: "paper", yanchor: "bottom", text: "critical, s_max = 1", showarrow: false }]
      : [],
  };
}

export const slopeChange = (frame) => ({ x: [[frame.s_max]], y: [[frame.slope]] });

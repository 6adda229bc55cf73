// Pictures by Plotly, in the page's own colours, redrawn when the scheme changes.

let loading;

function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/static/plotly.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("the pictures' script could not be loaded"));
    document.head.append(script);
  });
  return loading;
}

/** Return the colours of the scheme that is shown. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "raised", "ink", "quiet", "line", "link", "accent", "good", "bad"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function dressed(layout) {
  const { ground, ink, line } = colours();
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true };
  const axes = Object.fromEntries(
    Object.keys({ xaxis: {}, yaxis: {}, ...layout })
      .filter((name) => /^[xy]axis\d*$/.test(name))
      .map((name) => [name, { ...axis, ...layout[name] }]),
  );
  return {
    margin: { t: 40, r: 16, b: 48, l: 56 },
    ...layout,
    ...axes,
    paper_bgcolor: ground,
    plot_bgcolor: ground,
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
  };
}

const drawn = new Map();

/** Draw into an element; `traces` and `layout` may be functions, called anew in another scheme. */
export async function plot(into, traces, layout, config = {}) {
  const Plotly = await load();
  const draw = () =>
    Plotly.react(
      into,
      typeof traces === "function" ? traces() : traces,
      dressed(typeof layout === "function" ? layout() : layout),
      { responsive: true, displaylogo: false, displayModeBar: false, ...config },
    );
  drawn.set(into, draw);
  await draw();
  return Plotly;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [into, draw] of drawn) {
    if (into.isConnected) draw();
    else drawn.delete(into);
  }
});

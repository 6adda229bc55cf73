// A job of grading: takes each part of the page anew from the server when something has happened.

import { announce, watch } from "/static/api.js";

const job = document.getElementById("job");
let asked = false;
let refreshing = null;

/** Put the server's present page in place of ours, part by part; what is the same stays. */
function refresh() {
  asked = true;
  refreshing ??= untilNothingIsAsked().finally(() => (refreshing = null));
  return refreshing;
}

async function untilNothingIsAsked() {
  while (asked) {
    asked = false;
    const response = await fetch(location.pathname).catch(() => null);
    if (response?.ok) take(new DOMParser().parseFromString(await response.text(), "text/html"));
    await new Promise((resolve) => setTimeout(resolve, 250)); // some steps take milliseconds
  }
}

function take(page) {
  for (const part of page.querySelectorAll("#job > [id]")) {
    const old = document.getElementById(part.id);
    if (old.isEqualNode(part)) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(part);
    if (focused) (document.getElementById(focused) ?? document.getElementById("main")).focus();
  }
}

function end() {
  refresh().then(() => announce(document.getElementById("progress").textContent));
}

watch(job.dataset.job, {
  place: refresh,
  item(event) {
    refresh();
    if (event.step === "graded" || event.step === "refused") {
      const name = document.getElementById(`name-${event.submission + 1}`).textContent;
      announce(event.step === "graded" ? `${name} is graded.` : `${name} can't be graded.`);
    }
  },
  done: end,
  failed: end,
  cancelled: end,
});

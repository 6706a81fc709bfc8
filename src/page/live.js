// A page that the daemon serves shows what is new without being loaded again, unless somebody is at work on it.

const LOOKS_EVERY = 60000;

function keepLive() {
  let stamp = document.querySelector("meta[name=stamp]")?.content;
  if (!stamp) return;
  const say = (...parts) => {
    for (const place of document.querySelectorAll("#live, .news")) place.replaceChildren();
    // Who edits sees the bar of the change file, and not the top of the page.
    (document.querySelector("#change:not([hidden]) .news") ?? document.getElementById("live")).replaceChildren(...parts);
  };
  const isBusy = () => document.querySelector("#change:not([hidden]), input:focus, select:focus, textarea:focus, #trend:not([hidden])");
  // What a file would do stays until somebody leaves it; and so does the page while the file is read.
  const isKept = () => document.querySelector("#preview, #pick[aria-busy]");
  const show = (page) => {
    const focused = document.activeElement.getAttribute("href") ?? "";
    const nameOf = (details) => `${details.closest("section")?.querySelector("h2")?.textContent}: ${details.querySelector("summary").textContent}`;
    const opened = [...document.querySelectorAll("details[open]")].map(nameOf);
    stamp = page.querySelector("meta[name=stamp]").content;
    fill(page);
    for (const details of document.querySelectorAll("details")) if (opened.includes(nameOf(details))) details.open = true;
    document.querySelector(`main a[href="${CSS.escape(focused)}"]`)?.focus();
  };
  const look = async () => {
    if (document.hidden || isKept()) return;
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store", headers: { "If-None-Match": stamp } });
      const text = await answer.text();
      if (isKept()) return; // since this was asked
      if (answer.status === 304) return say();
      if (!answer.ok) return say(`No new figures: ${answer.status}`);
      const page = new DOMParser().parseFromString(text, "text/html");
      // Another look may have shown it meanwhile.
      if (page.querySelector("meta[name=stamp]").content === stamp) return say();
      if (!isBusy()) return show(page);
      const button = make("button", { type: "button" }, "Show new figures");
      button.addEventListener("click", () => show(page));
      say(button);
    } catch {
      say("quotakeeper does not answer: these figures may be old.");
    }
  };
  setInterval(look, LOOKS_EVERY);
  document.addEventListener("visibilitychange", look);
}

// Shows another page in the place of this one.
function fill(page) {
  document.title = page.title;
  for (const part of ["nav", "main"]) document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
  starting();
}

// What listens to the whole document is silenced where the page is filled with something else.
let listening = new AbortController();

function starting() {
  listening.abort();
  listening = new AbortController();
  document.documentElement.classList.add("starting");
  try {
    start(listening.signal);
    startPick();
  } finally {
    document.documentElement.classList.remove("starting");
  }
}

document.documentElement.classList.add("starting");
document.addEventListener("DOMContentLoaded", () => {
  starting();
  keepLive();
});

// The table of account groups: its rows are the data. Filters and order stand in the address, so that a link leads to what it means.

const STATES = { "": "All", critical: "Critical", warning: "Warning", fine: "Within quota", uncapped: "No quota", unknown: "Usage unknown" };
const FIRST = 100; // rows that are shown at once; more come as one scrolls
const MORE = 300;

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const digits = (tr, name) => tr.querySelector(`td.${name}`).textContent.replace(/\D/g, "");
const units = (text) => (text === "" ? null : Number(text));

function readRow(tr, number, data) {
  const name = tr.querySelector(".name");
  const id = name.querySelector("small").textContent;
  const { o, x, w, t, e } = tr.dataset;
  const organization = data.organizations[o];
  const quota = digits(tr, "quota");
  const row = {
    tr, number, id, organization,
    name: name.firstChild.textContent.replace(/[\u2068\u2069]/g, "").trim(),
    state: tr.classList[0],
    used: units(digits(tr, "used")),
    projected: units(digits(tr, "projected")),
    quota: units(quota),
    expected: quota || "none",
    out: x === undefined ? null : Number(x),
    owners: (w || "").split(" "),
    letters: t || "",
    estimates: e || "",
    ticked: false,
  };
  row.needed = row.projected === null ? null : Math.max(row.used, row.projected);
  row.left = row.quota === null || row.needed === null ? null : row.quota - row.needed;
  row.over = row.left === null ? null : -row.left;
  row.share = row.left === null ? null : row.quota === 0 ? (row.needed ? Infinity : 0) : row.needed / row.quota;
  row.text = plain(`${row.name} ${organization.name}`);
  return row;
}

// What belongs to the largest comes first, to the earliest day, to the first letter; what is not known comes last.
const ASCENDING = new Set(["name", "out", "left"]);
const ALPHABET = new Intl.Collator(undefined, { numeric: true });
function inOrder(rows, key, reversed) {
  if (!key) return rows;
  const sign = (ASCENDING.has(key) ? 1 : -1) * (reversed ? -1 : 1);
  const compare = (a, b) => {
    if (key === "name") return sign * ALPHABET.compare(a.name, b.name);
    if (a[key] === null || b[key] === null) return (a[key] === null) - (b[key] === null);
    return sign * (a[key] === b[key] ? 0 : a[key] < b[key] ? -1 : 1);
  };
  return [...rows].sort((a, b) => compare(a, b) || a.number - b.number);
}

// Whether the address has led to its place since the page was opened.
let hasLed = false;

// Laid out as something else than a table, a table keeps its meaning by its roles.
function withRoles(tr) {
  tr.setAttribute("role", "row");
  for (const part of tr.cells) part.setAttribute("role", part.tagName === "TD" ? "cell" : "rowheader");
}

function start(signal) {
  const find = (id) => document.getElementById(id);
  for (const element of document.querySelectorAll(".js")) element.classList.remove("js");
  if (!find("data")) return;
  const data = JSON.parse(find("data").textContent);
  startTrends(data.zone, signal);
  for (const table of document.querySelectorAll(".targets")) {
    table.classList.add("on");
    table.classList.toggle("flat", !table.querySelector("[data-t]"));
  }
  for (const tr of document.querySelectorAll(".targets tbody:not(#rows) tr")) {
    tr.querySelector(".use").after(trendCell(readRow(tr, 0, data)));
    withRoles(tr);
  }
  const body = find("rows");
  if (!body) return find("tools")?.remove(), find("bar")?.remove();
  const rows = [...body.rows].map((tr, number) => readRow(tr, number, data));
  body.replaceChildren();
  const table = find("table");
  table.setAttribute("aria-rowcount", rows.length + 1);

  const change = startChange(rows, data, (ticked) => {
    table.classList.toggle("editing", ticked > 0);
    find("tick-all").checked = visible.length > 0 && visible.every((row) => row.ticked);
  });
  // Ids are digits; a change file can name no others.
  const isNamed = (row) => /^\d+$/.test(row.id) && /^\d+$/.test(row.organization.id);
  // A row gets what only scripts can use when it is first shown.
  const shownRow = (row) => {
    if (row.box) return row.tr;
    row.box = make("input", { type: "checkbox" });
    row.box.setAttribute("aria-label", `Tick ${row.name}`);
    row.box.disabled = !isNamed(row);
    row.box.row = row;
    row.tr.prepend(make("td", { className: "tick" }, row.box));
    row.tr.querySelector(".use").after(trendCell(row));
    withRoles(row.tr);
    if (row.ticked) change.dress(row);
    return row.tr;
  };
  body.addEventListener("change", ({ target }) => {
    if (!target.row) return;
    change.tick(target.row, target.checked);
    change.update();
    if (target.checked) target.row.field.focus(), target.row.field.select();
  });
  find("tick-all").addEventListener("change", ({ target }) => {
    for (const row of visible) if (isNamed(row)) change.tick(row, target.checked);
    change.update();
  });

  let visible = [];
  let count = 0;
  const add = (many) => {
    body.append(...visible.slice(count, count + many).map(shownRow));
    count = Math.min(visible.length, count + many);
    find("more").hidden = count >= visible.length;
  };

  // What the address says: q, org, owner, state, over (per cent), group, sort (`-name` backwards).
  let view = {};
  const fields = { search: "q", org: "org", owner: "owner", over: "over", sort: "sort" };
  const fill = (id, options) => {
    for (const [value, text] of options) find(id).append(make("option", { value, textContent: text }));
    find(`${id}-label`).hidden = options.length < 2;
  };
  fill("org", data.organizations.map(({ id, name }) => [id, name]).sort((a, b) => a[1].localeCompare(b[1])));
  fill("owner", data.owners.map((owner) => [owner, owner]));
  for (const [value, text] of Object.entries(STATES)) {
    const radio = make("input", { type: "radio", name: "state", value });
    find("states").append(make("label", {}, radio, make("span", {}, `${text} `, make("b", {}))));
  }
  for (const th of table.querySelectorAll("th[data-sort]")) {
    const button = make("button", { type: "button" }, ...th.childNodes);
    button.addEventListener("click", () => {
      const key = th.dataset.sort;
      set({ sort: view.sort === key ? `-${key}` : view.sort === `-${key}` ? "" : key });
    });
    th.append(button);
  }

  function set(part) {
    Object.assign(view, part);
    const words = new URLSearchParams(Object.entries(view).filter(([, value]) => value));
    show();
    try {
      history.replaceState(null, "", `#${words}`);
    } catch {
      // Some browsers refuse this to a page in a frame, or a hundred times in a row: the page works, its address lags behind.
    }
  }

  function show() {
    const words = plain(view.q || "").split(/\s+/).filter(Boolean);
    const owner = String(data.owners.indexOf(view.owner));
    const matches = (row) =>
      words.every((word) => row.text.includes(word) || row.id.startsWith(word)) &&
      (!view.org || row.organization.id === view.org) &&
      (!view.owner || row.owners.includes(owner)) &&
      (!view.over || (row.share !== null && row.share * 100 > Number(view.over))) &&
      (!view.group || row.id === view.group);
    const matching = rows.filter(matches);
    const key = (view.sort || "").replace(/^-/, "");
    const ofState = (state) => (state ? matching.filter((row) => row.state === state) : matching);
    visible = inOrder(ofState(view.state), key, (view.sort || "").startsWith("-"));
    for (const [id, name] of Object.entries(fields)) if (find(id).value !== (view[name] || "")) find(id).value = id === "sort" ? key : view[name] || "";
    for (const radio of document.getElementsByName("state")) {
      const many = ofState(radio.value).length;
      radio.checked = radio.value === (view.state || "");
      radio.parentElement.querySelector("b").textContent = grouped(many);
      radio.parentElement.classList.toggle("none", many === 0);
    }
    for (const th of table.querySelectorAll("th[data-sort]")) {
      th.removeAttribute("aria-sort");
      if (th.dataset.sort === key) th.setAttribute("aria-sort", ASCENDING.has(key) === view.sort.startsWith("-") ? "descending" : "ascending");
    }
    const filtered = visible.length < rows.length;
    find("shown").textContent = `${filtered ? `${grouped(visible.length)} of ` : ""}${grouped(rows.length)} account group${rows.length === 1 ? "" : "s"}`;
    find("reset").hidden = !filtered;
    find("none").hidden = visible.length > 0;
    find("more").querySelector("button").textContent = `Show all ${grouped(visible.length)}`;
    body.replaceChildren();
    count = 0;
    add(FIRST);
    change.update();
    if (view.group && visible.length === 1) {
      const trend = visible[0].tr.querySelector(".trend button");
      requestAnimationFrame(() => trend?.scrollIntoView({ block: "center" }));
    }
  }

  function readAddress(event) {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) return; // a place on the page
    view = Object.fromEntries(new URLSearchParams(hash));
    show();
    // A link to some of them leads to them, once all that stands above has its height; new figures on the same page move nothing.
    if ((event || !hasLed) && hash && !view.group) requestAnimationFrame(() => find("groups").scrollIntoView());
    hasLed = true;
  }

  const reset = () => set({ q: "", org: "", owner: "", over: "", state: "", group: "" });
  find("tools").addEventListener("submit", (event) => event.preventDefault());
  find("tools").addEventListener("input", ({ target }) => set({ [target.name === "state" ? "state" : fields[target.id]]: target.value }));
  find("reset").addEventListener("click", reset);
  find("none").querySelector("button").addEventListener("click", reset);
  // All of them, without a pause that one would notice.
  const addAll = () => {
    add(MORE);
    if (count < visible.length) requestAnimationFrame(addAll);
  };
  find("more").querySelector("button").addEventListener("click", addAll);
  new IntersectionObserver(([seen]) => seen.isIntersecting && add(MORE), { rootMargin: "1500px" }).observe(find("more"));
  find("download").addEventListener("click", () => save(`usage-${data.day}.csv`, usageTable(visible)));
  const print = () => {
    add(visible.length);
    for (const details of document.querySelectorAll("details.card")) details.open = true;
  };
  addEventListener("beforeprint", print, { signal });
  addEventListener("hashchange", readAddress, { signal });
  readAddress();
}

// Text that a spreadsheet would run as a formula is made inert, as in every other table.
const inert = (text) => (/^[\s']*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text);
function usageTable(rows) {
  const header = "org_id,org_name,aid,account_group_name,quota,used,projected,headroom,status,runs_out";
  const line = (row) => {
    const out = row.out === null ? "" : new Date(row.out * 1000).toISOString();
    const status = row.tr.querySelector(".state").textContent.trim().replace(/\s+/g, " ");
    const figures = [row.quota, row.used, row.projected, row.left].map((figure) => figure ?? "");
    const texts = [row.organization.id, row.organization.name, row.id, row.name].map(inert);
    return [...texts, ...figures, inert(status), out].map((text) => cell(String(text))).join(",");
  };
  return [header, ...rows.map(line)].join("\r\n") + "\r\n";
}

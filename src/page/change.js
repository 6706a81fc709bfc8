// The change file: rows that are ticked get a field for a new quota, and what is edited becomes a CSV to drop into the inbox.

const COLUMNS = "action,org_id,aid,value,expected_value,comment";

const make = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

// What somebody typed: digits, `none` for no quota, or null where it is neither.
function typed(text) {
  const plain = text.replace(/\s/g, "").toLowerCase();
  if (plain === "none") return plain;
  return /^\d{1,18}$/.test(plain) ? plain.replace(/^0+(?=\d)/, "") : null;
}

const cell = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// Rows of the change file, of those that are edited.
function changeFile(rows, comment) {
  const line = ({ organization, id, value, expected }) => {
    const action = value === "none" ? "unassign" : "assign";
    return [action, organization.id, id, value === "none" ? "" : value, expected, comment].map(cell).join(",");
  };
  return [COLUMNS, ...rows.map(line)].join("\n") + "\n";
}

// What is left of an organization to allocate: a sentence, and whether it is less than nothing.
function leftToAllocate(organization, rows) {
  const units = (value) => (value === "none" ? 0 : Number(value));
  const moved = rows.reduce((sum, row) => sum + units(row.value) - units(row.expected), 0);
  if (organization.quota === null) return [`${organization.name}: no quota of its own, ${signed(moved)}`, false];
  const left = organization.quota - organization.allocated - moved;
  const words = left < 0 ? `over-allocated by ${grouped(-left)}` : `${grouped(left)} left to allocate`;
  return [`${organization.name}: ${words} (${signed(moved)})`, left < 0];
}

const signed = (units) => (units < 0 ? `${grouped(-units)} freed` : `${grouped(units)} more allocated`);

// What is being edited outlives the page in its tab: new figures, a look at a group and the way back.
const KEPT = `change ${location.pathname}`;
const keyOf = (row) => `${row.organization.id}/${row.id}`;

function keep(rows, comment) {
  const edits = Object.fromEntries(rows.map((row) => [keyOf(row), [row.typed, row.expected]]));
  try {
    if (rows.length) sessionStorage.setItem(KEPT, JSON.stringify({ comment, edits }));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // Some browsers keep nothing for a page that is a file.
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? { comment: "", edits: {} };
  } catch {
    return { comment: "", edits: {} };
  }
}

// Excel takes a file without the mark for a text of the machine's own encoding.
function save(name, text) {
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// `rows` are all; `changed` is called when rows were ticked or unticked, to show it.
function startChange(rows, data, changed) {
  const box = document.getElementById("change");
  const said = make("output", {});
  const list = make("ul", {});
  const comment = make("input", { type: "text", placeholder: "Comment: reason, ticket", maxLength: 500 });
  comment.setAttribute("aria-label", "Comment in each row of the change file");
  const text = make("textarea", { readOnly: true, spellcheck: false });
  text.setAttribute("aria-label", "The change file");
  const show = make("details", {}, make("summary", { textContent: "Show the change file" }), text);
  const button = (words, act, name = "") => {
    const made = make("button", { type: "button", textContent: words, className: name });
    made.addEventListener("click", act);
    return made;
  };
  const ticked = () => rows.filter((row) => row.ticked);
  const edited = () => ticked().filter((row) => row.value !== null && row.value !== row.expected);
  const name = `quotas-${data.day}.csv`;
  const copy = button("Copy as change file", async () => {
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      show.open = true;
      text.select();
      if (!document.execCommand("copy")) return say("Select the text and copy it.");
    }
    say(`Copied ${count(edited().length, "row")}. Save them as ${name}, and drop the file into the inbox.`);
  }, "main");
  const download = button("Download change file", () => save(name, text.value));
  // It only raises: to lower a quota, or to set a first one, is for somebody who looks at that group.
  const need = button(`Raise to what is needed + ${data.headroom_percent}${SPACE}%`, () => {
    for (const row of ticked()) {
      const value = Math.ceil((row.needed * (100 + data.headroom_percent)) / 100);
      if (row.needed === null || row.quota === null || value <= row.quota) continue;
      row.typed = String(value);
      if (row.field) row.field.value = row.typed;
      read(row);
    }
    update();
  });
  const clear = button("Clear selection", () => {
    for (const row of ticked()) tick(row, false);
    update();
  });
  const say = (words) => (said.textContent = words);
  const count = (many, noun) => `${grouped(many)} ${noun}${many === 1 ? "" : "s"}`;
  box.append(
    make("div", { className: "line1" }, said, list, make("output", { className: "news" })),
    make("div", { className: "line2" }, make("span", { className: "comment" }, comment), copy, download, need, clear),
    show,
  );
  comment.addEventListener("input", () => update());

  // What was typed for a row.
  function read(row) {
    row.value = typed(row.typed);
    if (!row.field) return;
    row.field.setAttribute("aria-invalid", String(row.value === null));
    row.hint.textContent =
      row.value === null ? "whole units, or none"
      : row.was !== undefined && row.was !== row.expected ? `the quota was ${row.was} before, and is ${row.expected} now`
      : row.value === row.expected ? ""
      : row.value === "none" ? "unlimited"
      : Number(row.value) < row.needed ? `below the ${grouped(row.needed)} needed`
      : "";
  }

  function tick(row, on) {
    row.ticked = on;
    row.typed ??= row.expected;
    row.value ??= row.expected;
    if (row.box) dress(row);
  }

  // A row that is shown gets its field.
  function dress(row) {
    row.tr.classList.toggle("ticked", row.ticked);
    row.box.checked = row.ticked;
    if (!row.ticked) return row.edit?.remove();
    if (!row.edit) {
      row.field = make("input", { type: "text", inputMode: "numeric", value: row.typed, autocomplete: "off" });
      row.field.setAttribute("aria-label", `New quota of ${row.name}`);
      row.hint = make("small", { className: "muted", id: `hint-${row.number}` });
      row.field.setAttribute("aria-describedby", row.hint.id);
      row.field.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        const fields = [...document.querySelectorAll("#rows .edit input")];
        const next = fields[fields.indexOf(row.field) + 1] ?? comment;
        next.focus();
        next.select();
      });
      row.field.addEventListener("input", () => {
        row.typed = row.field.value;
        read(row);
        update();
      });
      row.edit = make("td", { className: "edit" }, make("span", { className: "label muted", textContent: "New quota" }), row.field, row.hint);
      row.edit.setAttribute("role", "cell");
      read(row);
    }
    row.tr.append(row.edit);
  }

  function update() {
    const [chosen, rest] = [ticked(), edited()];
    const organizations = new Map();
    for (const row of rest) organizations.set(row.organization, [...(organizations.get(row.organization) ?? []), row]);
    const wrong = chosen.filter((row) => row.value === null).length;
    const left = wrong === 0 ? "" : `; ${wrong === 1 ? "1 value is" : `${grouped(wrong)} values are`} no quota and left out`;
    say(`${count(chosen.length, "account group")} selected, ${grouped(rest.length)} changed${left}`);
    said.classList.toggle("warning", wrong > 0);
    const sentences = [...organizations].map(([organization, its]) => leftToAllocate(organization, its));
    list.replaceChildren(...sentences.map(([words, over]) => make("li", { textContent: words, className: over ? "warning" : "" })));
    text.value = changeFile(rest, comment.value.trim());
    copy.disabled = download.disabled = rest.length === 0;
    box.hidden = chosen.length === 0;
    keep(chosen, comment.value);
    changed(chosen.length);
  }

  const before = kept();
  comment.value = before.comment;
  for (const row of rows.filter((row) => keyOf(row) in before.edits)) {
    const [typed, expected] = before.edits[keyOf(row)];
    // One that was only ticked stands at its quota, also at a new one.
    Object.assign(row, { ticked: true, was: expected, typed: typed === expected ? row.expected : typed });
    read(row);
  }
  return { tick, dress, update };
}

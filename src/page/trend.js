"use strict";
// Trends: a small line in each row, and a picture of it on hover, focus or tap. What was used comes as letters in `data-t`.

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const DAY = 86400;
const GAP = 3 * DAY; // a line between two readings that are further apart would claim what nobody saw
const SPACE = "\u202f";

const grouped = (units) => String(units).replace(/\B(?=(\d{3})+$)/g, SPACE);

function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return element;
}

// [seconds after the cycle began, units or null], of this cycle and of the one before.
function readings(target) {
  const axis = target.organization.axis;
  const at = target.letters.indexOf(":");
  const most = Number(target.letters.slice(0, at));
  const codes = target.letters.slice(at + 1).match(/../g) || [];
  const points = [...axis.now, ...axis.before].map((seconds, index) => {
    const [high, low] = [...codes[index]].map((letter) => LETTERS.indexOf(letter));
    return [seconds, high < 0 ? null : Math.round(((high * 64 + low) / 4095) * most)];
  });
  return { used: points.slice(0, axis.now.length), before: points.slice(axis.now.length) };
}

// The stretches without a gap, none beyond the end of the cycle.
function pieces(points, end) {
  const all = [[]];
  for (const [at, units] of points) {
    const last = all[all.length - 1].at(-1);
    if (units === null || (last && at - last[0] > GAP)) all.push([]);
    if (units !== null && at <= end) all[all.length - 1].push([at, units]);
  }
  return all.filter((piece) => piece.length > 1);
}

// Where moments and units lie in a picture, and the shapes that both sizes have.
function plot(target, left, right, top, bottom) {
  const { axis } = target.organization;
  const length = axis.end - axis.start;
  const { used, before } = readings(target);
  const known = [...used, ...before].map(([, units]) => units ?? 0);
  const most = Math.max(1, ...known, target.quota ?? 0, target.projected ?? 0);
  const x = (at) => left + Math.min(1, Math.max(0, at / length)) * (right - left);
  const y = (units) => bottom - (units / (most * 1.16)) * (bottom - top);
  const line = (piece) => piece.map(([at, units]) => `${x(at).toFixed(1)},${y(units).toFixed(1)}`).join(" ");
  const now = used.at(-1);
  return { axis, length, used, before, most, x, y, line, now: now && now[1] !== null ? now : null };
}

function sparkline(target) {
  const [width, height] = [84, 26];
  const p = plot(target, 2, width - 2, 2, height - 2);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (target.quota !== null) picture.append(svg("line", { class: "cap thin", x1: 0, x2: width, y1: p.y(target.quota), y2: p.y(target.quota) }));
  for (const piece of pieces(p.used, p.length)) picture.append(svg("polyline", { class: "line", points: p.line(piece) }));
  if (p.now && target.projected !== null)
    picture.append(svg("line", { class: "line dash", "stroke-dasharray": "3 3", x1: p.x(p.now[0]), y1: p.y(p.now[1]), x2: width - 2, y2: p.y(target.projected) }));
  return picture;
}

function ticks(most) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  const step = [ten / 4, ten / 2, ten, ten * 2, ten * 2.5, ten * 5].find((step) => step >= 1 && most / step <= 3.5) || most;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, times) => Math.round(times * step));
}

const short = (units) => (units >= 1e6 ? `${Number((units / 1e6).toPrecision(3))}M` : grouped(units));

function chart(target, zone, width) {
  const [height, right, top, bottom] = [180, width - 16, 12, 146];
  const most = Math.max(1, target.quota ?? 0, target.projected ?? 0, target.used ?? 0);
  const wide = (text, size = 8) => text.length * size;
  const left = Math.max(...ticks(most).map((units) => wide(short(units)))) + 18;
  const p = plot(target, left, right, top, bottom);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const add = (name, attributes, text) => picture.append(svg(name, attributes, text));
  const day = (at) => dayOf(p.axis.start + at, zone);
  add("rect", { class: "ground", width, height, rx: 8 });
  for (const units of ticks(p.most)) {
    add("line", { class: "rule", x1: left, x2: right, y1: p.y(units), y2: p.y(units) });
    add("text", { x: left - 8, y: p.y(units) + 5, "text-anchor": "end" }, short(units));
  }
  for (const x of [left, right]) add("line", { class: "frame", x1: x, x2: x, y1: top, y2: bottom + 5 });
  for (const piece of pieces(p.before, p.length)) add("polyline", { class: "ghost", points: p.line(piece) });
  for (const piece of pieces(p.used, p.length)) {
    const [first, last] = [p.x(piece[0][0]).toFixed(1), p.x(piece.at(-1)[0]).toFixed(1)];
    add("polygon", { class: "area", points: `${first},${bottom} ${p.line(piece)} ${last},${bottom}` });
    add("polyline", { class: "line", points: p.line(piece) });
  }
  if (target.quota !== null) add("line", { class: "cap", x1: left, x2: right, y1: p.y(target.quota), y2: p.y(target.quota) });
  if (p.now) {
    const [x, y] = [p.x(p.now[0]), p.y(p.now[1])];
    if (target.projected !== null) add("line", { class: "line dash", x1: x, y1: y, x2: right, y2: p.y(target.projected) });
    add("circle", { class: "dot", cx: x, cy: y, r: 4.5 });
  }
  // The ends first, then what matters most: a day that has no room beside them is left out.
  const days = [[p.length, ""], [0, ""]];
  if (target.out !== null && target.quota !== null && p.axis.start + p.length > target.out) {
    const at = target.out - p.axis.start;
    add("line", { class: "out", x1: p.x(at), x2: p.x(at), y1: p.y(target.quota), y2: bottom });
    add("circle", { class: "ring", cx: p.x(at), cy: p.y(target.quota), r: 5 });
    days.push([at, "red"]);
  }
  if (p.now) days.push([p.now[0], "ink"]);
  days.push([p.length / 2, ""]);
  const taken = [];
  for (const [at, name] of days) {
    const half = wide(day(at)) / 2;
    const x = Math.min(width - half - 6, Math.max(half + 6, p.x(at)));
    if (taken.some(([other, its]) => Math.abs(x - other) < half + its + 8)) continue;
    taken.push([x, half]);
    add("text", { class: name, x, y: bottom + 22, "text-anchor": "middle" }, day(at));
  }
  if (target.quota !== null) add("text", { class: "ink", x: left + 7, y: p.y(target.quota) - 6 }, `quota ${grouped(target.quota)}`);
  return picture;
}

// `13 Dec`: the day of a moment in seconds.
const dayOf = (at, zone) =>
  new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: zone }).format(new Date(at * 1000));

// In words, for those who do not see the picture, and for those who do.
function trendWords(target) {
  const { used, before } = readings(target);
  const words = [];
  if (target.used !== null) words.push(`${grouped(target.used)} used`);
  if (target.projected !== null) words.push(`${grouped(target.projected)} projected`);
  words.push(target.quota === null ? "no quota" : `quota ${grouped(target.quota)}`);
  const now = used.at(-1);
  const next = before.findIndex(([at, units]) => units !== null && now && at >= now[0]);
  const last = before[next - 1];
  if (target.used !== null && next > 0 && last[1] !== null && before[next][0] - last[0] <= GAP) {
    const [from, to] = [last, before[next]];
    const then = from[1] + ((to[1] - from[1]) * (now[0] - from[0])) / Math.max(1, to[0] - from[0]);
    const more = Math.round(((target.used - then) / Math.max(1, then)) * 100);
    words.push(more === 0 ? "same as the previous cycle" :
      `${more > 0 ? "+" : "−"}${grouped(Math.abs(more))}${SPACE}% on the previous cycle`);
  }
  return words.join("\u00a0· ");
}

function trendCell(target) {
  const cell = document.createElement("td");
  cell.className = "trend";
  if (target.letters) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Trend of ${target.name}`);
    button.append(sparkline(target));
    button.target = target;
    cell.append(button);
  }
  return cell;
}

// One panel, beside the button that is pointed at or has the focus.
function startTrends(zone, signal) {
  const panel = document.getElementById("trend");
  let shown = null;
  let closing = 0;
  const hide = () => {
    clearTimeout(closing);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    panel.hidden = true;
  };
  const show = (button) => {
    clearTimeout(closing);
    if (shown === button) return;
    hide();
    shown = button;
    const { target } = button;
    const line = (name, text) => {
      const element = document.createElement(name);
      element.textContent = text;
      return element;
    };
    const title = line("b", target.name);
    panel.className = target.state;
    panel.hidden = false;
    panel.replaceChildren(title, chart(target, zone, panel.clientWidth - 28), line("p", trendWords(target)));
    const day = target.out === null ? "" : `${dayOf(target.out, zone)}: `;
    if (target.estimates) panel.append(line("p", `Runs out ${day}${target.estimates}.`));
    panel.append(Object.assign(line("p", "Solid: used. Dashed: projected. Grey: the previous cycle."), { className: "muted" }));
    button.setAttribute("aria-describedby", "trend");
    const place = button.getBoundingClientRect();
    const room = document.documentElement;
    const below = place.bottom + panel.offsetHeight + 8 < room.clientHeight || place.top < panel.offsetHeight;
    const top = below ? place.bottom + 6 : place.top - panel.offsetHeight - 6;
    const left = Math.min(Math.max(8, place.left - 40), room.clientWidth - panel.offsetWidth - 8);
    panel.style.top = `${top + scrollY}px`;
    panel.style.left = `${left + scrollX}px`;
  };
  const button = (event) => (event.target instanceof Element ? event.target.closest(".trend button") : null);
  const later = () => {
    clearTimeout(closing);
    closing = setTimeout(hide, 200);
  };
  const on = (name, act) => document.addEventListener(name, act, { signal });
  on("pointerover", (event) => {
    if (button(event)) show(button(event));
    else if (panel.contains(event.target)) clearTimeout(closing);
    else if (shown && document.activeElement !== shown) later();
  });
  on("focusin", (event) => (button(event) ? show(button(event)) : hide()));
  on("click", (event) => {
    if (button(event)) show(button(event));
    else if (!panel.contains(event.target)) hide();
  });
  on("keydown", (event) => event.key === "Escape" && hide());
}

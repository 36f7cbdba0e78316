"use strict";
// Everything from a log goes through textContent, and class names come from lists of our own.
(() => {
  const PAGE = 200;
  const PRINTED = 500;
  const SEVERITIES = ["critical", "high", "medium", "low", "info"];
  const [TIME, KIND, SEVERITY, IS_READ, ERRORS, ACCOUNT, WHO, FROM, WHAT, ABOUT, MORE, RANK] = Array(12).keys();
  const byId = (id) => document.getElementById(id);
  const rows = JSON.parse(byId("lines").textContent);
  const body = byId("lines-body");
  const search = byId("lines-search");
  const kind = byId("lines-kind");
  const account = byId("lines-account");
  const kinds = {
    all: () => true,
    flags: (row) => row[KIND] !== "event",
    behind: (row) => row[RANK] < 2,
    changes: (row) => row[KIND] !== "event" || !row[IS_READ],
    reads: (row) => row[KIND] === "event" && row[IS_READ],
    errors: (row) => row[ERRORS] > 0,
  };
  const texts = [];
  let shown = rows;
  let page = 0;

  function textOf(row, at) {
    if (texts[at] === undefined) texts[at] = JSON.stringify(row).toLowerCase();
    return texts[at];
  }

  function choose() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isKind = kinds[kind.value] || kinds.all;
    shown = rows.filter(
      (row, at) =>
        isKind(row) &&
        (!account.value || row[ACCOUNT] === account.value) &&
        words.every((word) => textOf(row, at).includes(word)),
    );
    page = 0;
    render(page * PAGE, PAGE);
  }

  function cell(line, name, text) {
    const made = document.createElement("td");
    made.className = name;
    made.textContent = text;
    line.append(made);
    return made;
  }

  function toggle(line, row, button) {
    const next = line.nextElementSibling;
    if (next && next.classList.contains("more")) {
      next.remove();
      button.textContent = "+";
      return;
    }
    const more = document.createElement("tr");
    more.className = "more";
    const inside = document.createElement("td");
    inside.colSpan = 6;
    const list = document.createElement("dl");
    for (const [name, text] of row[MORE]) {
      const term = document.createElement("dt");
      term.textContent = name;
      const told = document.createElement("dd");
      told.textContent = text;
      list.append(term, told);
    }
    inside.append(list);
    more.append(inside);
    line.after(more);
    button.textContent = "−";
  }

  function lineOf(row) {
    const line = document.createElement("tr");
    if (row[KIND] !== "event") line.classList.add("flag");
    if (row[ERRORS] > 0) line.classList.add("error");
    cell(line, "time", row[TIME]);
    cell(line, "who", row[WHO]);
    cell(line, "from", row[FROM]);
    const what = cell(line, "what", row[WHAT]);
    if (SEVERITIES.includes(row[SEVERITY])) what.classList.add(row[SEVERITY]);
    if (row[KIND] === "insight") what.classList.add("insight");
    cell(line, "about", row[ABOUT]);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "+";
    button.title = "more about this line";
    button.addEventListener("click", () => toggle(line, row, button));
    cell(line, "open", "").append(button);
    return line;
  }

  // Paper has room for few lines: the telling ones, in order.
  function printed() {
    if (shown.length <= PRINTED) return shown;
    const kept = new Set([...shown].sort((a, b) => a[RANK] - b[RANK]).slice(0, PRINTED));
    return shown.filter((row) => kept.has(row));
  }

  function render(start, count) {
    body.replaceChildren(...shown.slice(start, start + count).map(lineOf));
    const end = Math.min(start + count, shown.length);
    const of = shown.length.toLocaleString("en");
    byId("lines-told").textContent = shown.length
      ? `${(start + 1).toLocaleString("en")} to ${end.toLocaleString("en")} of ${of} lines`
      : "no line is like that";
    byId("lines-before").disabled = start === 0;
    byId("lines-after").disabled = end >= shown.length;
  }

  function turn(by) {
    page += by;
    render(page * PAGE, PAGE);
  }

  function show(time) {
    search.value = "";
    kind.value = "all";
    account.value = "";
    shown = rows;
    const at = Math.max(0, rows.findIndex((row) => row[TIME] >= time));
    page = Math.floor(at / PAGE);
    render(page * PAGE, PAGE);
    const line = body.children[at - page * PAGE];
    if (!line) return;
    line.classList.add("here");
    line.scrollIntoView({ block: "center" });
  }

  for (const name of [...new Set(rows.map((row) => row[ACCOUNT]))].filter(Boolean).sort()) {
    const option = document.createElement("option");
    option.value = name;
    option.textContent = name;
    account.append(option);
  }
  byId("lines-form").addEventListener("submit", (event) => event.preventDefault());
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(choose, 120);
  });
  kind.addEventListener("change", choose);
  account.addEventListener("change", choose);
  byId("lines-before").addEventListener("click", () => turn(-1));
  byId("lines-after").addEventListener("click", () => turn(1));

  // Bars and marks of the chart, and findings, lead to their place among the lines.
  document.addEventListener("click", (event) => {
    const asked = event.target instanceof Element && event.target.closest("[data-time]");
    if (asked) show(asked.getAttribute("data-time"));
  });

  // On paper nothing can be opened: findings stand open, and more lines than a page of the screen has.
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open], #evidence-list, .minor .finding)")];
    for (const each of opened) each.open = true;
    const lines = printed();
    body.replaceChildren(...lines.map(lineOf));
    byId("lines-printed").textContent = `${lines.length} of ${shown.length} lines are printed.`;
  });
  window.addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
    byId("lines-printed").textContent = "";
    render(page * PAGE, PAGE);
  });
  choose();
})();

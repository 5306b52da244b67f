"use strict";
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }
  const buffer = await unpacked(data.rows.data);
  const columns = {};
  const kinds = { Float32Array, Uint32Array, Uint16Array, Uint8Array };
  for (const { name, kind, start } of data.rows.columns) columns[name] = new kinds[kind](buffer, start, data.rows.rows);
  const texts = JSON.parse(new TextDecoder().decode(await unpacked(data.texts)));
  const number = (value) => value.toLocaleString("en");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();

  // Charts, redrawn where the width changes.
  function draw(id, label, make) {
    const place = $(id);
    if (!place) return;
    const width = Math.max(280, Math.min(960, place.clientWidth));
    const svg = make(width);
    // One picture with one name: the names of its parts would be read without their numbers.
    for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    place.replaceChildren(svg);
  }
  function drawAll() {
    const ink = { color: colour("--ink"), background: "transparent", fontSize: "12px" };
    draw("chart-funnel", "Rows kept at each step", (width) => Plot.plot({
      width, style: ink, marginLeft: Math.min(190, width / 2.5), marginRight: 70, height: 40 + 26 * data.charts.funnel.length,
      x: { label: "rows kept", grid: true }, y: { label: null, domain: data.charts.funnel.map((step) => `${step.stage}, ${step.kind}`) },
      marks: [
        Plot.barX(data.charts.funnel, { x: "kept", y: (step) => `${step.stage}, ${step.kind}`, fill: colour("--mark") }),
        Plot.text(data.charts.funnel, { x: "kept", y: (step) => `${step.stage}, ${step.kind}`, text: (step) => number(step.kept), textAnchor: "start", dx: 4 }),
      ],
    }));
    data.charts.histograms.forEach((entry, at) => {
      const bins = entry.all.map((count, i) => ({ low: entry.edges[i], high: entry.edges[i + 1], count, kept: entry.selected[i] }));
      draw(`chart-scores-${at}`, `Histogram of ${entry.judge}, iteration ${entry.iteration}`, (width) => Plot.plot({
        width, height: 240, style: ink, x: { label: "score" }, y: { label: "pairs", grid: true },
        marks: [
          Plot.rectY(bins, { x1: "low", x2: "high", y: "count", fill: colour("--line"), fillOpacity: 0.5 }),
          Plot.rectY(bins, { x1: "low", x2: "high", y: "kept", fill: colour("--mark") }),
          Plot.ruleY([0]),
          ...(entry.cut === null ? [] : [Plot.ruleX([entry.cut], { stroke: colour("--gone"), strokeDasharray: "4 3" })]),
        ],
      }));
    });
    const losses = data.charts.trainings.flatMap((entry) => entry.history.map((point) => ({ ...point, stage: entry.stage })));
    if (losses.length) {
      draw("chart-trainings", "Loss of each training by step", (width) => Plot.plot({
        width, height: 260, style: ink, color: { legend: false }, x: { label: "step" }, y: { label: "loss", grid: true }, marginRight: 110,
        marks: [
          Plot.lineY(losses, { x: "step", y: "loss", z: "stage", stroke: "stage" }),
          Plot.text(data.charts.trainings.filter((entry) => entry.history.length), {
            x: (entry) => entry.history.at(-1).step, y: (entry) => entry.history.at(-1).loss, text: "stage", textAnchor: "start", dx: 4,
          }),
        ],
      }));
    }
  }
  drawAll();
  let waiting = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(drawAll);
  }).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  // Where to cut: the rows in the order of each score are sorted once.
  const scores = Object.keys(columns).filter((name) => name.startsWith("score-"));
  const orders = new Map();
  function orderOf(name) {
    if (!orders.has(name)) {
      const column = columns[name];
      const scored = Uint32Array.from({ length: column.length }, (_, at) => at).filter((at) => !Number.isNaN(column[at]));
      scored.sort((one, other) => column[other] - column[one] || one - other);
      const sums = { instruction: new Float64Array(scored.length + 1), output: new Float64Array(scored.length + 1) };
      const hosts = new Uint32Array(scored.length + 1);
      const seen = new Set();
      scored.forEach((row, at) => {
        for (const kind of ["instruction", "output"]) sums[kind][at + 1] = sums[kind][at] + columns[kind][row];
        seen.add(columns.domain[row]);
        hosts[at + 1] = seen.size;
      });
      orders.set(name, { scored, sums, hosts });
    }
    return orders.get(name);
  }
  // How many scores reach a threshold; those of 32 bits are rounded.
  function above(name, threshold) {
    const { scored } = orderOf(name);
    const least = Math.fround(threshold);
    let [low, high] = [0, scored.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (columns[name][scored[middle]] >= least) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  function explore(by) {
    const name = $("by").value;
    const { scored, sums, hosts } = orderOf(name);
    const given = by === "cut" ? $("cut").valueAsNumber : NaN;
    const kept = Math.max(1, Number.isNaN(given) ? Math.round((scored.length * $("share").valueAsNumber) / 1000) : above(name, given));
    const cut = columns[name][scored[kept - 1]];
    if (by === "cut") $("share").value = Math.round((1000 * kept) / scored.length);
    else $("cut").value = cut.toPrecision(5);
    const scale = data.total / data.rows.rows;
    const rows = [
      ["pairs kept", `${number(Math.round(kept * scale))} of ${number(data.total)}`],
      ["threshold", cut.toPrecision(5)],
      ["characters of an instruction", number(Math.round(sums.instruction[kept] / kept))],
      ["characters of an output", number(Math.round(sums.output[kept] / kept))],
      ["domains told apart", number(hosts[kept])],
    ];
    const steps = data.steps.find(([pairs]) => pairs >= kept * scale) ?? data.steps.at(-1);
    if (steps) rows.push(["steps of a training, about", number(steps[1])]);
    const labelled = (data.labels[name] || []).filter((entry) => entry.threshold <= cut + 1e-9).at(-1);
    for (const figure of labelled ? ["precision", "recall"] : []) {
      const of = labelled[figure];
      if (of.value !== null) rows.push([`${figure} by labels, %`, `${(100 * of.value).toFixed(1)} [${(100 * of.interval[0]).toFixed(1)}, ${(100 * of.interval[1]).toFixed(1)}]`]);
    }
    $("kept").textContent = `${(100 * kept / scored.length).toFixed(1)} % of the scored pairs`;
    const body = document.querySelector("#explored tbody");
    body.replaceChildren(...rows.map(([title, value]) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = title;
      const cell = document.createElement("td");
      cell.className = "n";
      cell.textContent = value;
      row.append(head, cell);
      return row;
    }));
  }
  for (const id of ["by", "judge"]) {
    for (const name of scores) $(id).append(new Option(name.replace("score-", "iteration ").replace("-", ", "), name));
    $(id).value = scores.at(-1);
  }
  $("by").addEventListener("change", () => explore("share"));
  $("share").addEventListener("input", () => explore("share"));
  $("cut").addEventListener("input", () => explore("cut"));
  const last = Math.max(...Object.keys(columns).filter((name) => name.startsWith("selected-")).map((name) => Number(name.split("-")[1])));
  // The page begins with as many as the last selection has.
  const chosen = columns[`selected-${last}`];
  $("share").value = Math.round((1000 * chosen.reduce((sum, one) => sum + one, 0)) / orderOf($("by").value).scored.length);
  explore("share");

  // Rows to read.
  const selections = Object.keys(columns).filter((name) => name.startsWith("selected-")).sort();
  const first = `selected-${Math.min(1, last)}`;
  const folded = texts.map((row) => `${row.header}\n${row.instruction}\n${row.output}\n${row.id}`.toLowerCase());
  data.reasons.forEach((reason, at) => $("reason").append(new Option(reason, at)));
  data.domains.forEach((name, at) => $("host").append(new Option(name, at)));
  let found = [];
  let begin = 0;
  const PAGE = 20;
  function choose() {
    const words = $("search").value.trim().toLowerCase();
    const [reason, host, moved, split] = ["reason", "host", "moved", "split"].map((id) => $(id).value);
    const by = columns[$("judge").value];
    const [least, most] = ["least", "most"].map((id) => $(id).valueAsNumber).map(Math.fround);
    found = texts.map((row, at) => at).filter((at) => {
      const row = texts[at].at;
      return (!words || folded[at].includes(words))
        && (reason === "" || columns.reason[row] === Number(reason))
        && (host === "" || columns.domain[row] === Number(host))
        && (Number.isNaN(least) || by[row] >= least)
        && (Number.isNaN(most) || by[row] <= most)
        && (split === "" || columns.split[row] === Number(split))
        && (moved === "" || columns[`selected-${last}`][row] - columns[first][row] === Number(moved));
    });
    const sign = Number($("sort").value);
    const value = (at) => (Number.isNaN(by[texts[at].at]) ? -Infinity : by[texts[at].at]);
    found.sort((one, other) => sign * (value(one) - value(other)) || one - other);
    begin = 0;
    show();
  }
  // What turns a line round or speaks to a terminal is shown by its number.
  const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  const plain = (text) => text.replace(CONTROLS, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
  function element(name, text, kind) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = plain(text);
    if (kind) made.className = kind;
    return made;
  }
  function show() {
    $("found").textContent = `${number(found.length)} of ${number(texts.length)} texts on this page, of ${number(data.total)} pairs${found.length ? `; ${begin + 1} to ${Math.min(begin + PAGE, found.length)}` : ""}`;
    $("page").replaceChildren(...found.slice(begin, begin + PAGE).map((at) => {
      const { id, header, instruction, output, url, logprob, at: row } = texts[at];
      const box = element("article");
      const answer = element("div", output, "text");
      // What scrolls has to be reached by keys.
      answer.tabIndex = 0;
      answer.setAttribute("role", "group");
      answer.setAttribute("aria-label", "Answer");
      box.append(element("h3", instruction), element("p", `under: ${header}`), answer);
      const more = element("details");
      more.append(element("summary", `${data.reasons[columns.reason[row]]}, ${data.domains[columns.domain[row]] ?? "another domain"}`));
      for (const name of scores) if (!Number.isNaN(columns[name][row])) more.append(element("p", `${name.replace("score-", "score of iteration ")}: ${columns[name][row].toPrecision(5)}`));
      if (logprob !== null) more.append(element("p", `log p of the instruction: ${logprob.toFixed(1)}`));
      for (const name of selections) more.append(element("p", `${columns[name][row] ? "in" : "not in"} A_${name.split("-")[1]}`));
      more.append(element("p", url), element("p", `humpback explain DIR ${id}`));
      box.append(more);
      return box;
    }));
    $("earlier").disabled = begin === 0;
    $("later").disabled = begin + PAGE >= found.length;
  }
  for (const id of ["judge", "reason", "host", "moved", "split", "sort"]) $(id).addEventListener("change", choose);
  for (const id of ["least", "most", "search"]) $(id).addEventListener("input", choose);
  $("earlier").addEventListener("click", () => { begin = Math.max(0, begin - PAGE); show(); });
  $("later").addEventListener("click", () => { begin += PAGE; show(); });
  choose();
  document.documentElement.dataset.ready = "yes";
})();

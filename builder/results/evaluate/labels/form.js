"use strict";
const { kind, rows } = JSON.parse(document.getElementById("data").textContent);
const CHOICES = {
  labels: [["g", "good", "Good (g)"], ["b", "bad", "Bad (b)"]],
  packets: [["1", "first", "First is better (1)"], ["2", "second", "Second is better (2)"], ["0", "neither", "No difference (0)"]],
}[kind];
const PARTS = {
  labels: [["header", "Heading"], ["instruction", "Instruction"], ["output", "Answer"]],
  packets: [["instruction", "Instruction"], ["first", "First answer"], ["second", "Second answer"]],
}[kind];
const KEY = "humpback-" + kind + "-" + rows.map((row) => row.id).join(",").slice(0, 2000);
const place = document.getElementById("place");
let at = 0;
let answers = {};
try {
  answers = JSON.parse(localStorage.getItem(KEY)) || {};
} catch {
  answers = {};
}
function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(answers));
  } catch {
    place.textContent += " (this browser keeps nothing: save the file before you close it)";
  }
}
function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
function show() {
  const row = rows[at];
  const done = Object.keys(answers).length;
  place.textContent = `${at + 1} of ${rows.length}, ${done} answered`;
  const box = document.getElementById("row");
  box.replaceChildren();
  const pair = element("div", "", "pair");
  for (const [name, title] of PARTS) {
    const part = element("section", "");
    part.append(element("h2", title), element("div", row[name], "text"));
    (kind === "packets" && name !== "instruction" ? pair : box).append(part);
  }
  box.append(pair);
  if (row.url) {
    const more = element("details", "");
    more.append(element("summary", "Address of the page"), element("p", row.url));
    box.append(more);
  }
  for (const button of document.querySelectorAll("#answers button")) {
    button.setAttribute("aria-pressed", String(answers[row.id] === button.value));
  }
  document.getElementById("back").disabled = at === 0;
  document.getElementById("next").disabled = at === rows.length - 1;
}
function go(step) {
  at = Math.min(rows.length - 1, Math.max(0, at + step));
  show();
}
function answer(value) {
  answers[rows[at].id] = value;
  keep();
  go(1);
}
for (const [, value, title] of CHOICES) {
  const button = element("button", title);
  button.type = "button";
  button.value = value;
  button.addEventListener("click", () => answer(value));
  document.getElementById("answers").append(button);
}
document.getElementById("back").addEventListener("click", () => go(-1));
document.getElementById("next").addEventListener("click", () => go(1));
document.getElementById("save").addEventListener("click", () => {
  const given = rows.filter((row) => row.id in answers).map((row) => ({ id: row.id, answer: answers[row.id] }));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ kind, answers: given }, null, 1)], { type: "application/json" }));
  link.download = `${kind}-answers.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const chosen = CHOICES.find(([letter]) => letter === event.key.toLowerCase());
  if (chosen) answer(chosen[1]);
  if (event.key === "ArrowLeft") go(-1);
  if (event.key === "ArrowRight") go(1);
});
const open = rows.findIndex((row) => !(row.id in answers));
at = open < 0 ? 0 : open;
show();

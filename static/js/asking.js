// A question that is typed: what may stand at the caret is offered, and put there. Escape closes what is offered, and then clears.

import Combobox from "../vendor/combobox-nav.js";

const WAIT_MS = 120;
const [form, input, list] = [".asked__form", "#asked", "#asked-list"].map((each) => document.querySelector(each));
const box = new Combobox(input, list, { tabInsertsSuggestions: false });
let timer;
let asked = "";

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, WAIT_MS);
});
input.addEventListener("focus", look);
input.addEventListener("blur", () => setTimeout(close, WAIT_MS)); // a press on what is offered comes first
input.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  event.preventDefault();
  if (list.hidden) input.value = "";
  close();
});
list.addEventListener("mousedown", (event) => event.preventDefault());
list.addEventListener("combobox-commit", ({ target }) => put(target.dataset));
if (input.value !== input.defaultValue) look(); // it was typed before this script came

async function look() {
  const text = input.value.slice(0, input.selectionStart);
  asked = text;
  const answer = await fetch(`${form.dataset.suggest}?text=${encodeURIComponent(text)}`).catch(() => null);
  if (!answer?.ok || asked !== text) return; // something else is typed by now
  const { typed, found } = await answer.json();
  const isDone = found.length === 1 && found[0].text === typed;
  if (!found.length || isDone || document.activeElement !== input) return close();
  list.replaceChildren(...found.map((one, place) => option(one, typed, place)));
  if (list.hidden) box.start();
  else box.clearSelection();
  list.hidden = false;
}

function option({ text, says, is_whole }, typed, place) {
  const made = Object.assign(document.createElement("div"), { id: `asked-${place}`, className: "asked__one" });
  made.setAttribute("role", "option");
  Object.assign(made.dataset, { text, typed, whole: is_whole ? " " : "" });
  const [name, words] = [document.createElement("code"), document.createElement("span")];
  name.textContent = text;
  words.textContent = says;
  made.append(name, words);
  return made;
}

/** In the place of what was typed before the caret. */
function put({ text, typed, whole }) {
  const caret = input.selectionStart;
  const start = caret - typed.length;
  input.setRangeText(text + whole, start, caret, "end");
  close();
  look();
}

function close() {
  if (list.hidden) return;
  box.stop();
  list.hidden = true;
  list.replaceChildren();
}

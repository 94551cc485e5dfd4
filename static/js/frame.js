// What every page of hers runs, once in a document: the socket, her devices where the document began as Live, the bottom edge, and
// what the page that is shown does by itself (visits.js). The server's HTML is the state; nothing here remembers it.

import "./awake.js";
import "./buttons.js";
import "./keys.js";
import "./moving.js";
import { look } from "./noticing.js";
import "./pace.js";
import "./stopbar.js";
import "./tick.js";
import "./times.js";
import "./ui/dialog.js";
import { arrived } from "./visits.js";
import { watch } from "./watching.js";

/** The strip says what is to be mended; how much it is stands in the rail, too. */
function counted({ detail: { ctx } }) {
  if (ctx.target.id !== "region-strip") return;
  const words = document.querySelector("[data-mend-words]").cloneNode(true);
  document.querySelector("[data-mend-count]").replaceChildren(...words.childNodes);
  adopt();
  look();
}

/** How she has her pages: as the strip says it, also when another page of hers has changed it. */
function adopt() {
  Object.assign(document.documentElement.dataset, document.querySelector("#region-strip [data-own]").dataset);
}

/** What is heard is told to the regions: nothing is heard before HTMX is there, or could not be had. */
function regionsListen() {
  return new Promise((ready) => {
    document.addEventListener("htmx:after:process", ready, { once: true });
    addEventListener("load", () => setTimeout(ready));
  });
}

async function holdDevices() {
  const [device] = await Promise.all([import("./device.js"), listening]);
  await device.start();
  return device;
}

/** She may press before her toys are ready: they are taken as soon as they are. */
function goesOnAir({ target }) {
  if (target.closest?.("[data-go-on-air]")) devices.then((device) => device?.switchOn());
}

const listening = regionsListen();
const devices = document.querySelector("[data-virtual]") ? holdDevices() : listening.then(watch);
document.addEventListener("htmx:after:swap", counted);
document.addEventListener("click", goesOnAir);
arrived();

// A document without toys of its own: it hears news, and answers a stop with nothing to be stilled.

import { connect, on, send } from "./news.js";
import { epoch, halt, isLater } from "./stops.js";

export function watch() {
  on("lovense.stop", stopped);
  connect({ watch: "1" });
}

function stopped({ activationIds, stopEpoch }) {
  if (Array.isArray(activationIds)) return;
  isLater(stopEpoch);
  halt();
  send({ type: "stopped", stopEpoch: epoch(), toyIds: [] });
}

// What an app says of its toys, in all the ways in which apps say it: `toys` as JSON text, as an object or a list, or `data` itself
// as the map. Only for what this page shows; what the register knows of a device comes from the app's own callbacks.

const ON = [1, "1", true, "on", "online", "connected"];

/** [{ id, isConnected }], or null where it is no answer of the app's. */
export function toysIn(body) {
  const answer = parsed(body);
  if (answer === null || typeof answer !== "object" || Array.isArray(answer)) return null;
  const data = parsed(answer.data) ?? {};
  const toys = parsed(data.toys ?? answer.toys ?? data);
  return listed(toys).filter(({ id }) => typeof id === "string" && id).map(({ id, status }) => ({ id, isConnected: ON.includes(status) }));
}

function listed(toys) {
  const found = Array.isArray(toys) ? toys : Object.entries(toys ?? {}).map(([id, toy]) => ({ id, ...toy }));
  return found.filter((toy) => typeof toy === "object" && toy !== null);
}

function parsed(given) {
  if (typeof given !== "string") return given ?? null;
  try {
    return JSON.parse(given);
  } catch {
    return null;
  }
}

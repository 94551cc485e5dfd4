// Outcomes: what an answer to a command means, whatever the HTTP status and the content type. The twin of
// lovense/bridges/outcomes.py; both pass tests/golden/outcomes.json. A code is believed, as a number or as text. What is no answer
// of the vendor's is unknown: it may have been done, and is never told again. No page, no network.

export const [ACCEPTED, UNKNOWN, NOT_SENT] = ["accepted", "unknown", "not_sent"];
const TOO_MANY_REQUESTS = 429;
const LONGEST_ANSWER = 64 * 1024; // bytes

const CODES = {
  200: ACCEPTED,
  400: "bad_command",
  401: "toy_gone",
  402: "not_connected",
  403: "unsupported",
  404: "bad_command",
  429: "too_many_requests",
  501: "operator_fault",
  502: "operator_fault",
  503: "pairing_lost",
  507: "app_offline",
};
// Nothing more of this run is told after these.
export const LASTING = ["pairing_lost", "operator_fault", "unsupported", "bad_command"];

/** `body` is text. */
export function outcomeOf({ status, body }) {
  const code = codeOf(body);
  if (code !== null) return Object.hasOwn(CODES, code) ? CODES[code] : UNKNOWN;
  return status === TOO_MANY_REQUESTS ? "too_many_requests" : UNKNOWN;
}

function codeOf(body) {
  const code = read(body)?.code;
  if (typeof code === "string") return /^[0-9]{1,4}$/.test(code) ? Number(code) : null;
  return Number.isInteger(code) ? code : null;
}

/** An object, or nothing. */
function read(body) {
  try {
    if (new TextEncoder().encode(body).length > LONGEST_ANSWER) return null;
    const found = JSON.parse(body, whole);
    return typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

/** 200.0 is no code; where a browser does not tell how a number was written, it is one. */
function whole(name, value, context) {
  const isFraction = name === "code" && typeof value === "number" && /[.eE]/.test(context?.source ?? "");
  return isFraction ? null : value;
}

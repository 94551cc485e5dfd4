// What each type of toy can do: the twin of lovense/devices/toytable.py, as far as a toy in a page needs it.

export const LETTERS = {
  v: "Vibrate",
  v1: "Vibrate1",
  v2: "Vibrate2",
  v3: "Vibrate3",
  r: "Rotate",
  p: "Pump",
  t: "Thrusting",
  f: "Fingering",
  s: "Suction",
  d: "Depth",
  o: "Oscillate",
  pos: "Position",
};

const FEWER = { Pump: 3, Depth: 3, Position: 100, Stroke: 100 };
export const TOPS = {
  ...Object.fromEntries(Object.values(LETTERS).map((name) => [name, FEWER[name] ?? 20])),
  Stroke: FEWER.Stroke,
};

export const NOT_USED = ["Position"]; // known, and never sent
export const GUARDED = ["Thrusting", "Depth", "Stroke", "Position"]; // they move hardware: off until she has tried them

const VIBRATES = ["ambi", "c20", "calor", "diamo", "domi", "exomoon", "ferri", "gush", "hush", "hyphy", "lush", "mission"];
const TABLE = {
  ...Object.fromEntries([...VIBRATES, "mission2", "osci", "vulse"].map((type) => [type, "v"])),
  dolce: "v v1 v2",
  edge: "v v1 v2",
  flexer: "v f",
  gemini: "v v1 v2",
  gravity: "v t",
  gush2: "o",
  lapis: "v v1 v2 v3",
  max: "v p",
  minixmachine: "v t",
  nora: "v r",
  qa01: "v v1 v2",
  ridge: "v r",
  solace: "t d",
  solacepro: "t pos",
  tenera: "v s",
  xmachine: "v t",
};
const ALIASES = { quake: "dolce", "sex machine": "xmachine" };

/** A row: `{ type, letters, functions }`. A type that is not in the table vibrates, as far as anybody knows. */
export function kindOf(name) {
  const plain = name.toLowerCase().split(/\s+/).filter(Boolean).join(" ");
  const known = [plain, ALIASES[plain], plain.replaceAll(" ", "")].find((type) => type && Object.hasOwn(TABLE, type));
  const letters = (known ? TABLE[known] : "v").split(" ");
  return { type: known ?? plain, letters, functions: letters.map((letter) => LETTERS[letter]) };
}

export const SINGLE_MOTORS = ["Vibrate1", "Vibrate2", "Vibrate3"];

/** Our own drawings of the vendor's presets, as lovense/menus/vibration.py has them. */
export const SHAPES = {
  pulse: { values: [20, 20, 0, 0, 20, 20, 0, 0], interval: 250 },
  wave: { values: [2, 5, 8, 11, 14, 17, 20, 17, 14, 11, 8, 5], interval: 200 },
  fireworks: { values: [3, 6, 10, 15, 20, 20, 4, 14, 0, 9, 18, 2, 20, 0, 0, 0], interval: 150 },
  earthquake: { values: [20, 8, 17, 12, 20, 6, 15, 19, 10, 20, 13, 7, 18, 9], interval: 120 },
};

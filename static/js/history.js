// History and statistics: charts that are read by arrow keys, and ids to copy. They do nothing by themselves.

import "./ui/chart.js";
import "./ui/copy.js";
import "./ui/wave.js";

export function arrive() {
  return () => {};
}

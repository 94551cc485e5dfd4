// History and statistics: they have no toys of their own, so they only watch. The server's HTML is the state.

import "./buttons.js";
import { start } from "./device.js";
import "./stopbar.js";
import "./tick.js";
import "./times.js";
import "./ui/chart.js";
import "./ui/copy.js";
import "./ui/wave.js";

start();

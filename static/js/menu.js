// The page of the menu: it has no toys of its own, so it only watches. The server's HTML is the state, and all buttons are HTMX's.

import "./buttons.js";
import { start } from "./device.js";
import "./stopbar.js";
import "./tick.js";
import "./times.js";

start();

// Every custom element of templates/ui, for pages that show many of them; others import what they need.

import "./age.js";
import "./chart.js";
import "./copy.js";
import "./countdown.js";
import "./dialog.js";
import "./pad.js";
import "./range.js";
import "./wave.js";

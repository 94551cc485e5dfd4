// Every custom element of templates/ui, for pages of the staff that show many of them; others import what they need.

import "../staff.js";
import "./age.js";
import "./chart.js";
import "./copy.js";
import "./countdown.js";
import "./dialog.js";
import "./pad.js";
import "./range.js";
import "./wave.js";

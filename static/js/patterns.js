// The page of patterns: as the page of the menu it only watches, and a pattern can be recorded by tapping a key.

import "./menu.js";
import "./recorder.js";

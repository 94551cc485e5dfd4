// A list of the staff's with something to be done about its rows, and nothing to be typed about them: it is read and marked by keys.

import "./staffnews.js";
import "./ui/age.js";
import "./ui/copy.js";
import "./ui/records.js";

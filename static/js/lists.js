// A list of the staff's: what is typed is completed, and the table is read by keys.

import "./asking.js";
import "./staffnews.js";
import "./ui/age.js";
import "./ui/copy.js";
import "./ui/dialog.js";
import "./ui/records.js";

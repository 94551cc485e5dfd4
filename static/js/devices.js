// The page of devices: it watches, so it never asks for the devices' lease. The server's HTML is the state; nothing here
// remembers it.

import "./buttons.js";
import { connect } from "./news.js";
import "./regions.js";
import "./times.js";

connect({ watch: "1" });

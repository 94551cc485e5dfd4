// Regions that fetch themselves again: an answer equal to the one shown is not swapped in, so nothing moves or is read twice;
// and one that could not be fetched says that it is out of date.

const fetched = new Map(); // region -> the HTML it shows

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { target, serverResponse, xhr } = event.detail;
  if (xhr.status !== 200) return;
  if (fetched.get(target.id) === serverResponse) event.detail.shouldSwap = false;
  fetched.set(target.id, serverResponse);
  delete target.dataset.stale;
});
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(failure, (event) => (event.detail.target.dataset.stale = ""));
}

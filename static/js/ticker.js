// A worker that only waits: browsers slow the timers of a hidden page down to one a minute, but not a worker's.
onmessage = ({ data: { id, ms } }) => setTimeout(() => postMessage(id), ms);

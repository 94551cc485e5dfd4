// A stand-in for the vendor's broadcast.js, served by the vendor simulator: the global CamExtension with the documented
// methods and events. It keeps its queue in the page, as the vendor's does: a page that is closed loses it.

(() => {
  const home = new URL(document.currentScript.src).origin;
  const LOOK_MS = 1_000;

  async function ask(path, said) {
    const given = said === undefined ? {} : { method: "POST", body: JSON.stringify(said) };
    const answer = await fetch(home + path, given);
    return answer.json();
  }

  /** What the page has called, for the journal. */
  function note(call) {
    ask("/extension/call", call).catch(() => {});
  }

  class CamExtension {
    #listeners = {};
    #queue = [];
    #running = null;
    #state = null;

    constructor(websiteName, modelName) {
      Object.assign(this, { websiteName, modelName });
      note({ call: "construct", websiteName, modelName });
      this.#bind();
    }

    on(name, listener) {
      (this.#listeners[name] ??= []).push(listener);
    }

    receiveTip(amount, tipperName, cParameter) {
      note({ call: "receiveTip", amount, tipperName });
      if (this.#state?.shape === "throws") throw new Error("receiveTip");
      const item = this.#itemFor(Number(amount), String(tipperName), cParameter);
      if (!item) return;
      if (item.specialType === "clear") this.#queue = [];
      this.#queue.push(item);
      this.#turn();
    }

    receiveMessage() {}

    async getSettings() {
      return this.#shaped("settings", (await this.#asked()).settings);
    }

    async getToyStatus() {
      return this.#shaped("toys", (await this.#asked()).toys);
    }

    async getCamVersion() {
      return (await this.#asked()).version;
    }

    async #asked() {
      const state = await ask("/extension/state");
      if (state.shape === "throws") throw new Error("the extension has gone");
      return state;
    }

    /** In the shape that was ordered. */
    #shaped(name, value) {
      const { shape } = this.#state ?? {};
      if (shape === "broken") return { settings: 7, toys: "none", queue: null }[name];
      if (shape !== "odd") return value;
      if (name === "settings") return JSON.stringify(value);
      if (name === "toys") return Object.fromEntries(value.map((toy) => [toy.id, toy]));
      const texts = (item) => ({ ...item, amount: String(item.amount), time: String(item.time) });
      return { running: texts(value.running[0] ?? {}), queue: value.queue.map(texts) };
    }

    async #bind() {
      try {
        this.#state = await ask("/extension/state");
      } catch (error) {
        return this.#tell("sdkError", { code: 500, message: String(error) });
      }
      const { ready, lateMs } = this.#state;
      if (ready === "never") return;
      setTimeout(() => this.#tell("ready", this), ready === "late" ? lateMs : 0);
      if (ready === "twice") setTimeout(() => this.#tell("ready", this), 0);
      setInterval(() => this.#look(), LOOK_MS);
    }

    /** What the performer has changed meanwhile. */
    async #look() {
      const before = this.#state;
      try {
        this.#state = await ask("/extension/state");
      } catch {
        return;
      }
      const { settings, toys } = this.#state;
      if (JSON.stringify(settings) !== JSON.stringify(before.settings)) this.#tell("settingsChange", this.#shaped("settings", settings));
      if (JSON.stringify(toys) !== JSON.stringify(before.toys)) this.#tell("toyStatusChange", this.#shaped("toys", toys));
    }

    #itemFor(amount, tipperName, cParameter = {}) {
      const { levels = {}, special = {} } = this.#state?.settings ?? {};
      const base = { amount, tipperName, cParameter, modelName: this.modelName, level: "", specialType: "" };
      const exact = Object.values(special).find(({ enable, token }) => enable !== false && Number(token) === amount);
      if (exact) {
        return { ...base, module: "Special Command", specialType: exact.type, time: Number(exact.time ?? 0) };
      }
      const within = ([, { min, max }]) => Number(min) <= amount && amount <= Number(max);
      const [level, found] = Object.entries(levels).find(within) ?? [];
      if (!found) return null;
      const { time, vLevel, rLevel } = found;
      return { ...base, module: "Basic Level", level, time: Number(time), vLevel, rLevel };
    }

    async #turn() {
      if (this.#running || !this.#queue.length) return this.#announce();
      const item = this.#queue.shift();
      this.#running = item;
      item.reactToys = await this.#play(item);
      this.#announce();
      const toys = item.reactToys.map(({ toyType }) => toyType).join(", ");
      if (toys) this.#tell("postMessage", `${toys} reacts to ${item.tipperName}'s tip for ${item.time} s`);
      setTimeout(() => {
        this.#running = null;
        this.#turn();
      }, item.time * 1000);
    }

    async #play(item) {
      try {
        return (await ask("/extension/play", item)).reactToys;
      } catch {
        return [];
      }
    }

    #announce() {
      const told = { running: this.#running ? [this.#running] : [], queue: [...this.#queue], waiting: [] };
      if (this.#state?.shape !== "mute") this.#tell("tipQueueChange", this.#shaped("queue", told));
    }

    #tell(name, value) {
      for (const listener of this.#listeners[name] ?? []) listener(value);
    }
  }

  window.CamExtension = CamExtension;
})();

// Follows what arrives, for as long as the page is open: one question at a time, each from where the last one ended.
import * as api from "./api.js";

const REST_MS = 100; // between two answers: what comes faster than it can be seen comes together
const RETRY_MS = 1000;

const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

export class Feed {
  /** `told` has the functions lines(list); forgotten(), when what was told before is gone; and state(name), which is
   *  "live", "paused" or "away". */
  constructor(told) {
    this.told = told;
    this.run = "";
    this.newest = 0;
    this.gate = null; // while paused: a promise of the end of that
    this.loaded = new Promise((done) => { this.haveAll = done; }); // once all is told that was there at first
  }

  pause() {
    this.gate = new Promise((open) => { this.open = open; });
    this.question?.abort();
    this.told.state("paused");
  }

  resume() {
    this.gate = null;
    this.told.state("live");
    this.open();
  }

  /** Never returns. */
  async follow() {
    for (;;) {
      await this.gate;
      const told = await this.#ask();
      if (!told || this.gate) continue; // nothing, or it came with the pause
      this.told.state("live");
      this.#take(told);
      if (told.more) continue;
      this.haveAll();
      await sleep(REST_MS);
    }
  }

  // Null: there was no answer.
  async #ask() {
    this.question = new AbortController();
    try {
      return await api.lines(this.run, this.newest, this.question.signal);
    } catch (error) {
      if (error.name === "AbortError") return null;
      this.told.state("away");
      await sleep(RETRY_MS);
      return null;
    }
  }

  #take({ run, newest, lines }) {
    if (this.run !== "" && run !== this.run) this.told.forgotten();
    this.run = run;
    this.newest = newest;
    if (lines.length > 0) this.told.lines(lines);
  }
}

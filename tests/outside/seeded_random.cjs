// Loaded before a server of the tests: its dice fall the same way in every run (mulberry32, public domain).
"use strict";

let state = Number(process.env.DICE_SEED || "1") >>> 0;

Math.random = () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};

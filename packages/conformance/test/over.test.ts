import { expect, it } from "vitest";
import { over } from "../src/over.ts";

class Counter {
  #count = 0;
  readonly step: number;
  constructor(step: number) {
    this.step = step;
    Object.freeze(this); // the private field still changes
  }
  add(): number {
    this.#count += this.step;
    return this.#count;
  }
  twice(): number {
    this.add();
    return this.add();
  }
  optional?(): number;
}

it("replaces members, of a frozen object with methods and private fields too", () => {
  const real = new Counter(2);
  const changed = over(real, { add: () => -1 });
  expect([changed.add(), changed.step]).toEqual([-1, 2]);
  expect(changed.twice()).toBe(4); // its own calls are not replaced
  expect(real.add()).toBe(6);
});

it("makes members absent, and leaves the real object alone", () => {
  const real = { present: () => 1, optional: () => 2 } as { present(): number; optional?(): number };
  const changed = over(Object.freeze(real), { optional: undefined });
  expect(changed.optional).toBeUndefined();
  expect(real.optional?.()).toBe(2);
  expect("present" in changed).toBe(true);
  expect("absent" in changed).toBe(false);
});

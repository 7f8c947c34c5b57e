import type { Driven, PointerAction } from "./driven.ts";

/**
 * Uses a page as a person does: looks for text, clicks, presses keys, drags. Patterns are matched against the text of
 * an element.
 */
export interface Person {
  /** The text of the first matching element. It waits until there is one. */
  see(selector: string, pattern?: RegExp, seconds?: number): Promise<string>;
  click(selector: string, pattern?: RegExp): Promise<void>;
  /** Clicks the element unless it already has the wanted state. */
  check(label: RegExp, wanted: boolean): Promise<void>;
  /** Moves the matching element by this number of pixels. */
  drag(selector: string, x: number, y: number): Promise<void>;
  /** Presses keys by the names of `KEYS`, or by a single character. */
  press(...keys: readonly string[]): Promise<void>;
  focus(selector: string): Promise<void>;
}

/** The characters that WebDriver uses for keys without one. */
const KEYS: Readonly<Record<string, string>> = {
  Tab: "\uE004",
  Enter: "\uE007",
  PageUp: "\uE00E",
  PageDown: "\uE00F",
  End: "\uE010",
  Home: "\uE011",
  ArrowLeft: "\uE012",
  ArrowUp: "\uE013",
  ArrowRight: "\uE014",
  ArrowDown: "\uE015",
};

/** Waits in the page for an element and assigns it to `found`. */
const FIND = `
  const pattern = new RegExp(args.source, args.flags);
  const look = () => [...document.querySelectorAll(args.selector)].find((one) => pattern.test(one.textContent));
  const end = performance.now() + args.seconds * 1000;
  let found = look();
  while (!found && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    found = look();
  }
  if (!found) throw new Error(args.selector + " with " + pattern + " is not there after " + args.seconds + " s; the page says: " + document.body.innerText.slice(0, 1500));`;

const MIDDLE = `${FIND}
  found.scrollIntoView({ block: "center", behavior: "instant" });
  const { left, top, width, height } = found.getBoundingClientRect();
  return [Math.round(left + width / 2), Math.round(top + height / 2)];`;

export function personAt({ run, perform }: Driven): Person {
  const find = <T>(code: string, selector: string, pattern = /(?:)/, seconds = 60) =>
    run<T>(code, { selector, source: pattern.source, flags: pattern.flags, seconds });
  const click = async (selector: string, pattern?: RegExp) => {
    const [x, y] = await find<[number, number]>(MIDDLE, selector, pattern);
    await perform({ type: "pointer", actions: [{ type: "pointerMove", x, y }, DOWN, UP] });
  };
  return {
    click,
    see: (selector, pattern, seconds) => find<string>(`${FIND} return found.textContent;`, selector, pattern, seconds),
    async check(label, wanted) {
      const is = await find<boolean>(`${FIND} return found.querySelector("input").checked;`, "label", label);
      if (is !== wanted) await click("label", label);
    },
    async drag(selector, x, y) {
      const [left, top] = await find<[number, number]>(MIDDLE, selector);
      const to = (part: number): PointerAction => ({
        type: "pointerMove",
        x: Math.round(left + part * x),
        y: Math.round(top + part * y),
        duration: 50,
      });
      await perform({ type: "pointer", actions: [to(0), DOWN, to(0.5), to(1), UP] });
    },
    async press(...keys) {
      const actions = keys.flatMap((key) => {
        const value = KEYS[key] ?? key;
        return [{ type: "keyDown", value } as const, { type: "keyUp", value } as const];
      });
      await perform({ type: "key", actions });
    },
    focus: (selector) => find(`${FIND} found.focus();`, selector),
  };
}

const DOWN: PointerAction = { type: "pointerDown", button: 0 };
const UP: PointerAction = { type: "pointerUp", button: 0 };

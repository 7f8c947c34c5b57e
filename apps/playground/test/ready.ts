/** What is there when a panel is ready to use, by its place in the address: CSS. */
export const READY: Readonly<Record<string, string>> = {
  "": ".facts",
  conformance: ".gallery",
  derivation: ".values",
  precision: ".chart",
  model: ".drop",
  speed: "[data-doing]",
};

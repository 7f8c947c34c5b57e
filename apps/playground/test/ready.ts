/** A CSS selector per panel, by its address, for an element that exists when the panel is ready. */
export const READY: Readonly<Record<string, string>> = {
  "": ".facts",
  conformance: ".gallery",
  derivation: ".values",
  precision: ".chart",
  model: ".drop",
  speed: "[data-doing]",
};

import type { ComponentType } from "preact";

/** What every panel is given. */
export interface PanelProps {
  readonly params: URLSearchParams;
}

export interface PanelEntry {
  readonly id: string;
  readonly title: string;
  /** A sentence for the first page. */
  readonly what: string;
  /** Loads the panel's code, when it is opened. */
  load(): Promise<ComponentType<PanelProps>>;
}

export const PANELS: readonly PanelEntry[] = [
  {
    id: "conformance",
    title: "Conformance here",
    what: "Is this browser right? Run the suite on every backend that works here, and compare results of two engines.",
    load: async () => (await import("./conformance/panel.tsx")).ConformancePanel,
  },
  {
    id: "derivation",
    title: "The derivation",
    what: "Drag eight values and their gradient, and see what mean and variance do to both, term by term.",
    load: async () => (await import("./derivation/panel.tsx")).DerivationPanel,
  },
];

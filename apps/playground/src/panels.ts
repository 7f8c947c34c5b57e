import type { ComponentType } from "preact";

/** The properties that every panel gets. */
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
    what: "Does this browser compute correctly? Run the suite on every backend that works here, and compare the results of two engines.",
    load: async () => (await import("./conformance/panel.tsx")).ConformancePanel,
  },
  {
    id: "derivation",
    title: "The derivation",
    what: "Drag eight values and their gradient, and see how mean and variance change both, term by term.",
    load: async () => (await import("./derivation/panel.tsx")).DerivationPanel,
  },
  {
    id: "precision",
    title: "Precision",
    what: "How many digits are left when the mean is large compared with the deviation? Five methods, measured here.",
    load: async () => (await import("./precision/panel.tsx")).PrecisionPanel,
  },
  {
    id: "model",
    title: "Your model",
    what: "Drop an ONNX or Caffe model to see what looks wrong in its normalizations, and whether the backends agree on them.",
    load: async () => (await import("./model/panel.tsx")).ModelPanel,
  },
  {
    id: "speed",
    title: "Speed here",
    what: "Every backend and two other libraries on shapes that you choose, next to a copy of the same bytes.",
    load: async () => (await import("./speed/panel.tsx")).SpeedPanel,
  },
];

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
    what: "Is this browser right? Run the suite on every backend that works here, and compare results of two engines.",
    load: async () => (await import("./conformance/panel.tsx")).ConformancePanel,
  },
  {
    id: "derivation",
    title: "The derivation",
    what: "Drag eight values and their gradient, and see what mean and variance do to both, term by term.",
    load: async () => (await import("./derivation/panel.tsx")).DerivationPanel,
  },
  {
    id: "precision",
    title: "Precision",
    what: "How many digits are left when the mean is large beside the deviation? Five ways to compute, measured here.",
    load: async () => (await import("./precision/panel.tsx")).PrecisionPanel,
  },
  {
    id: "model",
    title: "Your model",
    what: "Drop an ONNX or Caffe model: what looks wrong in its normalizations, and whether backends agree on them.",
    load: async () => (await import("./model/panel.tsx")).ModelPanel,
  },
  {
    id: "speed",
    title: "Speed here",
    what: "Every backend and two peers on shapes that you choose, beside a copy of the same bytes.",
    load: async () => (await import("./speed/panel.tsx")).SpeedPanel,
  },
];

import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { useState } from "preact/hooks";
import type { PanelProps } from "../panels.ts";
import { Slider } from "../parts/controls.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { Averages } from "./averages.tsx";
import { Bars } from "./bars.tsx";
import { compute, type Settings } from "./compute.ts";
import { Formulas } from "./formulas.tsx";
import { Points } from "./points.tsx";
import type { Term } from "./terms.ts";
import { Values } from "./values.tsx";
import "./derivation.css";

const X = [1, 2, 3, 6, 4, 2.5, 5, 0.5];
const DY = [1, 0, 0, 0, -0.5, 0, 0.8, 0];

export function DerivationPanel(_: PanelProps) {
  const { value, problem } = useLoaded(createCpu, [], "@bn/cpu did not start", (backend) => backend.dispose());
  if (problem) return <ProblemBox problem={problem} />;
  return value ? <Derivation backend={value} /> : <p class="loading">Starting @bn/cpu ...</p>;
}

function Derivation({ backend }: { readonly backend: Backend }) {
  const [x, setX] = useState<readonly number[]>(X);
  const [dy, setDy] = useState<readonly number[]>(DY);
  const [settings, setSettings] = useState<Settings>({ eps: 1e-5, gamma: 1, beta: 0, stored: null });
  const [term, setTerm] = useState<Term | null>(null);
  const { value: outcome, problem } = useLoaded(
    () => compute(backend, x, dy, settings),
    [backend, x, dy, settings],
    "The values could not be computed",
  );
  if (problem) return <ProblemBox problem={problem} />;
  if (!outcome) return <p class="loading">Computing ...</p>;
  const std = Math.sqrt(outcome.variance);
  const largest = Math.max(...outcome.y.map(Math.abs).filter(Number.isFinite), 0);
  const reach = [4, 8, 16, 32, 64].find((one) => one >= largest) ?? 1024;
  return (
    <div class="derivation" data-term={term ?? ""}>
      <p>
        Eight values of one channel. Drag a point, or move it with the arrow keys. All numbers are @bn/cpu's, in
        float64. The formulas are derived in docs/batch-norm.md.
      </p>
      <Controls settings={settings} onChange={setSettings} />
      <div class="plots">
        <Points
          title="x, the batch: mean and standard deviation"
          symbol="x"
          values={x}
          least={-10}
          most={10}
          colour={0}
          lit={setTerm}
          line={{ at: outcome.mean, spread: std, text: `mean ${outcome.mean.toFixed(3)}, std ${std.toFixed(3)}` }}
          onChange={(i, next) => setX((all) => all.map((old, j) => (j === i ? next(old) : old)))}
        />
        <Points
          title="y, normalized, times gamma, plus beta"
          symbol="y"
          values={outcome.y}
          least={-reach}
          most={reach}
          colour={2}
          lit={setTerm}
          line={{ at: outcome.settings.beta, spread: Math.abs(outcome.settings.gamma), text: "" }}
        />
        <Points
          title="dy, the gradient that comes back"
          symbol="dy"
          values={dy}
          least={-2}
          most={2}
          colour={3}
          lit={setTerm}
          onChange={(i, next) => setDy((all) => all.map((old, j) => (j === i ? next(old) : old)))}
        />
        <Bars outcome={outcome} lit={setTerm} />
      </div>
      <div class="buttons">
        <button type="button" onClick={() => setDy(dy.map(() => 1))}>
          dy the same everywhere
        </button>
        <button
          type="button"
          onClick={() => setDy(outcome.xhat.map((value) => Math.max(-2, Math.min(2, Math.round(value * 100) / 100))))}
        >
          dy along the normalized values
        </button>
        <button
          type="button"
          onClick={() => {
            setX(X);
            setDy(DY);
          }}
        >
          Start again
        </button>
      </div>
      <h2>The formulas, with their numbers</h2>
      <Formulas outcome={outcome} lit={setTerm} />
      <Values outcome={outcome} lit={setTerm} />
      <Averages backend={backend} x={x} />
    </div>
  );
}

interface ControlsProps {
  readonly settings: Settings;
  readonly onChange: (settings: Settings) => void;
}

function Controls({ settings, onChange }: ControlsProps) {
  const { eps, gamma, beta, stored } = settings;
  const range = (label: string, value: number, least: number, most: number, set: (value: number) => Settings) => (
    <Slider
      label={label}
      value={value}
      min={least}
      max={most}
      step={0.05}
      text={value.toFixed(2)}
      onValue={(next) => onChange(set(next))}
    />
  );
  return (
    <fieldset class="controls">
      <legend>The layer</legend>
      <label>
        eps{" "}
        <select
          value={String(eps)}
          onChange={(event) => onChange({ ...settings, eps: Number(event.currentTarget.value) })}
        >
          {[0, 1e-5, 1e-3, 0.1, 1].map((one) => (
            <option key={one} value={String(one)}>
              {one}
            </option>
          ))}
        </select>
      </label>
      {range("gamma", gamma, -2, 2, (value) => ({ ...settings, gamma: value }))}
      {range("beta", beta, -2, 2, (value) => ({ ...settings, beta: value }))}
      <label>
        <input
          type="checkbox"
          checked={stored !== null}
          onChange={() => onChange({ ...settings, stored: stored ? null : { mean: 3, variance: 4 } })}
        />
        stored statistics
      </label>
      {stored && range("mean", stored.mean, -5, 5, (mean) => ({ ...settings, stored: { ...stored, mean } }))}
      {stored &&
        range("variance", stored.variance, 0.05, 10, (variance) => ({ ...settings, stored: { ...stored, variance } }))}
    </fieldset>
  );
}

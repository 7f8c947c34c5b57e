import { BACKEND_NAMES, type BackendName } from "../backends.ts";

interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  /** The value as the page shows it. */
  readonly text: string;
  readonly onValue: (value: number) => void;
}

export function Slider({ label, text, onValue, ...range }: SliderProps) {
  return (
    <label>
      {label}{" "}
      <input
        type="range"
        {...range}
        aria-valuetext={text}
        onInput={(event) => onValue(event.currentTarget.valueAsNumber)}
      />
      <output class="mono">{text}</output>
    </label>
  );
}

interface BackendBoxesProps {
  readonly names: readonly BackendName[];
  readonly onChange: (names: readonly BackendName[]) => void;
}

/** A box per backend. */
export function BackendBoxes({ names, onChange }: BackendBoxesProps) {
  return BACKEND_NAMES.map((name) => (
    <label key={name}>
      <input
        type="checkbox"
        checked={names.includes(name)}
        onChange={() => onChange(BACKEND_NAMES.filter((other) => names.includes(other) !== (other === name)))}
      />
      {name}
    </label>
  ));
}

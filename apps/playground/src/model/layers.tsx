import { useState } from "preact/hooks";
import { Heads, Table } from "../parts/table.tsx";
import type { LayerFacts, Range } from "./facts.ts";

/** Shows every normalization with its statistics on common axes, suspects first. */
export function Layers({ layers }: { readonly layers: readonly LayerFacts[] }) {
  const [byPlace, setByPlace] = useState(false);
  const rank = ({ suspects, meanOverStd }: LayerFacts) => (suspects.length > 0 ? 1e30 : (meanOverStd ?? 0));
  const placed = layers.map((layer, place) => ({ layer, place }));
  const shown = byPlace ? placed : placed.toSorted((a, b) => rank(b.layer) - rank(a.layer) || a.place - b.place);
  const variances = axisOf(
    layers.flatMap(({ variance }) => (variance ? [variance.min, variance.max] : [])),
    VARIANCE_DECADES,
  );
  const ratios = axisOf(
    layers.flatMap(({ meanOverStd }) => (meanOverStd === null ? [] : [meanOverStd])),
    RATIO_DECADES,
  );
  return (
    <>
      <label class="field">
        <input type="checkbox" checked={byPlace} onChange={(event) => setByPlace(event.currentTarget.checked)} />
        in the order of the network (else suspects first, then by |mean| / std)
      </label>
      <Table
        label="Normalization layers"
        class="layers"
        head={
          <Heads
            of={[
              "layer",
              "channels",
              "eps",
              `|mean| / std, largest ${axisText(ratios)}`,
              `variance, least to largest ${axisText(variances)}`,
              "gamma",
            ]}
          />
        }
      >
        {shown.map(({ layer, place }) => (
          <LayerRow key={place} layer={layer} place={place} variances={variances} ratios={ratios} />
        ))}
      </Table>
    </>
  );
}

interface LayerRowProps {
  readonly layer: LayerFacts;
  readonly place: number;
  readonly variances: Axis;
  readonly ratios: Axis;
}

function LayerRow({ layer, place, variances, ratios }: LayerRowProps) {
  const { name, where, shape, dtype, eps, meanOverStd, variance, gamma, suspects } = layer;
  return (
    <tr class={suspects.length > 0 ? "suspect" : ""}>
      <th scope="row">
        <span class="soft">{place + 1}</span> {name}
        {where !== "" && <span class="soft"> in {where}</span>}
        {suspects.length > 0 && <b class="failed"> suspect</b>}
      </th>
      <td>
        {shape} <span class="soft">{dtype}</span>
      </td>
      <td>{eps === null ? "-" : Number(eps.toPrecision(3))}</td>
      <td>
        {meanOverStd === null ? (
          "-"
        ) : (
          <Bar axis={ratios} from={ratios.least} to={meanOverStd} text={meanOverStd.toPrecision(3)} />
        )}
      </td>
      <td>
        {variance ? (
          <Bar
            axis={variances}
            from={variance.min}
            to={variance.max}
            mark={variance.median}
            text={rangeText(variance)}
          />
        ) : (
          "-"
        )}
      </td>
      <td>{gamma ? rangeText(gamma) : "-"}</td>
    </tr>
  );
}

interface Axis {
  readonly least: number;
  readonly most: number;
}

/** How many powers of ten an axis has at most. One tiny ratio would otherwise make all bars look alike. */
const RATIO_DECADES = 4;
const VARIANCE_DECADES = 12;

/** The powers of ten that enclose every positive value, or the upper ones of them. */
function axisOf(values: readonly number[], decades: number): Axis {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const [least, most] = [Math.min(...positive, 1), Math.max(...positive, 1)];
  const top = Math.ceil(Math.log10(most) + 1e-9);
  return { least: 10 ** Math.max(top - decades, Math.floor(Math.log10(least))), most: 10 ** top };
}

const axisText = ({ least, most }: Axis) => `(${power(least)} to ${power(most)})`;
const power = (value: number) => (value >= 1e-3 && value < 1e5 ? String(value) : value.toExponential(0));

const WIDTH = 120;

interface BarProps {
  readonly axis: Axis;
  readonly from: number;
  readonly to: number;
  readonly mark?: number;
  readonly text: string;
}

function Bar({ axis, from, to, mark, text }: BarProps) {
  const span = Math.log10(axis.most / axis.least) || 1;
  const x = (value: number) =>
    Math.min(1, Math.max(0, Math.log10(Math.max(value, axis.least) / axis.least) / span)) * WIDTH;
  const [left, right] = [x(from), x(to)];
  return (
    <div class="bar">
      <svg viewBox={`0 0 ${WIDTH} 14`} preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width={WIDTH} height="14" rx="3" />
        {Number.isFinite(to) && <rect class="value" x={left} width={Math.max(2, right - left)} height="14" rx="3" />}
        {mark !== undefined && mark > 0 && <rect class="median" x={x(mark) - 1} width="2" height="14" />}
      </svg>
      <span class="mono">{text}</span>
    </div>
  );
}

function rangeText({ min, max, notFinite }: Range): string {
  const rest = notFinite > 0 ? `${notFinite} not finite` : "";
  if (Number.isNaN(min)) return rest;
  return [`${min.toPrecision(3)} .. ${max.toPrecision(3)}`, rest].filter((part) => part !== "").join(", ");
}

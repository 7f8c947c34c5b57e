import type { Backend } from "@bn/core";
import { useEffect, useRef, useState } from "preact/hooks";
import { Slider } from "../parts/controls.tsx";
import { Heads, Table } from "../parts/table.tsx";
import { type Average, createAverage, type Step } from "./average.ts";
import { Tex } from "./formulas.tsx";
import { numberText } from "./terms.ts";

const SHOWN = 12;
const COLUMNS = ["step", "batch mean", "m/(m-1) batch variance", "sum M", "sum V", "weight w", "M/w", "V/w"];

/** The moving average over steps: the stored sums, and the averages computed from them. */
export function Averages({ backend, x }: { readonly backend: Backend; readonly x: readonly number[] }) {
  const [fraction, setFraction] = useState(0.9);
  const [noise, setNoise] = useState(true);
  const [steps, setSteps] = useState<readonly Step[]>([]);
  const average = useRef<Average | null>(null);
  useEffect(() => {
    setSteps([]);
    const made = createAverage(backend, fraction);
    average.current = made;
    return () => made.dispose();
  }, [backend, fraction]);
  const step = async (count: number) => {
    const made: Step[] = [];
    for (let i = 0; i < count; i++) {
      const batch = noise ? x.map((value) => value + 2 * (Math.random() - 0.5)) : x;
      const one = await average.current?.step(batch);
      if (one) made.push(one);
    }
    setSteps((before) => [...before, ...made]);
  };
  const last = steps.at(-1);
  const m = x.length;
  const before = Math.max(0, steps.length - SHOWN);
  return (
    <section>
      <h2>The moving average</h2>
      <p>
        A layer does not store the average. It stores decayed sums and the sum of their weights; only the quotient is an
        average, unbiased from the first step on. The variance is multiplied by <span class="whole">m/(m-1)</span>, here{" "}
        {m}/{m - 1}.
      </p>
      <p class="tex">
        <Tex tex="w_t = f\,w_{t-1}+1" /> <Tex tex="M_t = f\,M_{t-1}+\mu_t" />{" "}
        <Tex tex="V_t = f\,V_{t-1}+\tfrac{m}{m-1}\,v_t" />
      </p>
      <div class="controls">
        <Slider
          label="fraction f"
          value={fraction}
          min={0}
          max={1}
          step={0.01}
          text={fraction.toFixed(2)}
          onValue={setFraction}
        />
        <label>
          <input type="checkbox" checked={noise} onChange={(event) => setNoise(event.currentTarget.checked)} /> each
          batch a little different
        </label>
        <button type="button" onClick={() => step(1)}>
          One step
        </button>
        <button type="button" onClick={() => step(10)}>
          Ten steps
        </button>
      </div>
      <Table label="Steps of the moving average" class="averages" head={<Heads number of={COLUMNS} />}>
        {steps.slice(-SHOWN).map((one, i) => (
          <tr key={before + i}>
            <th scope="row" class="number">
              {before + i + 1}
            </th>
            {[one.batchMean, one.batchVariance, ...one.sums, one.mean, one.variance].map((value, column) => (
              <td key={column} class="number">
                {numberText(value)}
              </td>
            ))}
          </tr>
        ))}
      </Table>
      <p role="status" data-steps={steps.length}>
        {last
          ? `After ${steps.length} ${steps.length === 1 ? "step" : "steps"} the layer would normalize with mean ${numberText(last.mean)} and variance ${numberText(last.variance)}.`
          : "No step yet: the weight is 0, and so are mean and variance."}
      </p>
    </section>
  );
}

import type { Backend } from "@bn/core";
import { useEffect, useRef, useState } from "preact/hooks";
import { Scroll } from "../parts/scroll.tsx";
import { type Average, createAverage, type Step } from "./average.ts";
import { Tex } from "./formulas.tsx";
import { numberText } from "./terms.ts";

const SHOWN = 12;

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
        <label>
          fraction f{" "}
          <input
            type="range"
            min="0"
            max="1"
            step="0.01"
            value={fraction}
            onInput={(event) => setFraction(event.currentTarget.valueAsNumber)}
          />
          <output class="mono">{fraction.toFixed(2)}</output>
        </label>
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
      <Scroll class="averages" label="Steps of the moving average">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                step
              </th>
              <th scope="col" class="number">
                batch mean
              </th>
              <th scope="col" class="number">
                m/(m-1) batch variance
              </th>
              <th scope="col" class="number">
                sum M
              </th>
              <th scope="col" class="number">
                sum V
              </th>
              <th scope="col" class="number">
                weight w
              </th>
              <th scope="col" class="number">
                M/w
              </th>
              <th scope="col" class="number">
                V/w
              </th>
            </tr>
          </thead>
          <tbody>
            {steps.slice(-SHOWN).map((one, i) => (
              <tr key={Math.max(0, steps.length - SHOWN) + i}>
                <th scope="row" class="number">
                  {Math.max(0, steps.length - SHOWN) + i + 1}
                </th>
                {[one.batchMean, one.batchVariance, ...one.sums, one.mean, one.variance].map((value, column) => (
                  <td key={column} class="number">
                    {numberText(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p role="status" data-steps={steps.length}>
        {last
          ? `After ${steps.length} ${steps.length === 1 ? "step" : "steps"} the layer would normalize with mean ${numberText(last.mean)} and variance ${numberText(last.variance)}.`
          : "No step yet: the weight is 0, and so are mean and variance."}
      </p>
    </section>
  );
}

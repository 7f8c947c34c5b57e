/** Gradient sums of planes: channels that are done whole, in cache, or parts of large ones. */

import { inverseOf, meanOf } from "../../coefficients";
import { job, run, scratchAt } from "../../job";
import { RUN } from "../../runs";
import { bytes, count, ENTRY, parts, planChannels } from "../../shape";
import { finite, firstLanes, loadTail, lost, lostOf, total, widen, zero } from "../../vector";
import { powerOf, storeSums } from "./store";

/** Results of `sums`: AssemblyScript returns one value. */
let dySum: f64 = 0;
let productSum: f64 = 0;

/** Of all channels. */
export function gradSumsOfPlanes<T>(): void {
  if (planChannels<T>(2))
    run((item: u32) => gradSumsOfChannels<T>(item), parts(job.channels, job.span), 2 * bytes<T>());
  else gradSumsOfParts<T>();
}

export function gradSumsOfChannels<T>(item: u32): void {
  const last = min((item + 1) * job.span, job.channels);
  for (let channel = item * job.span; channel < last; channel++) gradSumsOfChannel<T>(channel);
}

export function gradSumsOfChannel<T>(channel: u32): void {
  sums<T>(channel, 0, count());
  storeSums<T>(channel, dySum, productSum);
}

function gradSumsOfParts<T>(): void {
  run((item: u32) => gradSumsOfPart<T>(item), job.channels * job.parts, 2 * bytes<T>());
  for (let channel: u32 = 0; channel < job.channels; channel++) {
    const first = scratchAt() + channel * job.parts * ENTRY;
    let sum: f64 = 0;
    let products: f64 = 0;
    let lostSum: f64 = 0;
    let lostProducts: f64 = 0;
    for (let part: u32 = 0; part < job.parts; part++) {
      const dy = load<f64>(first + part * ENTRY);
      const product = load<f64>(first + part * ENTRY, 8);
      lostSum += lostOf(sum, dy, sum + dy);
      lostProducts += lostOf(products, product, products + product);
      sum += dy;
      products += product;
    }
    storeSums<T>(channel, finite(sum) ? sum + lostSum : sum, finite(products) ? products + lostProducts : products);
  }
}

export function gradSumsOfPart<T>(item: u32): void {
  const from = (item % job.parts) * job.span;
  sums<T>(item / job.parts, from, min(job.span, count() - from));
  const entry = scratchAt() + item * ENTRY;
  store<f64>(entry, dySum, 0);
  store<f64>(entry, productSum, 8);
}

/** Both sums over elements [from, from + n) of a channel. */
function sums<T>(channel: u32, from: u32, n: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const inner = job.inner;
  const stride = job.channels * inner * sizeof<T>();
  const m = v128.splat<T>(meanOf<T>(channel));
  const r = v128.splat<T>(<T>powerOf(inverseOf<T>(channel)));
  const apart = job.x - job.dy;
  let A = zero();
  let P = zero();
  let lostA = zero();
  let lostP = zero();
  let a = zero();
  let q = zero();
  let adds: u32 = 0;
  const row = from / inner;
  let column = from - row * inner;
  let start = job.dy + channel * inner * sizeof<T>() + row * stride;
  while (n > 0) {
    let rest = min(inner - column, n);
    n -= rest;
    let p = start + column * sizeof<T>();
    column = 0;
    start += stride;
    do {
      const quads = min(RUN - adds, rest / (4 * lanes));
      for (const end = p + quads * 64; p < end; p += 64) {
        const x = p + apart;
        const g0 = v128.load(p);
        const g1 = v128.load(p, 16);
        const g2 = v128.load(p, 32);
        const g3 = v128.load(p, 48);
        const d0 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x), m), r), g0);
        const d1 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x, 16), m), r), g1);
        const d2 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x, 32), m), r), g2);
        const d3 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x, 48), m), r), g3);
        a = v128.add<T>(a, v128.add<T>(v128.add<T>(g0, g1), v128.add<T>(g2, g3)));
        q = v128.add<T>(q, v128.add<T>(v128.add<T>(d0, d1), v128.add<T>(d2, d3)));
      }
      adds += quads;
      rest -= quads * 4 * lanes;
      if (rest > 0 && rest < 4 * lanes && adds < RUN) {
        let t = zero();
        let u = zero();
        for (; rest >= lanes; rest -= lanes) {
          const g = v128.load(p);
          t = v128.add<T>(t, g);
          u = v128.add<T>(u, v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(p + apart), m), r), g));
          p += 16;
        }
        if (rest > 0) {
          const g = loadTail<T>(p, rest);
          const d = v128.mul<T>(v128.mul<T>(v128.sub<T>(loadTail<T>(p + apart, rest), m), r), g);
          t = v128.add<T>(t, g);
          u = v128.add<T>(u, v128.and(d, firstLanes<T>(rest)));
          rest = 0;
        }
        a = v128.add<T>(a, t);
        q = v128.add<T>(q, u);
        adds++;
      }
      if (adds === RUN || (n === 0 && rest === 0)) {
        if (sizeof<T>() === 4) {
          A = widen(A, a);
          P = widen(P, q);
        } else {
          const nextA = f64x2.add(A, a);
          const nextP = f64x2.add(P, q);
          lostA = f64x2.add(lostA, lost(A, a, nextA));
          lostP = f64x2.add(lostP, lost(P, q, nextP));
          A = nextA;
          P = nextP;
        }
        a = zero();
        q = zero();
        adds = 0;
      }
    } while (rest > 0);
  }
  dySum = total(A, lostA);
  productSum = total(P, lostP);
}

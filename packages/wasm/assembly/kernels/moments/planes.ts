/** Moments of planes: channels that are done whole, in cache, or parts of large ones. */
import { job, run, scratchAt } from "../../job";
import { RUN } from "../../runs";
import { bytes, count, ENTRY, parts, planChannels } from "../../shape";
import { finite, firstLanes, loadTail, lost, lostOf, total, widen, zero } from "../../vector";
import { guess } from "./guess";
import { squaresAboutMean, storeChannel } from "./store";

/** Results of `deviations` and `settled`: AssemblyScript returns one value. */
let sumOf: f64 = 0;
let squaresOf: f64 = 0;
let shiftOf: f64 = 0;

/** Of all channels. */
export function momentsOfPlanes<T>(): void {
  if (planChannels<T>(1)) run((item: u32) => momentsOfChannels<T>(item), parts(job.channels, job.span), bytes<T>());
  else momentsOfParts<T>();
}

export function momentsOfChannels<T>(item: u32): void {
  const last = min((item + 1) * job.span, job.channels);
  for (let channel = item * job.span; channel < last; channel++) momentsOfChannel<T>(channel);
}

export function momentsOfChannel<T>(channel: u32): void {
  const n = count();
  settled<T>(channel, 0, n);
  const delta = sumOf / n;
  storeChannel<T>(channel, shiftOf, delta, squaresOf - sumOf * delta);
}

/** Parts of a channel on their own, then together. */
function momentsOfParts<T>(): void {
  run((item: u32) => momentsOfPart<T>(item), job.channels * job.parts, bytes<T>());
  for (let channel: u32 = 0; channel < job.channels; channel++) joinParts<T>(channel);
}

export function momentsOfPart<T>(item: u32): void {
  const from = (item % job.parts) * job.span;
  settled<T>(item / job.parts, from, min(job.span, count() - from));
  const entry = scratchAt() + item * ENTRY;
  store<f64>(entry, sumOf, 0);
  store<f64>(entry, squaresOf, 8);
  store<f64>(entry, shiftOf, 16);
}

/** Chan's formula over all parts: shifts differ exactly, so nothing cancels. */
function joinParts<T>(channel: u32): void {
  const m = count();
  const first = scratchAt() + channel * job.parts * ENTRY;
  const pivot = load<f64>(first, 16);
  let sum: f64 = 0;
  let rest: f64 = 0;
  for (let part: u32 = 0; part < job.parts; part++) {
    const entry = first + part * ENTRY;
    const n = f64(min(job.span, m - part * job.span));
    const term = load<f64>(entry) + n * (load<f64>(entry, 16) - pivot);
    const next = sum + term;
    rest += lostOf(sum, term, next);
    sum = next;
  }
  if (finite(rest)) sum += rest;
  const delta = sum / m;
  let squares: f64 = 0;
  rest = 0;
  for (let part: u32 = 0; part < job.parts; part++) {
    const entry = first + part * ENTRY;
    const n = f64(min(job.span, m - part * job.span));
    const term = squaresAboutMean(
      n,
      1 / n,
      load<f64>(entry),
      load<f64>(entry, 8),
      load<f64>(entry, 16) - pivot - delta,
    );
    const next = squares + term;
    rest += lostOf(squares, term, next);
    squares = next;
  }
  storeChannel<T>(channel, pivot, delta, squares + rest);
}

/** Elements [from, from + n) of a channel: sums about a good shift. */
function settled<T>(channel: u32, from: u32, n: u32): void {
  const x = job.x + channel * job.inner * sizeof<T>();
  const stride = job.channels * job.inner * sizeof<T>();
  const shift = guess<T>(x, stride, job.inner, from, n);
  deviations<T>(x, stride, job.inner, from, n, shift);
  shiftOf = f64(shift);
  if (sizeof<T>() === 8 ? finite(sumOf) : sumOf * sumOf * 4 > squaresOf * n) {
    const better = <T>(shiftOf + sumOf / n);
    deviations<T>(x, stride, job.inner, from, n, better);
    shiftOf = f64(better);
  }
}

/** A = sum of x - shift and Q = sum of its square, over elements [from, from + n) of rows of `inner`. */
function deviations<T>(x: usize, stride: usize, inner: u32, from: u32, n: u32, shift: T): void {
  const lanes: u32 = 16 / sizeof<T>();
  const s = v128.splat<T>(shift);
  let A = zero();
  let Q = zero();
  let lostA = zero();
  let lostQ = zero();
  let a = zero();
  let q = zero();
  let adds: u32 = 0;
  const row = from / inner;
  let column = from - row * inner;
  let start = x + row * stride;
  while (n > 0) {
    let rest = min(inner - column, n);
    n -= rest;
    let p = start + column * sizeof<T>();
    column = 0;
    start += stride;
    do {
      const quads = min(RUN - adds, rest / (4 * lanes));
      for (const end = p + quads * 64; p < end; p += 64) {
        const d0 = v128.sub<T>(v128.load(p), s);
        const d1 = v128.sub<T>(v128.load(p, 16), s);
        const d2 = v128.sub<T>(v128.load(p, 32), s);
        const d3 = v128.sub<T>(v128.load(p, 48), s);
        a = v128.add<T>(a, v128.add<T>(v128.add<T>(d0, d1), v128.add<T>(d2, d3)));
        const q01 = v128.add<T>(v128.mul<T>(d0, d0), v128.mul<T>(d1, d1));
        const q23 = v128.add<T>(v128.mul<T>(d2, d2), v128.mul<T>(d3, d3));
        q = v128.add<T>(q, v128.add<T>(q01, q23));
      }
      adds += quads;
      rest -= quads * 4 * lanes;
      if (rest > 0 && rest < 4 * lanes && adds < RUN) {
        let t = zero();
        let u = zero();
        for (; rest >= lanes; rest -= lanes) {
          const d = v128.sub<T>(v128.load(p), s);
          t = v128.add<T>(t, d);
          u = v128.add<T>(u, v128.mul<T>(d, d));
          p += 16;
        }
        if (rest > 0) {
          const d = v128.and(v128.sub<T>(loadTail<T>(p, rest), s), firstLanes<T>(rest));
          t = v128.add<T>(t, d);
          u = v128.add<T>(u, v128.mul<T>(d, d));
          rest = 0;
        }
        a = v128.add<T>(a, t);
        q = v128.add<T>(q, u);
        adds++;
      }
      if (adds === RUN || (n === 0 && rest === 0)) {
        if (sizeof<T>() === 4) {
          A = widen(A, a);
          Q = widen(Q, q);
        } else {
          const nextA = f64x2.add(A, a);
          const nextQ = f64x2.add(Q, q);
          lostA = f64x2.add(lostA, lost(A, a, nextA));
          lostQ = f64x2.add(lostQ, lost(Q, q, nextQ));
          A = nextA;
          Q = nextQ;
        }
        a = zero();
        q = zero();
        adds = 0;
      }
    } while (rest > 0);
  }
  sumOf = total(A, lostA);
  squaresOf = total(Q, lostQ);
}

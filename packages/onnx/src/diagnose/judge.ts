import { evidence, type Fit, factorText, fitOf, median, spread } from "./fit.ts";
import type { Measured } from "./measure.ts";
import { MISTAKES, RIGHT } from "./readings.ts";
import type { StoredNode } from "./suspicion.ts";

/** A mistake that explains the measurement, in a node or, if that is null, in the whole network. */
export interface Finding {
  readonly node: StoredNode | null;
  readonly mistake: string;
  /**
   * The spread of log(measured variance / stored variance): with the numbers as they are, and with the mistake undone.
   */
  readonly before: number;
  readonly after: number;
  readonly channels: number;
  /**
   * Whether the node was found by comparing its ranges with those of the other nodes, rather than by another reading of
   * its own numbers.
   */
  readonly byOthers?: boolean;
}

/*
 * When a mistake is reported. The tests run networks of PaddleOCR and of Caffe on waves that do not look like pictures.
 * Their stored variances are within a factor of 1.4 to 2.3 of the measured ones (11 in one of three nodes), and no
 * mistake fits as well. With a planted mistake undone, they fit as well as before it was planted.
 */
const ENOUGH_CHANNELS = 32;
/**
 * For a mistake of the whole network: it must fit well and this much better than the numbers as they are, or far
 * better.
 */
const WELL = 1;
const BETTER = 1.25;
const FAR_BETTER = 3;
/** For a single node: there must be enough other nodes to compare it with. */
export const ENOUGH_NODES = 5;
const NODE_CHANNELS = 8;

const NODE_BETTER = 2.5;
const NODE_EVIDENCE = 10;
const FAR_OFF = 3;

/** The measured statistics of a network, and how well the stored ones fit them. */
export interface Judgement {
  readonly measured: readonly Measured[];
  readonly fits: readonly Fit[];
  /** The median over all channels: how much smaller the generated input is than the training data. */
  readonly centre: number;
  /** The spread of each node around the centre. */
  readonly spreads: readonly number[];
  /** The median of the spreads. */
  readonly typical: number;
}

export function judgementOf(measured: readonly Measured[]): Judgement {
  const fits = measured.map((one) => fitOf(one, RIGHT));
  const centre = median(fits.flatMap(({ off }) => off));
  const spreads = fits.map(({ off }) => spread(off, centre));
  return { measured, fits, centre, spreads, typical: median(spreads) };
}

/** The misfit over all channels; lower is better. */
export function misfit(fits: readonly Fit[]): { readonly channels: number; readonly spread: number } {
  const off = fits.flatMap((fit) => fit.off);
  return { channels: off.length, spread: spread(off, median(off)) };
}

/** Whether a mistake explains a whole network. */
export function explainsNetwork({ before, after, channels }: Omit<Finding, "node" | "mistake">): boolean {
  return channels >= ENOUGH_CHANNELS && ((after <= WELL && before >= BETTER * after) || before >= FAR_BETTER * after);
}

/** Whether it explains one node of the network. */
export function explainsNode({ before, after, channels }: Omit<Finding, "node" | "mistake">, more = 0): boolean {
  const enough = evidence(before, after, channels) + more >= NODE_EVIDENCE && channels >= NODE_CHANNELS;
  return enough && after <= WELL && before >= NODE_BETTER * after;
}

/** Finds a mistake that was made in every node. */
export function networkFindings({ measured, fits }: Judgement): Finding[] {
  const { channels, spread: before } = misfit(fits);
  if (measured.length < 2) return [];
  return MISTAKES.map(({ mistake, ...reading }) => {
    const after = misfit(measured.map((one) => fitOf(one, { mistake, ...reading }))).spread;
    return { node: null, mistake: mistake ?? "", before, after, channels };
  }).filter(explainsNetwork);
}

/** Whether the other nodes agree well enough to show that one node is off. */
export function isComparable({ measured, typical }: Judgement): boolean {
  return measured.length >= ENOUGH_NODES && typical <= WELL;
}

/** A node that is off, with a possible reason; null if it is not off. */
export function nodeFinding(judgement: Judgement, i: number): Finding | null {
  const { measured, fits, centre, spreads } = judgement;
  const [one, own, before] = [measured[i] as Measured, fits[i] as Fit, spreads[i] as number];
  const channels = own.off.length;
  const [best] = explanations(one, measured)
    .map(({ mistake, fit, needsMean }) => {
      const shifts = needsMean ? evidence(own.shift, fit.shift, channels) : 0;
      const finding = { node: one.node, mistake, before, after: spread(fit.off, centre), channels };
      return { finding, named: shifts >= 0 && explainsNode(finding, shifts) };
    })
    .filter(({ named }) => named)
    .toSorted((a, b) => a.finding.after - b.finding.after);
  return best?.finding ?? null;
}

/** No mistake explains the node, but its ranges do not fit the network. */
export function rangeFinding({ measured, fits, centre, spreads, typical }: Judgement, i: number): Finding | null {
  const [own, before] = [fits[i] as Fit, spreads[i] as number];
  const isFar = Math.abs(median(own.off) - centre) >= FAR_OFF && before >= FAR_OFF && own.off.length >= NODE_CHANNELS;
  if (!isFar) return null;
  const mistake = "as if its statistics are of another layer: shapes fit, ranges do not";
  return {
    node: (measured[i] as Measured).node,
    mistake,
    before,
    after: typical,
    channels: own.off.length,
    byOthers: true,
  };
}

interface Explanation {
  readonly mistake: string;
  readonly fit: Fit;
  /** Whether it also implies another mean, which must then fit better. */
  readonly needsMean: boolean;
}

/** A possible explanation for a node: a mistake, or the statistics of another node. */
function explanations(one: Measured, measured: readonly Measured[]): Explanation[] {
  const { node } = one;
  const read = MISTAKES.map((reading) => {
    return { mistake: reading.mistake ?? "", fit: fitOf(one, reading), needsMean: reading.changesMean };
  });
  const others = measured.filter((other) => other !== one && other.node.layer.channels === node.layer.channels);
  const swapped = others.map((other) => {
    const mistake = `as if its statistics are of another layer: those of ${other.node.label} fit`;
    return { mistake, fit: fitOf(one, RIGHT, other.node), needsMean: true };
  });
  return [...read, ...swapped];
}

/** Describes the evidence in words. */
export function textOf({ node, mistake, before, after, channels, byOthers }: Finding, nodes: number): string {
  const whose = node
    ? `the variances of ${channels} channels`
    : `the variances of ${nodes} nodes, ${channels} channels,`;
  const [near, off] = [factorText(after), factorText(before)];
  return byOthers
    ? `${mistake}. Stored and measured variances differ by ${off} in ${channels} channels, and by ${near} in the other nodes`
    : `${mistake}. Read so, ${whose} are within ${near} of what a run measures, and as they stand within ${off}`;
}

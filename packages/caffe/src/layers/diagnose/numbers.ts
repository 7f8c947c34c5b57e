import { isNormRecord, quotients } from "@bn/onnx";
import { DIALECTS } from "../dialect.ts";
import type { CaffeRecord } from "../record.ts";

/** The smallest normal number of each dtype. */
const NORMAL = { float32: 2 ** -126, float64: 2 ** -1022 } as const;

interface Rule {
  readonly bad: (value: number, least: number) => boolean;
  readonly text: string;
}

const VARIANCE_RULES: readonly Rule[] = [
  { bad: (value) => value < 0, text: "is negative, and the output is NaN where variance + eps is negative" },
  { bad: (value) => value === 0, text: "is 0: the channel was constant, or its statistics were never computed" },
  {
    bad: (value, least) => value > 0 && value < least,
    text: "is subnormal: the channel is always 0, or a decayed sum has faded out; hardware may treat it as 0",
  },
];
const FINITE: Rule = { bad: (value) => !Number.isFinite(value), text: "is not finite" };

/** The numbers of one layer that are probably wrong, each described in words. */
export function numberSuspicions(record: CaffeRecord): string[] {
  const found: string[] = [];
  const say = (name: string, values: ArrayLike<number>, { bad, text }: Rule) => {
    const least = NORMAL[record.dtype];
    const channels = Array.from(values, (value, c) => (bad(value, least) ? c : -1)).filter((c) => c >= 0);
    const [first] = channels;
    if (first === undefined) return;
    const value = (values[first] as number).toPrecision(3);
    found.push(`${name} ${text} (${channels.length} of ${values.length} channels, the first ${first}: ${value})`);
  };
  for (const name of ["gamma", "beta"] as const) {
    const values = record[name];
    if (values) say(name, values, FINITE);
  }
  if (!isNormRecord(record)) return found;
  const { statistics, eps, movingAverageFraction: fraction } = record;
  if (!(fraction >= 0 && fraction <= 1)) {
    found.push(`moving_average_fraction is ${fraction}, expected a number from 0 to 1: the layer cannot be trained`);
  }
  const idle = idleFactor(record);
  if (idle !== null) found.push(idle);
  const untrained = untrainedText(record);
  if (untrained !== null) found.push(untrained);
  if (!(statistics.factor >= 0) || statistics.factor === Number.POSITIVE_INFINITY) {
    found.push(`factor is ${statistics.factor}, expected a finite number, 0 or more`);
  }
  say("mean", statistics.mean, FINITE);
  say("variance", statistics.variance, FINITE);
  // Sums of 0 with factor 0 belong to an untrained layer, which is reported already.
  const variance = untrained === null ? quotients(record).variance : statistics.variance;
  for (const rule of VARIANCE_RULES)
    if (untrained === null || rule.text.includes("negative")) say("variance", variance, rule);
  if (eps === 0 && record.caffe.dialect !== "bn-inverse-std") found.push("eps is 0, so a constant channel gives NaN");
  return found;
}

/** Reports a factor other than 0 and 1 of a dialect that stores averages, which does not divide by it. */
function idleFactor({ caffe: { dialect, places, layers } }: CaffeRecord): string | null {
  const place = places.find(({ role }) => role === "factor");
  const factor = place && layers[place.layer]?.blobs[place.blob]?.data[0];
  if (factor === undefined || DIALECTS[dialect].statistics !== "averages" || factor === 0 || factor === 1) return null;
  return `factor is ${factor}, and dialect ${dialect} does not divide by it; its statistics may be sums`;
}

function untrainedText(record: CaffeRecord): string | null {
  if (!isNormRecord(record) || DIALECTS[record.caffe.dialect].statistics !== "sums") return null;
  const { mean, variance, factor } = record.statistics;
  if (factor !== 0) return null;
  const zero = [mean, variance].every((values) => values.every((value) => value === 0));
  if (zero) return "factor and statistics are 0: the layer is untrained, and gives x / sqrt(eps)";
  return "factor is 0 and the statistics are not: Caffe treats them as zeros, so the layer gives x / sqrt(eps)";
}

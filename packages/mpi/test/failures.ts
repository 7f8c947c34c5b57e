// Usage: node test/failures.ts [TIMES [MODE...]]. Repeats each failure of a rank many times. Exits with 1 if one of
// them did not end as it must.
import { MODES, outcomeOf } from "./failures/modes.ts";
import { whyNoMpirun } from "./mpirun.ts";

const [times = "100", ...chosen] = process.argv.slice(2);
const modes = chosen.length > 0 ? chosen : Object.keys(MODES);
const missing = whyNoMpirun();
if (missing !== null) throw new Error(missing);
for (const mode of modes) {
  let good = 0;
  let longest = 0;
  for (let i = 0; i < Number(times); i++) {
    const { complaints, waited } = await outcomeOf(mode);
    longest = Math.max(longest, waited);
    if (complaints.length === 0) good++;
    for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  }
  process.stdout.write(`${mode}: ${good} of ${times}, the longest wait ${(longest / 1000).toFixed(2)} s\n`);
  if (good < Number(times)) process.exitCode = 1;
}

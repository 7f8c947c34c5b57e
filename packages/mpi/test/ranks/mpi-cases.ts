import type { MpiCommunicator } from "../../src/index.ts";
import { createMpi } from "../../src/index.ts";
import { errorOf, expectEqual, type RankCase } from "./case.ts";

/** Cases for the features of @bn/mpi beyond those of a communicator. */
export function mpiCases(mpi: MpiCommunicator): readonly RankCase[] {
  return [
    {
      name: "split: a communicator per group, in rank order, which do not disturb each other",
      async run({ rank, size, allGather }) {
        const group = mpi.split(rank % 2);
        const members = Array.from({ length: size }, (_, of) => of).filter((of) => of % 2 === rank % 2);
        expectEqual([group.rank, group.size], [members.indexOf(rank), members.length]);
        // Each group makes a different number of calls, under its own tags.
        for (let i = 0; i <= 3 * (rank % 2); i++) {
          expectEqual([...group.allGather(`group ${rank % 2}, ${i}`, new Float64Array([rank]))], members);
        }
        const inner = group.split(0);
        expectEqual(inner.size, members.length);
        await inner.dispose();
        await group.dispose();
        await group.dispose(); // a second call does nothing
        expectEqual(errorOf(() => group.allGather("late", new Float64Array(1))).code, "ERR_BN_DISPOSED");
        expectEqual(allGather("world", new Float64Array([rank])).length, size);
      },
    },
    {
      name: "split: refuses what is not a group before it waits for anybody",
      run() {
        for (const group of [-1, 0.5, 2 ** 31, Number.NaN])
          expectEqual(errorOf(() => mpi.split(group)).code, "ERR_BN_PARAM");
      },
    },
    {
      name: "createMpi: a second time in a process is refused",
      async run() {
        const code = await createMpi().catch((error: { readonly code: string }) => error.code);
        expectEqual(code, "ERR_BN_STATE");
        expectEqual(mpi.dead, false);
      },
    },
  ];
}

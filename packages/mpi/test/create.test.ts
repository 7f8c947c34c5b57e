import { createMpi } from "@bn/mpi";
import { afterEach, expect, it, vi } from "vitest";

afterEach(() => vi.unstubAllEnvs());

const codeOf = (options?: object) => createMpi(options).catch(({ code, message }) => `${code} ${message}`);

it("says that the process was not started by mpirun", async () => {
  for (const name of ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK"]) vi.stubEnv(name, undefined);
  expect(await codeOf()).toBe(
    "ERR_BN_UNAVAILABLE createMpi: this process was not started by mpirun; start it with mpirun: mpirun -n 4 node main.js",
  );
});

it("says that there is no OpenMPI, or that a library is none, and can be called again", async () => {
  vi.stubEnv("OMPI_COMM_WORLD_SIZE", "1");
  for (const library of ["libmpi-that-is-not-there.so.40", "libm.so.6"]) {
    expect(await codeOf({ library })).toMatch(`ERR_BN_UNAVAILABLE createMpi: ${library} cannot be loaded as OpenMPI`);
  }
});

it.each([
  { timeout: 0 },
  { timeout: -1 },
  { timeout: Number.POSITIVE_INFINITY },
  { timeout: "1" },
  { library: "" },
  { sharedMemory: "no" },
  { limit: 3 },
])("refuses the options %j", async (options) => {
  expect(await codeOf(options)).toMatch(/^ERR_BN_PARAM createMpi: /);
});

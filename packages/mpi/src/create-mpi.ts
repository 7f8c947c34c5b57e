import { BnError, type Communicator, type OptionRules, readOptions } from "@bn/core";
import { createCommunicator } from "@bn/core/communicator";
import { errorText, type Library, loadLibrary, unavailable } from "./library.ts";
import { bytesFor, createSharedExchange, prepare } from "./shared-exchange.ts";
import { type SharedMemory, shareMemory } from "./shared-memory.ts";
import { createTransport, type MpiTransport } from "./transport.ts";

/**
 * The ranks of an mpirun job, or a group of them. Every method except `abort` is collective: all ranks must call it.
 */
export interface MpiCommunicator extends Communicator, AsyncDisposable {
  /** Whether a rank did not arrive in time, or MPI has failed. Every further call then throws `ERR_BN_SYNC`. */
  readonly dead: boolean;
  /**
   * Returns one communicator per group of ranks. Ranks that pass the same number, from 0 on, form a group and keep
   * their order. Errors: `ERR_BN_PARAM`, `ERR_BN_SYNC`.
   */
  split(group: number): MpiCommunicator;
  /** Ends the processes of all ranks; mpirun then exits with `code`, by default 1. */
  abort(code?: number): never;
  /**
   * Waits for the other ranks, then frees the group. For the communicator of `createMpi` it finalises MPI; without this
   * mpirun reports the run as failed. A second call does nothing. If a rank is missing, MPI cannot be finalised and is
   * left as it is. Errors: `ERR_BN_SYNC` if another rank is still in another call.
   */
  dispose(): Promise<void>;
}

export interface MpiOptions {
  /** How long a call waits for the other ranks, in milliseconds. Default 60000. */
  timeout?: number;
  /** The name or path of OpenMPI's library. Default "libmpi.so.40", the library of OpenMPI 4. */
  library?: string;
  /**
   * Whether ranks exchange values through shared memory if all of them are on one machine. It is faster than MPI's
   * messages. Pass the same value on every rank. Default true.
   */
  sharedMemory?: boolean;
}

const RULES: OptionRules = {
  timeout: {
    expected: "milliseconds, a number above 0 and below 2^31",
    test: (value) => typeof value === "number" && value > 0 && value < 2 ** 31,
  },
  library: { expected: "a name or a path", test: (value) => typeof value === "string" && value !== "" },
  sharedMemory: { expected: "true or false", test: (value) => typeof value === "boolean" },
};

/**
 * MPI's thread levels, from MPI_THREAD_SINGLE on. With FUNNELED all calls must come from the thread that started MPI.
 */
const FUNNELED = 1;
const MULTIPLE = 3;

/** Whether this package has started MPI, which is possible once per process. */
let started = false;
/** All transports that were created. MPI cannot be finalised if one of them is dead. */
const transports: MpiTransport[] = [];

/**
 * Creates the communicator of all processes of a run, e.g. `mpirun -n 4 node main.js`. Pass it to layers:
 * `createBatchNorm({ communicator })`.
 *
 * Ranks on one machine exchange values through shared memory. Otherwise each exchange is a non-blocking all-gather of
 * MPI, which is polled. Both block the thread until all ranks have arrived, or `timeout` has passed. If ranks must continue after another rank has ended, e.g. to save their state,
 * mpirun needs `--enable-recovery`; without it mpirun ends all ranks.
 *
 * Errors  `ERR_BN_UNAVAILABLE`: the process was not started by mpirun, there is no OpenMPI, or it cannot be called from
 *         this thread; `ERR_BN_STATE`: it was called before in this process: use `split` for further communicators;
 *         `ERR_BN_PARAM`.
 * Source  MPI 3.1: 5.12.5 MPI_Iallgather, 8.3 error handling, 11.2.3 MPI_Win_allocate_shared, 12.4 threads;
 *         OpenMPI 4.1.
 *
 * @example
 * ```ts
 * import { createMpi } from "@bn/mpi";
 * try {
 *   const mpi = await createMpi({ timeout: 10_000 });
 *   process.stdout.write(`rank ${mpi.rank} of ${mpi.size}\n`);
 *   await mpi.dispose();
 * } catch (error) {
 *   console.log((error as { code?: string }).code); // ERR_BN_UNAVAILABLE
 * }
 * ```
 */
export async function createMpi(options: MpiOptions = {}): Promise<MpiCommunicator> {
  const { timeout = 60_000, library = "libmpi.so.40", sharedMemory = true } = readOptions("createMpi", options, RULES);
  if (started) {
    throw new BnError(
      "ERR_BN_STATE",
      "createMpi: MPI has already been started in this process, which is possible only once; use that communicator, or its split()",
    );
  }
  if (!underMpirun()) {
    throw unavailable("this process was not started by mpirun; start it with mpirun: mpirun -n 4 node main.js");
  }
  started = true;
  try {
    const mpi = await loadLibrary(library);
    start(mpi);
    mpi.setErrorHandler(mpi.world, mpi.errorsReturn);
    return communicatorOf(mpi, mpi.world, timeout, sharedMemory && onOneMachine());
  } catch (error) {
    started = false;
    throw error;
  }
}

function underMpirun(): boolean {
  const { env } = globalThis.process ?? { env: {} };
  return env.OMPI_COMM_WORLD_SIZE !== undefined || env.PMIX_RANK !== undefined;
}

/** Whether all ranks of the run, and therefore of every group, are on this machine. */
function onOneMachine(): boolean {
  const { env } = globalThis.process;
  return env.OMPI_COMM_WORLD_SIZE !== undefined && env.OMPI_COMM_WORLD_LOCAL_SIZE === env.OMPI_COMM_WORLD_SIZE;
}

/** Starts MPI unless another library of this process has started it, and checks that this thread may call it. */
function start(mpi: Library): void {
  const word = new Int32Array(1);
  const asked = (ask: (out: Int32Array) => number): number => (ask(word) === 0 ? Number(word[0]) : 0);
  if (asked(mpi.finalized) !== 0) throw unavailable("MPI was finalised in this process; it cannot be started again");
  if (asked(mpi.initialized) === 0) {
    const code = mpi.initThread(null, null, FUNNELED, word);
    if (code !== 0) throw unavailable(`MPI failed to start: ${errorText(mpi, code)}`);
    if (Number(word[0]) < FUNNELED) {
      mpi.finalize();
      throw unavailable("this MPI was built without support for threads, which Node needs; install one that has it");
    }
  } else if (asked(mpi.isThreadMain) === 0 && asked(mpi.queryThread) < MULTIPLE) {
    throw unavailable("MPI was started by another thread of this process; call createMpi() there");
  }
}

/** Returns memory that all ranks of `comm` share, or null if one of them cannot get it. Collective. */
function memoryOf(mpi: Library, comm: bigint, transport: MpiTransport): SharedMemory | null {
  const { rank, size } = transport;
  if (size === 1) return { memory: new ArrayBuffer(bytesFor(1)), free() {} };
  const shared = shareMemory(mpi, comm, rank, bytesFor(size));
  if (shared !== null) prepare(shared.memory, rank);
  const all = new Float64Array(size);
  transport.exchange(Float64Array.of(shared === null ? 0 : 1), all);
  return all.every((one) => one === 1) ? shared : null;
}

/** `shares` tells whether the ranks exchange values through shared memory. */
function communicatorOf(mpi: Library, comm: bigint, timeout: number, shares: boolean): MpiCommunicator {
  const messages = createTransport(mpi, comm, timeout);
  const { rank, size } = messages;
  const shared = shares ? memoryOf(mpi, comm, messages) : null;
  const transport = shared === null ? messages : createSharedExchange(shared.memory, rank, size, timeout);
  transports.push(transport);
  const { allGather } = createCommunicator(transport);
  const isWorld = comm === mpi.world;
  let disposed = false;

  function gather(method: string, values: readonly number[]): Float64Array {
    alive(method);
    return allGather(`${isWorld ? "the communicator's" : "the group's"} ${method}()`, Float64Array.from(values));
  }
  function alive(method: string): void {
    if (!disposed) return;
    throw new BnError(
      "ERR_BN_DISPOSED",
      `Communicator ${method}: the communicator was disposed; dispose it after its last use`,
    );
  }

  return {
    rank,
    size,
    get dead() {
      return transport.dead;
    },
    allGather(tag, values, all) {
      alive("allGather");
      return allGather(tag, values, all);
    },
    split(group) {
      if (!Number.isInteger(group) || group < 0 || group >= 2 ** 31) {
        throw new BnError(
          "ERR_BN_PARAM",
          `Communicator split: group is ${String(group)}, expected a whole number >= 0`,
        );
      }
      gather("split", []); // MPI_Comm_split has no time limit, so this first checks that all ranks have arrived
      const made = new BigInt64Array(1);
      const code = mpi.commSplit(comm, group, rank, made);
      if (code !== 0) throw new BnError("ERR_BN_SYNC", `Communicator split: MPI reports: ${errorText(mpi, code)}`);
      mpi.setErrorHandler(made[0] as bigint, mpi.errorsReturn);
      return communicatorOf(mpi, made[0] as bigint, timeout, shares);
    },
    abort(code = 1) {
      mpi.abort(comm, code);
      return process.exit(code); // MPI_Abort does not return
    },
    async dispose() {
      if (disposed) return;
      const lost = transports.some(({ dead }) => dead);
      // Tells the other ranks that can still be reached, so that none of them waits in MPI_Finalize.
      const lostAnywhere = transport.dead || gather("dispose", [lost ? 1 : 0]).some((value) => value !== 0);
      disposed = true;
      if (lostAnywhere) return;
      shared?.free();
      if (isWorld) mpi.finalize();
      else mpi.commFree(BigInt64Array.of(comm));
    },
    async [Symbol.asyncDispose]() {
      await this.dispose();
    },
  };
}

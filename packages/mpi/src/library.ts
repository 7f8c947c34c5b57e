import { BnError } from "@bn/core";

/** A handle of MPI, which is an address. */
export type Handle = bigint;
/** Memory that MPI writes to, as a typed array. */
type Out = Int32Array | BigInt64Array | Uint8Array;

/**
 * The functions of MPI that are used, in OpenMPI's binary interface: handles are addresses. All of them return MPI's
 * error code.
 */
export interface Mpi {
  initialized(flag: Out): number;
  finalized(flag: Out): number;
  initThread(argc: null, argv: null, required: number, provided: Out): number;
  queryThread(provided: Out): number;
  isThreadMain(flag: Out): number;
  commRank(comm: Handle, rank: Out): number;
  commSize(comm: Handle, size: Out): number;
  commSplit(comm: Handle, color: number, key: number, made: Out): number;
  commFree(comm: Out): number;
  setErrorHandler(comm: Handle, handler: Handle): number;
  iallgather(
    send: Float64Array,
    sendCount: number,
    sendType: Handle,
    receive: Float64Array,
    receiveCount: number,
    receiveType: Handle,
    comm: Handle,
    request: Out,
  ): number;
  test(request: Out, flag: Out, status: null): number;
  winAllocateShared(size: number, unit: number, info: Handle, comm: Handle, base: Out, window: Out): number;
  winSharedQuery(window: Handle, rank: number, size: Out, unit: Out, base: Out): number;
  winSetErrorHandler(window: Handle, handler: Handle): number;
  winFree(window: Out): number;
  errorString(code: number, text: Out, length: Out): number;
  finalize(): number;
  abort(comm: Handle, code: number): number;
}

/** The functions of MPI and the handles of its library. */
export interface Library extends Mpi {
  readonly world: Handle;
  readonly double: Handle;
  readonly errorsReturn: Handle;
  readonly infoNull: Handle;
  /** Memory at an address, as it is. */
  view(address: Handle, bytes: number): ArrayBuffer;
}

/** Loads OpenMPI's library. Errors: `ERR_BN_UNAVAILABLE`. */
export async function loadLibrary(path: string): Promise<Library> {
  const koffi = await import("koffi").catch((cause: unknown) => {
    throw unavailable(
      "koffi, the package that calls C libraries from Node, does not load; install @bn/mpi with its dependencies",
      cause,
    );
  });
  try {
    // The library is loaded globally because OpenMPI's plug-ins look up its symbols.
    const c = koffi.load(path, { global: true });
    return {
      initialized: c.func("int MPI_Initialized(void *flag)"),
      finalized: c.func("int MPI_Finalized(void *flag)"),
      initThread: c.func("int MPI_Init_thread(void *argc, void *argv, int required, void *provided)"),
      queryThread: c.func("int MPI_Query_thread(void *provided)"),
      isThreadMain: c.func("int MPI_Is_thread_main(void *flag)"),
      commRank: c.func("int MPI_Comm_rank(void *comm, void *rank)"),
      commSize: c.func("int MPI_Comm_size(void *comm, void *size)"),
      commSplit: c.func("int MPI_Comm_split(void *comm, int color, int key, void *made)"),
      commFree: c.func("int MPI_Comm_free(void *comm)"),
      setErrorHandler: c.func("int MPI_Comm_set_errhandler(void *comm, void *handler)"),
      iallgather: c.func(
        "int MPI_Iallgather(void *send, int sendCount, void *sendType, void *receive, int receiveCount, void *receiveType, void *comm, void *request)",
      ),
      test: c.func("int MPI_Test(void *request, void *flag, void *status)"),
      winAllocateShared: c.func(
        "int MPI_Win_allocate_shared(intptr_t size, int unit, void *info, void *comm, void *base, void *window)",
      ),
      winSharedQuery: c.func("int MPI_Win_shared_query(void *window, int rank, void *size, void *unit, void *base)"),
      winSetErrorHandler: c.func("int MPI_Win_set_errhandler(void *window, void *handler)"),
      winFree: c.func("int MPI_Win_free(void *window)"),
      errorString: c.func("int MPI_Error_string(int code, void *text, void *length)"),
      finalize: c.func("int MPI_Finalize()"),
      abort: c.func("int MPI_Abort(void *comm, int code)"),
      world: c.symbol("ompi_mpi_comm_world"),
      double: c.symbol("ompi_mpi_double"),
      errorsReturn: c.symbol("ompi_mpi_errors_return"),
      infoNull: c.symbol("ompi_mpi_info_null"),
      view: koffi.view,
    };
  } catch (cause) {
    throw unavailable(
      `${path} cannot be loaded as OpenMPI; install OpenMPI 4 (Debian: libopenmpi3, openmpi-bin), or name its library: createMpi({ library })`,
      cause,
    );
  }
}

export function unavailable(what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_UNAVAILABLE", `createMpi: ${what}`, cause === undefined ? undefined : { cause });
}

/** MPI's text for an error code. */
export function errorText(mpi: Mpi, code: number): string {
  const text = new Uint8Array(512);
  const length = new Int32Array(1);
  if (mpi.errorString(code, text, length) !== 0) return `MPI error ${code}`;
  return new TextDecoder().decode(text.subarray(0, length[0]));
}

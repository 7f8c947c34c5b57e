export { createMpi, type MpiCommunicator, type MpiOptions } from "./create-mpi.ts";

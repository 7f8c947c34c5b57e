export { type CpuBuffer, createCpu } from "./backend.ts";

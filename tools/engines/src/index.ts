export { ENGINES, type Engine, type EngineName, missing } from "./engines.ts";
export { type EngineRun, runInEngine } from "./run.ts";

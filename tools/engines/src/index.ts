export type { Driven, DriveOptions } from "./drive/driven.ts";
export { type Person, personAt } from "./drive/person.ts";
export { ENGINES, type Engine, type EngineName, missing } from "./engines.ts";
export { type EngineRun, runInEngine } from "./run.ts";

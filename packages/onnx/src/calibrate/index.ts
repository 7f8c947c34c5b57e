export { type CalibrateOptions, calibrateModel, calibrationOf } from "./calibrate.ts";
export {
  type Calibrated,
  type Calibration,
  createCalibration,
  type Shard,
  type WriteStatistics,
} from "./calibration.ts";
export { type CalibrationData, type DataPort, dataOf } from "./data/data.ts";
export { openData } from "./data/open.ts";
export { streamData } from "./data/stream.ts";
export type { CalibrationProgress, GatherOptions } from "./gather.ts";
export type { StoredStatistics } from "./instrument.ts";
export type { NamedPart } from "./merge.ts";
export type { ChosenNode } from "./nodes.ts";
export { type CalibrationMode, type CalibrationPart, decodePart, encodePart, type RunRecord } from "./part.ts";
export { inputPorts } from "./ports.ts";
export type { CalibrationRow, Spread } from "./report.ts";
export { type Subject, type SubjectOptions, sha256, subjectOf } from "./subject.ts";

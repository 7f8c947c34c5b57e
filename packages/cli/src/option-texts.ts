// Descriptions of options that several commands have.

export const JSON_FILE = "write the report as JSON; - is standard output, and the table goes to standard error";
export const FORCE = "replace files that already exist";

export const NET = "the network of a .caffemodel, a .prototxt (default: the one that is stored with the weights)";
export const DIALECT =
  "the fork of Caffe that wrote the blobs, if it cannot be told from the file: see docs/caffe-files.md";

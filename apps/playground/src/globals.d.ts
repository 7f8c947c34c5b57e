/** Versions of the packages that are built in, by name. */
declare const VERSIONS: Readonly<Record<string, string>>;

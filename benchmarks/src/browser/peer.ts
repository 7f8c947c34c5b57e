/** A module of the page's server; a variable, so that the bundler does not look for it. */
export async function importServed<T>(specifier: string): Promise<T> {
  return (await import(specifier)) as T;
}

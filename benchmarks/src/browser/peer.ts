/** Imports a module of the page's server. The specifier is a variable, so that the bundler does not resolve it. */
export async function importServed<T>(specifier: string): Promise<T> {
  return (await import(specifier)) as T;
}

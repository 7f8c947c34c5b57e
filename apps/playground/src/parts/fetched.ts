/** A file of this site. `base` is the page's address, which a worker has to be told. */
export async function fetched(path: string, base = document.baseURI): Promise<Response> {
  const response = await fetch(new URL(path, base));
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${path}`);
  return response;
}

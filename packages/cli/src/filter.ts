/** Whether an id contains `filter` or, if that contains `*` or `?`, matches it as a glob from beginning to end. */
export function matcher(filter: string): (id: string) => boolean {
  if (!/[*?]/.test(filter)) return (id) => id.includes(filter);
  const source = filter
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const pattern = new RegExp(`^${source}$`, "s");
  return (id) => pattern.test(id);
}

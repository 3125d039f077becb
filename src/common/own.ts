/** The entry of a record whose keys are a caller's words: `constructor` and `__proto__` are names like any other. */
export function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Where two JSON values differ, member by member. */
export type Difference = Readonly<{
  /** `phase.name`, `stages[0].status` */
  path: string;
  /** Absent: it is not there. */
  was?: unknown;
  is?: unknown;
}>;

const MOST = 20;

/** The first twenty, in the order of members. A member that is `undefined` is one that is not there. */
export function differencesOf(was: unknown, is: unknown): readonly Difference[] {
  const found: Difference[] = [];
  collect(was, is, '', found);
  return found;
}

function collect(was: unknown, is: unknown, path: string, found: Difference[]): void {
  if (found.length >= MOST || Object.is(was, is)) return;
  if (isObject(was) && isObject(is) && Array.isArray(was) === Array.isArray(is)) {
    for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
      const inner = Array.isArray(was) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
      collect(was[name], is[name], inner, found);
    }
    return;
  }
  found.push({ path, ...(was !== undefined && { was }), ...(is !== undefined && { is }) });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The condition keys that policies ask for: in their conditions, and as variables. */
import type { PolicyStatement } from '../../core/policy/index.ts';

/** As the policies spell them, each once without regard to case, in order of first mention. */
export function contextKeysOf(statements: readonly PolicyStatement[], variables: boolean): readonly string[] {
  const keys = new Map<string, string>();
  const add = (key: string): void => {
    if (!keys.has(key.toLowerCase())) keys.set(key.toLowerCase(), key);
  };
  for (const statement of statements) {
    const conditions = Object.values((statement['Condition'] ?? {}) as Record<string, Record<string, unknown>>);
    for (const condition of conditions) for (const key of Object.keys(condition)) add(key);
    if (!variables) continue;
    for (const text of [statement['Resource'], statement['NotResource'], ...conditions.flatMap(Object.values)].flat()) {
      for (const key of variablesOf(text)) add(key);
    }
  }
  return [...keys.values()];
}

/** `${aws:username}` and `${aws:PrincipalTag/team, 'none'}`; not the literals `${*}`, `${?}`, `${$}`. */
function variablesOf(text: unknown): readonly string[] {
  if (typeof text !== 'string') return [];
  return [...text.matchAll(/\$\{([^},]+)(?:,[^}]*)?\}/g)]
    .map(([, key = '']) => key.trim())
    .filter((key) => key.includes(':'));
}

/**
 * Variable references, `#{namespace.key}`, in configuration values: where they are, and what they become just before an
 * action starts. Source: CodePipeline User Guide, "Variables reference".
 */
export type Reference = Readonly<{ text: string; namespace: string; key: string }>;

/** Namespace to key to value. */
export type Variables = Readonly<Record<string, Readonly<Record<string, string>>>>;

const REFERENCE = /#\{([^{}]*)\}/g;

/** In order of appearance. A text without a point in it has the whole as its namespace and an empty key. */
export function referencesIn(value: string): Reference[] {
  return [...value.matchAll(REFERENCE)].map(([text, inside = '']) => {
    const point = inside.indexOf('.');
    return point < 0
      ? { text, namespace: inside, key: '' }
      : { text, namespace: inside.slice(0, point), key: inside.slice(point + 1) };
  });
}

export type Resolved =
  | Readonly<{ configuration: Readonly<Record<string, string>> }>
  /** References that nothing answers to. */
  | Readonly<{ unresolved: readonly Readonly<{ key: string; reference: string }>[] }>;

export function resolveConfiguration(configuration: Readonly<Record<string, string>>, variables: Variables): Resolved {
  const unresolved: { key: string; reference: string }[] = [];
  const resolved: Record<string, string> = {};
  for (const [key, value] of Object.entries(configuration)) {
    resolved[key] = value.replace(REFERENCE, (text, inside: string) => {
      const [reference] = referencesIn(text);
      const found = reference && own(own(variables, reference.namespace) ?? {}, reference.key);
      if (found === undefined) unresolved.push({ key, reference: `#{${inside}}` });
      return found ?? text;
    });
  }
  return unresolved.length > 0 ? { unresolved } : { configuration: resolved };
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * Small paths into an operation's input, by which `models/authorization/context.json` says where a condition key's value is:
 *
 *   Name                      the member
 *   source.location           a member of a member
 *   Layers[]                  every element of a list: several values
 *   sources[].type            a member of every element
 *   sources[id].type          the same, one key for each element: `${...}` in the key is replaced by the element's `id`
 *   vpcConfig?                "true" when it is there
 *   refs/heads/{branchName}   text around one value
 */

/** The condition keys that `input` gives by `key` and `path`; none where the input has not what the path names. */
export function keysByPath(key: string, path: string, input: unknown): readonly (readonly [string, string[]])[] {
  const template = /^([^{]*)\{([^}]+)\}(.*)$/.exec(path);
  if (template !== null) {
    const [, before = '', inner = '', after = ''] = template;
    return keysByPath(key, inner, input).map(([name, values]) => [
      name,
      values.map((value) => `${before}${value}${after}`),
    ]);
  }
  if (path.endsWith('?')) return at(input, path.slice(0, -1).split('.')).length > 0 ? [[key, ['true']]] : [];
  const keyed = /^(.*)\[(\w+)\]\.(.+)$/.exec(path);
  if (keyed !== null) {
    const [, list = '', id = '', rest = ''] = keyed;
    return at(input, [...list.split('.'), '[]']).flatMap((element) => {
      const name = at(element, [id])[0];
      const values = texts(at(element, rest.split('.')));
      return typeof name === 'string' && values.length > 0 ? [[key.replace(/\$\{\w+\}/, () => name), values]] : [];
    });
  }
  const values = texts(at(input, path.replaceAll('[]', '.[]').split('.')));
  return values.length === 0 ? [] : [[key, values]];
}

function at(value: unknown, steps: readonly string[]): readonly unknown[] {
  let values: readonly unknown[] = [value];
  for (const step of steps) {
    values = values.flatMap((each): readonly unknown[] => {
      if (step === '[]') return Array.isArray(each) ? each : [];
      if (typeof each !== 'object' || each === null || !Object.hasOwn(each, step)) return [];
      return [(each as Record<string, unknown>)[step]];
    });
  }
  return values.filter((each) => each !== undefined && each !== null);
}

function texts(values: readonly unknown[]): string[] {
  return values.flatMap((value) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [],
  );
}

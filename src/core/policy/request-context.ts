/** The condition keys of a request, found by name without regard to case. */
import type { RequestContext } from '../../common/index.ts';

export class ContextView {
  readonly #raw: RequestContext;
  #values: Map<string, readonly string[]> | undefined;

  constructor(raw: RequestContext) {
    this.#raw = raw;
  }

  /** Undefined when the request has no such key. `folded` is the key in lower case, `written` as the policy spells it. */
  get(folded: string, written: string = folded): readonly string[] | undefined {
    // Policies nearly always spell a key as the request does: the index is made only where one does not.
    const value = Object.hasOwn(this.#raw, written) ? this.#raw[written] : undefined;
    if (value !== undefined) return typeof value === 'string' ? [value] : value;
    this.#values ??= index(this.#raw);
    return this.#values.get(folded);
  }

  /** The value of a policy variable: a key with exactly one value. */
  single(key: string): string | undefined {
    const values = this.get(key);
    return values?.length === 1 ? values[0] : undefined;
  }
}

function index(raw: RequestContext): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const key of Object.keys(raw)) {
    const value = raw[key];
    if (value !== undefined) values.set(key.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  return values;
}

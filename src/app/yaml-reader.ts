/** Reads a small YAML file by a fixed schema. What is wrong is told with its line and key, so that nobody has to guess. */
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { parseDurationMs } from '../common/index.ts';

/** `where` is `line 3, remotes[0].account`. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  constructor(where: string, message: string) {
    super(`${where}: ${message}`);
  }
}

export class YamlReader {
  readonly root: Node | undefined;
  readonly #lines = new LineCounter();

  /** Throws `SettingError` for text that is no YAML. */
  constructor(text: string) {
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const [fault] = document.errors;
    if (fault !== undefined) throw new SettingError(`line ${this.#lines.linePos(fault.pos[0]).line}`, fault.message);
    this.root = (document.contents as Node | null) ?? undefined;
  }

  /** A map with no other keys than the known ones. */
  map(node: Node, key: string, known: readonly string[]): YAMLMap {
    if (!isMap(node)) throw this.error(node, key, `expected a map of ${known.join(', ')}`);
    for (const pair of node.items as Pair<Node>[]) {
      const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
      if (!known.includes(name)) throw this.error(pair.key, join(key, name), `unknown; known are ${known.join(', ')}`);
    }
    return node;
  }

  /** The keys of a map, whatever they are. */
  names(node: Node, key: string): readonly string[] {
    if (!isMap(node)) throw this.error(node, key, 'expected a map');
    return (node.items as Pair<Node>[]).map((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key));
  }

  part(map: YAMLMap, name: string): Node | undefined {
    return map.get(name, true) as Node | undefined;
  }

  items(map: YAMLMap, key: string, name: string): readonly Node[] | undefined {
    const node = this.part(map, name);
    if (node === undefined) return undefined;
    if (!isSeq(node)) throw this.error(node, join(key, name), 'expected a list');
    return node.items as Node[];
  }

  text(map: YAMLMap, key: string, name: string): string | undefined {
    const node = this.part(map, name);
    if (node === undefined) return undefined;
    if (!isScalar(node) || typeof node.value !== 'string') throw this.error(node, join(key, name), 'expected a text');
    return node.value;
  }

  matching(map: YAMLMap, key: string, name: string, pattern: RegExp, wanted: string): string {
    const text = this.text(map, key, name);
    if (text === undefined) throw this.error(map, join(key, name), 'missing');
    if (!pattern.test(text)) throw this.error(this.part(map, name), join(key, name), `expected ${wanted}`);
    return text;
  }

  texts(map: YAMLMap, key: string, name: string, pattern: RegExp, wanted: string): readonly string[] | undefined {
    return this.items(map, key, name)?.map((item, index) => {
      const value = isScalar(item) ? item.value : undefined;
      if (typeof value !== 'string' || !pattern.test(value))
        throw this.error(item, `${join(key, name)}[${index}]`, `expected ${wanted}`);
      return value;
    });
  }

  /** Zero or more. */
  number(map: YAMLMap, key: string, name: string): number | undefined {
    const node = this.part(map, name);
    if (node === undefined) return undefined;
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw this.error(node, join(key, name), 'expected a number of 0 or more');
    return value;
  }

  /** `5 %` as 0.05. */
  percent(map: YAMLMap, key: string, name: string): number | undefined {
    const node = this.part(map, name);
    if (node === undefined) return undefined;
    const found = /^(\d+(?:\.\d+)?) ?%$/.exec(String(isScalar(node) ? node.value : ''))?.[1];
    if (found === undefined || Number(found) > 100)
      throw this.error(node, join(key, name), 'expected a percentage such as 5 %');
    return Number(found) / 100;
  }

  /** ISO 8601, or seconds. In milliseconds. */
  duration(map: YAMLMap, key: string, name: string): number | undefined {
    const node = this.part(map, name);
    if (node === undefined) return undefined;
    const ms = this.durationOf(node);
    if (ms === undefined) throw this.error(node, join(key, name), 'expected seconds or a duration such as PT3M');
    return ms;
  }

  /** The same of a node itself; undefined: it is none. */
  durationOf(node: Node): number | undefined {
    return parseDurationMs(String(isScalar(node) ? node.value : ''));
  }

  error(node: unknown, key: string, message: string): SettingError {
    const at = (node as { range?: readonly [number, number, number] } | undefined)?.range?.[0] ?? 0;
    return new SettingError(`line ${this.#lines.linePos(at).line}, ${key}`, message);
  }
}

function join(key: string, name: string): string {
  return key === '' ? name : `${key}.${name}`;
}

/**
 * A file of the user's, JSON or YAML, as values that know where they stand: what is wrong with one is told with its file, its
 * line and its key. The short forms of CloudFormation's functions (`!Ref x`) are written out.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { Json } from '../../common/index.ts';
import { SettingError } from '../yaml-reader.ts';

export type Path = readonly (string | number)[];

export class SourceFile {
  /** As it was named, for messages. */
  readonly name: string;
  readonly json: Json;
  readonly #root: Node | null;
  readonly #lines = new LineCounter();

  /** Throws `SettingError` for text that is neither JSON nor YAML. */
  constructor(name: string, text: string) {
    this.name = name;
    const options = {
      lineCounter: this.#lines,
      prettyErrors: false,
      version: '1.1',
      schema: 'core',
      merge: false,
    } as const;
    const document = parseDocument(text, options);
    const problems = [...document.errors, ...document.warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')];
    const [problem] = problems;
    if (problem !== undefined)
      throw new SettingError(`${name}, line ${this.#lines.linePos(problem.pos[0]).line}`, problem.message);
    this.#root = document.contents as Node | null;
    this.json = written(this.#root);
  }

  get root(): Part {
    return new Part(this, [], this.json);
  }

  /** Of the innermost part of the path that is written in the file. */
  lineOf(path: Path): number {
    return this.#lines.linePos(this.#find(path).at).line;
  }

  error(path: Path, message: string): SettingError {
    const { at, key } = this.#find(path);
    return new SettingError(
      `${this.name}, line ${this.#lines.linePos(at).line}${key === '' ? '' : `, ${key}`}`,
      message,
    );
  }

  /** Where it begins, and how it is written: a member of a template may be asked for by AWS's name in the API. */
  #find(path: Path): Readonly<{ at: number; key: string }> {
    let node: Node | null | undefined = this.#root;
    let at = node?.range?.[0] ?? 0;
    let key = '';
    for (const step of path) {
      let name = step;
      if (isMap(node)) {
        const pair = pairOf(node.items as Pair<Node, Node | null>[], String(step));
        if (pair !== undefined) name = nameOf(pair);
        at = pair?.key.range?.[0] ?? at;
        node = pair?.value;
      } else if (isSeq(node)) {
        node = (node.items as Node[])[Number(step)];
        at = node?.range?.[0] ?? at;
      } else node = undefined;
      key += typeof name === 'number' ? `[${name}]` : key === '' ? name : `.${name}`;
    }
    return { at, key };
  }
}

function pairOf(pairs: readonly Pair<Node, Node | null>[], name: string): Pair<Node, Node | null> | undefined {
  const capital = name.slice(0, 1).toUpperCase() + name.slice(1);
  return pairs.find((pair) => nameOf(pair) === name) ?? pairs.find((pair) => nameOf(pair) === capital);
}

function nameOf({ key }: Pair<Node, Node | null>): string {
  return isScalar(key) ? String(key.value) : '';
}

/** A node with its short form written out: `!Sub x` as `{ 'Fn::Sub': 'x' }`. */
function written(node: unknown): Json {
  if (isAlias(node) || !isNode(node)) return null;
  const value = untagged(node);
  if (node.tag === undefined || !node.tag.startsWith('!')) return value;
  const name = node.tag.slice(1);
  const key = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  const dot = name === 'GetAtt' && typeof value === 'string' ? value.indexOf('.') : -1;
  return { [key]: dot > 0 ? [String(value).slice(0, dot), String(value).slice(dot + 1)] : value };
}

function untagged(node: Node): Json {
  if (isSeq(node)) return node.items.map(written);
  if (isMap(node))
    return Object.fromEntries(
      node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', written(value)]),
    );
  if (!isScalar(node)) return null;
  // An account id such as 012345678901 is digits, not a number.
  if (typeof node.value === 'number' && /^0\d/.test(node.source ?? '')) return node.source ?? '';
  return node.value as Json;
}

/** A value and its place. */
export class Part {
  readonly file: SourceFile;
  readonly path: Path;
  readonly value: Json | undefined;

  constructor(file: SourceFile, path: Path, value: Json | undefined) {
    this.file = file;
    this.path = path;
    this.value = value;
  }

  error(message: string): SettingError {
    return this.file.error(this.path, message);
  }

  get isMap(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  get isThere(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  has(key: string): boolean {
    return this.at(key).isThere;
  }

  keys(): readonly string[] {
    return this.isMap ? Object.keys(this.value as object) : [];
  }

  /** A member; one that is not there is `undefined` of this place. */
  at(key: string): Part {
    const value = this.isMap ? (this.value as Readonly<Record<string, Json | undefined>>)[key] : undefined;
    return new Part(this.file, [...this.path, key], value);
  }

  /** Itself, if it is a map of no other keys. */
  only(known: readonly string[]): this {
    if (!this.isMap) throw this.error('expected a map');
    const strange = this.keys().find((key) => !known.includes(key));
    if (strange !== undefined) throw this.at(strange).error(`unknown; known are ${known.join(', ')}`);
    return this;
  }

  items(): readonly Part[] {
    if (!this.isThere) return [];
    if (!Array.isArray(this.value)) throw this.error('expected a list');
    return this.value.map((each: Json, index) => new Part(this.file, [...this.path, index], each));
  }

  text(): string {
    const { value } = this;
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw this.error(value === undefined ? 'missing' : 'expected a text');
  }

  number(): number {
    const value = typeof this.value === 'string' && this.value.trim() !== '' ? Number(this.value) : this.value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.error(value === undefined ? 'missing' : `expected a number, found ${JSON.stringify(this.value)}`);
  }

  oneOf<T extends string>(known: readonly T[]): T {
    const text = this.text();
    const found = known.find((each) => each === text);
    if (found === undefined) throw this.error(`${JSON.stringify(text)} is none of ${known.join(', ')}`);
    return found;
  }

  flag(): boolean {
    const { value } = this;
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    throw this.error('expected true or false');
  }

  /** What `read` makes of it, if it is there. */
  maybe<T>(read: (part: Part) => T): T | undefined {
    return this.isThere ? read(this) : undefined;
  }
}

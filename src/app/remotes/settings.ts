/**
 * `remotes:` of the configuration file: which accounts and buckets are not here, where they are instead, and with which
 * credentials. What is wrong is told with its line and key.
 *
 *   remotes:
 *     - account: "222222222222"
 *       regions: [eu-west-1]                 # absent: every Region
 *       buckets: [artifacts-eu]              # S3 buckets that lie there, by name
 *       endpoint: http://10.0.0.7:4566       # absent: AWS itself
 *       credentials:
 *         accessKeyId: { env: EU_KEY_ID }    # or the text itself
 *         secretAccessKey: { env: EU_SECRET }
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';

export type RemoteSetting = Readonly<{
  account: string;
  /** Absent: every Region of the account. */
  regions?: readonly string[];
  buckets: readonly string[];
  /** Absent: AWS. */
  endpoint?: string;
  credentials: Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
}>;

/** `where` is `line 3, remotes[0].account`. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  constructor(where: string, message: string) {
    super(`${where}: ${message}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the text of `sluice.yaml`. Throws `SettingError`. */
export function readRemotes(text: string, environment: Environment): readonly RemoteSetting[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) throw new SettingError(`line ${lines.linePos(fault.pos[0]).line}`, fault.message);
  if (document.contents === null) return [];
  const reader = new Reader(lines, environment);
  const root = reader.map(document.contents, 'the file', ['remotes']);
  const list = root.get('remotes', true) as Node | undefined;
  if (list === undefined) return [];
  if (!isSeq(list)) throw reader.error(list, 'remotes', 'expected a list');
  return list.items.map((item, index) => reader.remote(item as Node, `remotes[${index}]`));
}

class Reader {
  readonly #lines: LineCounter;
  readonly #environment: Environment;

  constructor(lines: LineCounter, environment: Environment) {
    this.#lines = lines;
    this.#environment = environment;
  }

  remote(node: Node, key: string): RemoteSetting {
    const map = this.map(node, key, ['account', 'regions', 'buckets', 'endpoint', 'credentials']);
    const account = this.text(map, key, 'account', /^\d{12}$/, 'twelve digits, in quotes');
    const regions = this.texts(map, key, 'regions', /^[a-z]{2}(-[a-z]+)+-\d$/, 'a Region such as eu-west-1');
    const buckets = this.texts(map, key, 'buckets', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket');
    const endpoint = this.optional(map, key, 'endpoint');
    if (endpoint !== undefined && !/^https?:\/\/[^/]+\/?$/.test(endpoint))
      throw this.error(
        map.get('endpoint', true) as Node,
        `${key}.endpoint`,
        'expected a URL such as http://10.0.0.7:4566',
      );
    const given = map.get('credentials', true) as Node | undefined;
    if (given === undefined) throw this.error(node, `${key}.credentials`, 'missing');
    const at = `${key}.credentials`;
    const credentials = this.map(given, at, ['accessKeyId', 'secretAccessKey', 'sessionToken']);
    const sessionToken = this.secret(credentials, at, 'sessionToken', false);
    return {
      account,
      ...(regions === undefined ? {} : { regions }),
      buckets: buckets ?? [],
      ...(endpoint === undefined ? {} : { endpoint: endpoint.replace(/\/$/, '') }),
      credentials: {
        accessKeyId: this.secret(credentials, at, 'accessKeyId', true) ?? '',
        secretAccessKey: this.secret(credentials, at, 'secretAccessKey', true) ?? '',
        ...(sessionToken === undefined ? {} : { sessionToken }),
      },
    };
  }

  map(node: Node, key: string, known: readonly string[]): YAMLMap {
    if (!isMap(node)) throw this.error(node, key, `expected a map of ${known.join(', ')}`);
    for (const pair of node.items as Pair<Node>[]) {
      const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
      if (!known.includes(name)) throw this.error(pair.key, `${key}.${name}`, `unknown; known are ${known.join(', ')}`);
    }
    return node;
  }

  text(map: YAMLMap, key: string, name: string, pattern: RegExp, wanted: string): string {
    const text = this.optional(map, key, name);
    if (text === undefined) throw this.error(map, `${key}.${name}`, 'missing');
    if (!pattern.test(text)) throw this.error(map.get(name, true) as Node, `${key}.${name}`, `expected ${wanted}`);
    return text;
  }

  optional(map: YAMLMap, key: string, name: string): string | undefined {
    const node = map.get(name, true) as Node | undefined;
    if (node === undefined) return undefined;
    if (!isScalar(node) || typeof node.value !== 'string') throw this.error(node, `${key}.${name}`, 'expected a text');
    return node.value;
  }

  texts(map: YAMLMap, key: string, name: string, pattern: RegExp, wanted: string): readonly string[] | undefined {
    const node = map.get(name, true) as Node | undefined;
    if (node === undefined) return undefined;
    if (!isSeq(node)) throw this.error(node, `${key}.${name}`, 'expected a list');
    return node.items.map((item, index) => {
      const { value } = item as { value?: unknown };
      if (typeof value !== 'string' || !pattern.test(value))
        throw this.error(item as Node, `${key}.${name}[${index}]`, `expected ${wanted}`);
      return value;
    });
  }

  /** A text, or `{ env: NAME }`. The value never appears in an error. */
  secret(map: YAMLMap, key: string, name: string, required: boolean): string | undefined {
    const node = map.get(name, true) as Node | undefined;
    if (node === undefined) {
      if (required) throw this.error(map, `${key}.${name}`, 'missing');
      return undefined;
    }
    if (!isMap(node)) return this.optional(map, key, name);
    this.map(node, `${key}.${name}`, ['env']);
    const variable = this.optional(node, `${key}.${name}`, 'env') ?? '';
    const value = this.#environment[variable];
    if (value === undefined || value === '')
      throw this.error(node, `${key}.${name}`, `the environment variable ${variable} is not set`);
    return value;
  }

  error(node: unknown, key: string, message: string): SettingError {
    const at = (node as { range?: readonly [number, number, number] } | undefined)?.range?.[0] ?? 0;
    return new SettingError(`line ${this.#lines.linePos(at).line}, ${key}`, message);
  }
}

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
import { isMap, type Node, type YAMLMap } from 'yaml';
import { YamlReader } from '../yaml-reader.ts';

export type RemoteSetting = Readonly<{
  account: string;
  /** Absent: every Region of the account. */
  regions?: readonly string[];
  buckets: readonly string[];
  /** Absent: AWS. */
  endpoint?: string;
  credentials: Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
}>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the text of `sluice.yaml`. Throws `SettingError`. */
export function readRemotes(text: string, environment: Environment): readonly RemoteSetting[] {
  const reader = new YamlReader(text);
  if (reader.root === undefined) return [];
  const root = reader.map(reader.root, '', ['remotes']);
  return (reader.items(root, '', 'remotes') ?? []).map((item, index) =>
    readRemote(reader, item, `remotes[${index}]`, environment),
  );
}

function readRemote(reader: YamlReader, node: Node, key: string, environment: Environment): RemoteSetting {
  const map = reader.map(node, key, ['account', 'regions', 'buckets', 'endpoint', 'credentials']);
  const account = reader.matching(map, key, 'account', /^\d{12}$/, 'twelve digits, in quotes');
  const regions = reader.texts(map, key, 'regions', /^[a-z]{2}(-[a-z]+)+-\d$/, 'a Region such as eu-west-1');
  const buckets = reader.texts(map, key, 'buckets', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket');
  const endpoint = reader.text(map, key, 'endpoint');
  if (endpoint !== undefined && !/^https?:\/\/[^/]+\/?$/.test(endpoint))
    throw reader.error(reader.part(map, 'endpoint'), `${key}.endpoint`, 'expected a URL such as http://10.0.0.7:4566');
  const given = reader.part(map, 'credentials');
  if (given === undefined) throw reader.error(node, `${key}.credentials`, 'missing');
  const at = `${key}.credentials`;
  const credentials = reader.map(given, at, ['accessKeyId', 'secretAccessKey', 'sessionToken']);
  const secret = (name: string): string | undefined => readSecret(reader, credentials, at, name, environment);
  const required = (name: string): string => {
    const value = secret(name);
    if (value === undefined) throw reader.error(credentials, `${at}.${name}`, 'missing');
    return value;
  };
  const sessionToken = secret('sessionToken');
  return {
    account,
    ...(regions === undefined ? {} : { regions }),
    buckets: buckets ?? [],
    ...(endpoint === undefined ? {} : { endpoint: endpoint.replace(/\/$/, '') }),
    credentials: {
      accessKeyId: required('accessKeyId'),
      secretAccessKey: required('secretAccessKey'),
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
  };
}

/** A text, or `{ env: NAME }`. The value never appears in an error. */
function readSecret(
  reader: YamlReader,
  map: YAMLMap,
  key: string,
  name: string,
  environment: Environment,
): string | undefined {
  const node = reader.part(map, name);
  if (node === undefined || !isMap(node)) return reader.text(map, key, name);
  const variable = reader.text(reader.map(node, `${key}.${name}`, ['env']), `${key}.${name}`, 'env') ?? '';
  const value = environment[variable];
  if (value === undefined || value === '')
    throw reader.error(node, `${key}.${name}`, `the environment variable ${variable} is not set`);
  return value;
}

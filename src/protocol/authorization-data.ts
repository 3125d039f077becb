/**
 * What AWS's service authorization reference says of a service: its actions, on which resources each acts, which condition
 * keys each has, and which other actions a caller needs beside it. Derived data (`npm run authorization-data`) in
 * `models/authorization/`, and beside it our own table of the operations whose action has another name.
 *
 * Words: a *resource type* has an ARN pattern (`arn:${Partition}:s3:::${BucketName}/${ObjectName}`); a *dependent action*
 * is one that AWS asks of the caller too. Keys may hold a placeholder: `aws:RequestTag/${TagKey}`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type ResourceTypeUse = Readonly<{
  required?: true;
  keys?: readonly string[];
  dependent?: readonly string[];
}>;

export type ActionFacts = Readonly<{
  /** `Read`, `List`, `Write`, `Tagging`, `Permissions management`. */
  access: string;
  /** Absent: the action is asked on `*`. */
  resources?: Readonly<Record<string, ResourceTypeUse>>;
  keys?: readonly string[];
  /** With their prefix: `iam:PassRole`. */
  dependent?: readonly string[];
}>;

export type AuthorizationData = Readonly<{
  /** Of the actions: `elasticloadbalancing`. */
  prefix: string;
  origin: Readonly<{ package: string; version: string; date: string; licence: string }>;
  /** Resource control policies bind the actions of this service. */
  underResourceControl: boolean;
  /** By name, without prefix. */
  actions: Readonly<Record<string, ActionFacts>>;
  resources: Readonly<Record<string, Readonly<{ arn: string; keys?: readonly string[] }>>>;
  /** Every key of the service, with its type: `String`, `ArrayOfString`, `ARN`, `Bool`, ... */
  keys: Readonly<Record<string, string>>;
}>;

/**
 * The actions that an operation asks, where that is not its own name. `always`: asked by every call; `may`: asked too
 * where the input gives reason to (a role is handed over, tags are put on what is made).
 */
export type OperationActions = Readonly<{
  always: readonly string[];
  may?: readonly string[];
  /** Asked too, on the same resource, when something is made with tags. */
  withTags?: string;
  because?: string;
}>;

export type AuthorizationReference = Readonly<{
  prefixes(): readonly string[];
  /** Undefined for a prefix without data. */
  service(prefix: string): AuthorizationData | undefined;
  /** By the model's name and the operation's; the identity where nothing else is known. */
  actionsOf(service: string, iamPrefix: string, operation: string): OperationActions;
  /** The condition keys that the operation's input gives, each with its path in the input (`input-paths.ts`). */
  contextOf(service: string, operation: string): Readonly<Record<string, string>>;
}>;

/** `modelsDir` holds `authorization/`: `index.json`, a `<prefix>.json` each, `operations.json` and `context.json`. */
export function openAuthorizationReference(modelsDir: string): AuthorizationReference {
  const folder = join(modelsDir, 'authorization');
  const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
  const prefixes = read<readonly string[]>('index.json');
  const operations = read<Readonly<Record<string, Readonly<Record<string, OperationActions>>>>>('operations.json');
  const context =
    read<Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>>('context.json');
  const opened = new Map<string, AuthorizationData>();
  return {
    prefixes: () => prefixes,
    service: (prefix) => {
      const known = opened.get(prefix);
      if (known !== undefined || !prefixes.includes(prefix)) return known;
      const data = read<AuthorizationData>(`${prefix}.json`);
      opened.set(prefix, data);
      return data;
    },
    actionsOf: (service, iamPrefix, operation) =>
      operations[service]?.[operation] ?? { always: [`${iamPrefix}:${operation}`] },
    contextOf: (service, operation) => context[service]?.[operation] ?? {},
  };
}

/** The facts of `s3:GetObject`; actions are compared without regard to case. Undefined for one that is not known. */
export function actionFacts(
  reference: AuthorizationReference,
  action: string,
): Readonly<{ data: AuthorizationData; name: string; facts: ActionFacts }> | undefined {
  const colon = action.indexOf(':');
  const data = reference.service(action.slice(0, colon).toLowerCase());
  const wanted = action.slice(colon + 1).toLowerCase();
  const name = data === undefined ? undefined : Object.keys(data.actions).find((each) => each.toLowerCase() === wanted);
  const facts = name === undefined ? undefined : data?.actions[name];
  return data === undefined || name === undefined || facts === undefined ? undefined : { data, name, facts };
}

/**
 * Whether `arn` is of the resource type with this pattern. A placeholder stands for any text that is not empty, except that
 * Region and account may be (S3 buckets), and that a name may hold `/` and `:`.
 */
export function isOfResourceType(pattern: string, arn: string): boolean {
  const source = pattern
    .split(/(\$\{[^}]+\}|\*)/)
    .map((part) => {
      if (part === '${Partition}') return 'aws[a-z-]*';
      if (part === '${Region}') return '[a-z0-9-]*';
      if (part === '${Account}') return '(?:\\d{12}|aws)?';
      if (part === '*') return '.*';
      return part.startsWith('${') ? '.+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`, 's').test(arn);
}

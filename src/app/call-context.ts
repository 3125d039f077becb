/**
 * What the data say of a call beyond what its service's `authorize` says, in one place for all services: the condition keys
 * that its input gives (`aws:RequestTag/k`, `aws:TagKeys`, and those of `models/authorization/context.json`), the action that
 * is asked too when something is made with tags, and the tags of the resource.
 *
 * A key is given with those actions only that AWS gives it with. What `authorize` says itself goes before.
 * Source: Service Authorization Reference; IAM User Guide, "Controlling access to AWS resources using tags".
 */
import { type AccessRequest, parseArn, type RequestContext } from '../common/index.ts';
import {
  actionFacts,
  type AuthorizationReference,
  keysByPath,
  type Models,
  type Reference,
  type ServiceModel,
  type Shape,
} from '../protocol/index.ts';
import type { House, Operation, ServiceDefinition } from '../services/index.ts';

/** The services, each operation's `authorize` completed by the data. */
export function withCallContext(
  services: ReadonlyMap<string, ServiceDefinition>,
  context: CallContext,
): ReadonlyMap<string, ServiceDefinition> {
  return new Map(
    [...services].map(([name, service]) => {
      const operations = Object.entries(service.operations).map(([operation, definition]) => {
        const plain = [{ action: `${service.iamPrefix}:${operation}`, resource: '*' }];
        const authorize: Operation['authorize'] = async (input, call) =>
          context.complete(name, operation, input, (await definition.authorize?.(input, call)) ?? plain);
        return [operation, { ...definition, authorize }] as const;
      });
      return [name, { ...service, operations: Object.fromEntries(operations) }];
    }),
  );
}

/** Reads the tags of an input: pairs of what is put on, names of what is taken off. Undefined: it has none. */
type TagReader = (input: Record<string, unknown>) => Tagging | undefined;
type Tagging = Readonly<{ pairs: readonly (readonly [string, string])[]; keys: readonly string[] }>;

/** The key as the data write it, the key of this request, its value. */
type Found = readonly [pattern: string, name: string, value: string | readonly string[]];

const REQUEST_TAG = 'aws:requesttag/${tagkey}';
const TAG_KEYS = 'aws:tagkeys';

type Plan = Readonly<{
  tags: TagReader | undefined;
  withTags: string | undefined;
  keys: readonly (readonly [string, string])[];
}>;

export class CallContext {
  readonly #models: Models;
  readonly #reference: AuthorizationReference;
  readonly #plans = new Map<string, Plan | undefined>();
  readonly #actionKeys = new Map<string, ReadonlySet<string>>();

  constructor(models: Models, reference: AuthorizationReference) {
    this.#models = models;
    this.#reference = reference;
  }

  /** `requests` with what the input adds to them. */
  complete(
    service: string,
    operation: string,
    input: Record<string, unknown>,
    requests: readonly AccessRequest[],
  ): readonly AccessRequest[] {
    const plan = this.#planOf(service, operation);
    const first = requests[0];
    if (plan === undefined || first === undefined) return requests;
    const tagging = plan.tags?.(input);
    const found: Found[] = [];
    for (const [key, value] of tagging?.pairs ?? []) found.push([REQUEST_TAG, `aws:RequestTag/${key}`, value]);
    if (tagging !== undefined && tagging.keys.length > 0) found.push([TAG_KEYS, 'aws:TagKeys', tagging.keys]);
    for (const [key, path] of plan.keys)
      for (const [name, values] of keysByPath(key, path, input))
        found.push([key.toLowerCase(), name, values.length === 1 ? (values[0] as string) : values]);
    const all =
      plan.withTags === undefined || (tagging?.pairs.length ?? 0) === 0
        ? requests
        : [...requests, { ...first, action: plan.withTags }];
    if (found.length === 0) return all;
    return all.map((request) => {
      const known = this.#keysOf(request.action);
      const given = found.filter(([pattern]) => known.has(pattern));
      if (given.length === 0) return request;
      const context = Object.fromEntries(given.map(([, name, value]) => [name, value]));
      return { ...request, context: { ...context, ...request.context } };
    });
  }

  /** As the data write them, in lower case: `aws:requesttag/${tagkey}`. */
  #keysOf(action: string): ReadonlySet<string> {
    const known = this.#actionKeys.get(action);
    if (known !== undefined) return known;
    const found = actionFacts(this.#reference, action)?.facts;
    const uses = Object.values(found?.resources ?? {}).flatMap(({ keys = [] }) => keys);
    const keys = new Set([...(found?.keys ?? []), ...uses].map((key) => key.toLowerCase()));
    this.#actionKeys.set(action, keys);
    return keys;
  }

  /** Undefined: nothing of the input of this operation is a condition key. */
  #planOf(service: string, operation: string): Plan | undefined {
    const name = `${service}.${operation}`;
    if (this.#plans.has(name)) return this.#plans.get(name);
    const model = this.#models.service(service);
    const input = model?.operations[operation]?.input;
    const tags = model === undefined || input === undefined ? undefined : tagReader(model, input);
    const keys = Object.entries(this.#reference.contextOf(service, operation));
    const withTags = this.#reference.actionsOf(service, '', operation).withTags;
    const plan = tags === undefined && keys.length === 0 ? undefined : { tags, withTags, keys };
    this.#plans.set(name, plan);
    return plan;
  }
}

/**
 * The tags of a request's resource as condition keys, in every spelling that its service has. Policies that ask for none
 * (`readsResourceTags`) need not wait for this.
 */
export async function resourceTags(
  services: ReadonlyMap<string, ServiceDefinition>,
  request: AccessRequest,
  house: House,
): Promise<RequestContext> {
  const service = parseArn(request.resource)?.service;
  if (service === undefined) return {};
  const definition = services.get(service);
  const facts = await definition?.resourceAccess?.(request.resource, request.action, house);
  const tags: Record<string, string | readonly string[]> = {};
  for (const [key, value] of Object.entries(facts?.context ?? {})) {
    const name = /^aws:ResourceTag\/(.+)$/s.exec(key)?.[1];
    if (name === undefined) continue;
    tags[key] = value;
    if (OWN_RESOURCE_TAGS.has(service)) tags[`${service}:ResourceTag/${name}`] = value;
  }
  return tags;
}

/** Services that know the tags of their resources by a key of their own too, as `ssm:resourceTag/k`. */
const OWN_RESOURCE_TAGS: ReadonlySet<string> = new Set(['iam', 'secretsmanager', 'ssm']);

/**
 * A member that holds tags: a list of structures of a key and a value, or a map of text, called tags; or a list of text called
 * tags or tag keys. S3 has its tags one level down (`CreateBucketConfiguration.Tags`).
 */
function tagReader(model: ServiceModel, reference: Reference): TagReader | undefined {
  const readers = readersOf(model, reference, 2);
  if (readers.length === 0) return undefined;
  return (input) => {
    const pairs: (readonly [string, string])[] = [];
    const keys: string[] = [];
    for (const read of readers) read(input, pairs, keys);
    return pairs.length === 0 && keys.length === 0
      ? undefined
      : { pairs, keys: [...new Set([...pairs.map(([key]) => key), ...keys])] };
  };
}

type Collect = (input: Record<string, unknown>, pairs: (readonly [string, string])[], keys: string[]) => void;

function readersOf(model: ServiceModel, reference: Reference, depth: number): Collect[] {
  const shapeOf = (of: Reference | undefined): Shape | undefined =>
    of === undefined ? undefined : model.shapes[of.shape];
  const readers: Collect[] = [];
  for (const [name, member] of Object.entries(shapeOf(reference)?.members ?? {})) {
    const shape = shapeOf(member);
    const isText = shape?.type === 'list' && shapeOf(shape.member)?.type === 'string';
    if (isText && /^tag(?:-?keys|s)$/i.test(name))
      readers.push((input, _pairs, keys) => {
        for (const key of listOf(input[name])) if (typeof key === 'string') keys.push(key);
      });
    else if (/^tags$/i.test(name) && shape?.type === 'map')
      readers.push((input, pairs) => {
        const map = recordOf(input[name]);
        for (const key of Object.keys(map)) pairs.push([key, textOf(map[key])]);
      });
    else if (/^tags$/i.test(name) && shape?.type === 'list') {
      const members = Object.keys(shapeOf(shape.member)?.members ?? {});
      const key = members.find((each) => /^(?:tag)?key$/i.test(each));
      const value = members.find((each) => /^(?:tag)?value$/i.test(each));
      if (key === undefined || value === undefined) continue;
      readers.push((input, pairs) => {
        for (const tag of listOf(input[name])) {
          const fields = recordOf(tag);
          if (typeof fields[key] === 'string') pairs.push([fields[key], textOf(fields[value])]);
        }
      });
    } else if (depth > 1 && shape?.type === 'structure' && /configuration$/i.test(name)) {
      for (const read of readersOf(model, member, depth - 1))
        readers.push((input, pairs, keys) => read(recordOf(input[name]), pairs, keys));
    }
  }
  return readers;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * What a type of resource is: which properties it has, and the calls that make, change and delete it. One table row per
 * type in `types/`; adding a type is adding a row.
 */
import { isAwsError, type Json, type JsonObject } from '../../common/index.ts';
import { isObject } from '../../core/cloudformation-template/index.ts';
import type { Client, Scope } from '../service.ts';

export type Made = Readonly<{ physicalId: string; attributes: Readonly<Record<string, string>> }>;

export interface ResourceType {
  readonly properties: readonly string[];
  readonly required?: readonly string[];
  /** Properties that cannot change in place. */
  readonly replaceOn: readonly string[];
  readonly nameProperty?: string;
  readonly attributes: readonly string[];
  /** May be called again after a crash: then it finds what it made. */
  create(making: Making, properties: JsonObject): Promise<Made>;
  update(making: Making, physicalId: string, properties: JsonObject, before: JsonObject): Promise<Made>;
  /** What is gone already is deleted. */
  remove(making: Making, physicalId: string, properties: JsonObject): Promise<void>;
}

/** A call that was refused, and which one it was. */
export class CallRefused extends Error {
  override readonly name = 'CallRefused';
  readonly code: string;
  readonly service: string;
  readonly operation: string;
  readonly statusCode: number;

  constructor(service: string, operation: string, error: Error & { code: string; statusCode?: number | undefined }) {
    super(error.message, { cause: error });
    this.code = error.code;
    this.service = service;
    this.operation = operation;
    this.statusCode = error.statusCode ?? (/AccessDenied/.test(error.code) ? 403 : 400);
  }
}

/** One resource being made, changed or deleted. */
export class Making {
  readonly scope: Scope;
  /** 12 characters that this physical resource alone has, the same at every try. */
  readonly suffix: string;
  readonly stackName: string;
  readonly logicalId: string;
  /** Set by a create as soon as there is something that a rollback must delete. */
  begun: string | undefined;
  readonly #client: Client;

  constructor(
    client: Client,
    { stackName, logicalId, suffix }: Readonly<{ stackName: string; logicalId: string; suffix: string }>,
  ) {
    this.#client = client;
    this.scope = client.scope;
    this.stackName = stackName;
    this.logicalId = logicalId;
    this.suffix = suffix;
  }

  async call<Output = unknown>(service: string, operation: string, input: object): Promise<Output> {
    try {
      return await this.#client.call<Output>(service, operation, input);
    } catch (error) {
      throw isAwsError(error) ? new CallRefused(service, operation, error) : error;
    }
  }

  /** As `call`; undefined for what does not exist. */
  async ifThere<Output = unknown>(service: string, operation: string, input: object): Promise<Output | undefined> {
    try {
      return await this.call<Output>(service, operation, input);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** `given`, or `<stack>-<logical id>-<suffix>` cut to `most` characters. */
  nameOf(given: Json | undefined, most: number, lowerCase = false): string {
    if (given !== undefined) return text(given);
    const name = `${this.stackName.slice(0, Math.max(1, most - 14 - Math.min(24, this.logicalId.length)))}-${this.logicalId.slice(0, 24)}-${this.suffix}`;
    return lowerCase ? name.toLowerCase() : name;
  }

  /** Makes it. A generated name that is taken is taken by an earlier try at the same: `adopt` takes what that one made. */
  async makeOrAdopt<T>(isGenerated: boolean, make: () => Promise<T>, adopt: () => Promise<T>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      if (isGenerated && isTaken(error)) return adopt();
      throw error;
    }
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof CallRefused && /NotFound|NoSuch|NonExistent|DoesNotExist/.test(error.code);
}

export function isTaken(error: unknown): boolean {
  return (
    error instanceof CallRefused &&
    /AlreadyExists|EntityAlreadyExists|ResourceConflict|BucketAlready|QueueNameExists|QueueAlreadyExists/.test(
      error.code,
    )
  );
}

// --- properties as calls take them; a template may write numbers and booleans as text ---

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

export function optional(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : text(value);
}

export function number(value: Json | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** A policy document as text. */
export function policy(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `[{ Key, Value }]` as a map. */
export function tagMap(value: Json | undefined): Record<string, string> {
  return Object.fromEntries(list(value).map((each) => [text(object(each)['Key']), text(object(each)['Value'])]));
}

/** What to set and what to take away. */
export function tagChanges(before: Json | undefined, after: Json | undefined) {
  const [was, is] = [tagMap(before), tagMap(after)];
  return {
    set: Object.fromEntries(Object.entries(is).filter(([key, value]) => was[key] !== value)),
    gone: Object.keys(was).filter((key) => !Object.hasOwn(is, key)),
  };
}

export function isSet(record: object): boolean {
  return Object.keys(record).length > 0;
}

export function tagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

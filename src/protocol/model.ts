/**
 * The compact service models of `models/`, in types, and how they are opened.
 *
 * Words: a *shape* is a type of the model; a *reference* is a use of a shape as a member, element, input or output, and
 * may carry its own traits (`locationName`, `streaming`), which win over the shape's. The field names are botocore's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvariantError } from '../common/index.ts';

export type Models = Readonly<{
  /** Every service with a model, sorted. */
  names(): readonly string[];
  /** Parsed on first use, corrections applied; undefined when there is no model of that name. */
  service(name: string): ServiceModel | undefined;
  /** What routing needs of all services, without opening their models. */
  metadata(): ReadonlyMap<string, Metadata>;
}>;

export type ProtocolName = 'json' | 'rest-json' | 'rest-xml' | 'query' | 'ec2' | 'smithy-rpc-v2-cbor';

export type Metadata = Readonly<{
  apiVersion: string;
  endpointPrefix: string;
  protocol: ProtocolName;
  protocols?: readonly ProtocolName[];
  jsonVersion?: string;
  serviceId: string;
  signatureVersion?: string;
  signingName?: string;
  targetPrefix?: string;
  xmlNamespace?: string;
  /** Present: errors carry the query protocol's code in `x-amzn-query-error`. */
  awsQueryCompatible?: object;
}>;

export type XmlNamespace = Readonly<{ uri: string; prefix?: string }>;

export type Reference = Readonly<{
  shape: string;
  location?: 'uri' | 'querystring' | 'header' | 'headers' | 'statusCode';
  locationName?: string;
  queryName?: string;
  payload?: string;
  streaming?: boolean;
  flattened?: boolean;
  xmlNamespace?: XmlNamespace;
  xmlAttribute?: boolean;
  timestampFormat?: TimestampFormat;
  hostLabel?: boolean;
  eventpayload?: boolean;
  /** Outputs of the query protocols. */
  resultWrapper?: string;
  /** By correction: the one member whose text is the whole document (S3 GetBucketLocation). */
  bareMember?: string;
}>;

export type TimestampFormat = 'iso8601' | 'rfc822' | 'unixTimestamp';

export type ShapeType =
  | 'structure'
  | 'list'
  | 'map'
  | 'string'
  | 'character'
  | 'boolean'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'timestamp'
  | 'blob';

export type Shape = Readonly<{
  type: ShapeType;
  members?: Readonly<Record<string, Reference>>;
  required?: readonly string[];
  member?: Reference;
  key?: Reference;
  value?: Reference;
  payload?: string;
  flattened?: boolean;
  locationName?: string;
  xmlNamespace?: XmlNamespace;
  timestampFormat?: TimestampFormat;
  streaming?: boolean;
  eventstream?: boolean;
  event?: boolean;
  sensitive?: boolean;
  document?: boolean;
  union?: boolean;
  min?: number;
  max?: number;
  pattern?: string;
  enum?: readonly string[];
  exception?: boolean;
  fault?: boolean;
  error?: Readonly<{ code?: string; httpStatusCode?: number; senderFault?: boolean }>;
}>;

export type OperationModel = Readonly<{
  http: Readonly<{ method: string; requestUri: string; responseCode?: number }>;
  input?: Reference;
  output?: Reference;
  errors: readonly string[];
  httpChecksum?: Readonly<{
    requestAlgorithmMember?: string;
    requestChecksumRequired?: boolean;
    requestValidationModeMember?: string;
    responseAlgorithms?: readonly string[];
  }>;
  auth?: readonly string[];
  authtype?: 'none' | 'v4-unsigned-body';
  unsignedPayload?: boolean;
  requestcompression?: Readonly<{ encodings: readonly string[] }>;
  /** By correction: never chosen by a request (a deprecated twin of another operation). */
  unrouted?: boolean;
}>;

export type Paginator = Readonly<{
  input_token: string | readonly string[];
  output_token: string | readonly string[];
  limit_key?: string;
  result_key?: string | readonly string[];
  more_results?: string;
}>;

export interface ServiceModel {
  readonly name: string;
  readonly metadata: Metadata;
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly paginators: Readonly<Record<string, Paginator>>;
  /**
   * Members that the wire does not check against the model, because the service words each violation itself:
   * `*` for all of the service, or `Operation.member`. From `models/corrections/`.
   */
  readonly constraintExceptions: ReadonlySet<string>;
  /** What a codec compiled for this model, kept with it: `memo('json-decoder').get(shapeName)`. */
  memo<T>(slot: string): Map<string, T>;
}

export function shapeOf(model: ServiceModel, reference: Reference): Shape {
  const shape = model.shapes[reference.shape];
  if (shape === undefined) throw new InvariantError(`the model of ${model.name} has no shape ${reference.shape}`);
  return shape;
}

/** The protocols that a service answers, the preferred first. */
export function protocolsOf(metadata: Metadata): readonly ProtocolName[] {
  return metadata.protocols ?? [metadata.protocol];
}

/** The name that a client signs with for this service. */
export function signingNameOf(metadata: Metadata): string {
  return metadata.signingName ?? metadata.endpointPrefix;
}

/** `modelsDir` holds `index.json`, a `<service>.json` each, and `corrections/<service>.json`. */
export function openModels(modelsDir: string): Models {
  const { services: index } = readJson<{ services: Record<string, Metadata> }>(join(modelsDir, 'index.json'));
  const corrections = new Set(readdirSync(join(modelsDir, 'corrections')));
  const opened = new Map<string, ServiceModel>();
  const correctionsOf = (name: string): readonly Correction[] =>
    corrections.has(`${name}.json`) ? readJson<Correction[]>(join(modelsDir, 'corrections', `${name}.json`)) : [];
  const names = Object.keys(index).sort();
  const metadata = new Map(
    names.map((name) => {
      const parts = { metadata: index[name] } as unknown as Record<string, unknown>;
      for (const correction of correctionsOf(name)) if (correction.at.startsWith('metadata/')) apply(parts, correction);
      return [name, parts.metadata as Metadata];
    }),
  );
  return {
    names: () => names,
    metadata: () => metadata,
    service: (name) => {
      const known = opened.get(name);
      if (known !== undefined) return known;
      if (!metadata.has(name)) return undefined;
      const model = openModel(name, join(modelsDir, `${name}.json`), correctionsOf(name));
      opened.set(name, model);
      return model;
    },
  };
}

/**
 * One mended place of a model. `at` is the path, with `/` between steps; `set` is the value put there (an object is
 * merged into an object), `remove` takes the place out. `because` says why, with the source.
 */
export type Correction = Readonly<{ at: string; set?: unknown; remove?: true; because: string }>;

type ModelFile = Pick<ServiceModel, 'metadata' | 'operations' | 'shapes' | 'paginators'> & {
  constraintExceptions?: Record<string, true>;
};

function openModel(name: string, file: string, corrections: readonly Correction[]): ServiceModel {
  const parts = readJson<ModelFile>(file);
  for (const correction of corrections) apply(parts as unknown as Record<string, unknown>, correction);
  const memos = new Map<string, Map<string, unknown>>();
  return {
    name,
    metadata: parts.metadata,
    operations: parts.operations,
    shapes: parts.shapes,
    paginators: parts.paginators,
    constraintExceptions: new Set(Object.keys(parts.constraintExceptions ?? {})),
    memo: <T>(slot: string) => {
      let memo = memos.get(slot);
      if (memo === undefined) memos.set(slot, (memo = new Map()));
      return memo as Map<string, T>;
    },
  };
}

function apply(root: Record<string, unknown>, { at, set, remove }: Correction): void {
  const steps = at.split('/');
  const last = steps.pop();
  let place = root;
  for (const step of steps) {
    const next = place[step] ?? (place[step] = {});
    if (typeof next !== 'object' || next === null) throw new InvariantError(`correction ${at}: no place ${step}`);
    place = next as Record<string, unknown>;
  }
  if (last === undefined) return;
  if (remove === true) {
    if (!(last in place)) throw new InvariantError(`correction ${at}: nothing to remove`);
    delete place[last];
  } else if (isObject(set) && isObject(place[last])) Object.assign(place[last], set);
  else place[last] = set;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

/**
 * Which service and operation a request is for. In this order: the target header; the RPC v2 path; a form with
 * `Action`; else method and path among the REST services that sign with the credential scope's name. A request
 * without a signature goes by its host, and to S3 when that says nothing.
 */
import {
  shapeOf,
  type Metadata,
  type Models,
  type OperationModel,
  protocolsOf,
  type ServiceModel,
  signingNameOf,
} from './model.ts';
import type { Route, Target } from './wire.ts';

export function parseTarget(url: string, hostHeader: string): Target {
  const mark = url.indexOf('?');
  const search = mark < 0 ? '' : url.slice(mark + 1);
  let path = mark < 0 ? url : url.slice(0, mark);
  // The absolute form of a request line (RFC 9112 3.2.2).
  if (!path.startsWith('/')) path = path.replace(/^[a-z]+:\/\/[^/]*/i, '') || '/';
  return {
    path,
    search,
    query: search === '' ? [] : parseQuery(search),
    host: hostHeader.replace(/:\d+$/, '').toLowerCase(),
  };
}

function parseQuery(search: string): [string, string][] {
  const out: [string, string][] = [];
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? '' : pair.slice(equals + 1);
    out.push([decodeText(name.replaceAll('+', ' ')), decodeText(value.replaceAll('+', ' '))]);
  }
  return out;
}

/** Percent-decoding; text with a broken escape stays as it is. */
export function decodeText(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export type RouteInput = Readonly<{
  method: string;
  headers: Readonly<Record<string, string>>;
  target: Target;
  /** The credential scope's service, when the request is signed. */
  signingName: string | undefined;
  /** The parsed form body or query string, when the request has one. */
  form: readonly (readonly [string, string])[] | undefined;
}>;

/** Undefined: nobody understands this request. */
export function findRoute(models: Models, input: RouteInput): Route | undefined {
  const { headers, target } = input;
  const amzTarget = headers['x-amz-target'];
  if (amzTarget !== undefined) return byTarget(models, amzTarget, headers['content-type']);
  const rpc = /^\/service\/([^/]+)\/operation\/([^/]+)$/.exec(target.path);
  if (rpc !== null && (headers['smithy-protocol'] !== undefined || isCbor(headers))) {
    return byRpcPath(models, rpc[1] ?? '', rpc[2] ?? '');
  }
  const names = candidates(models, input);
  if (input.form !== undefined) {
    const found = byAction(models, names, input.form);
    if (found !== undefined) return found;
    if (input.signingName === undefined && hasAction(input.form)) return undefined;
  }
  return byPath(models, names, input);
}

function isCbor(headers: Readonly<Record<string, string>>): boolean {
  return headers['content-type'] === 'application/cbor' || headers.accept === 'application/cbor';
}

const targetIndexes = new WeakMap<Models, ReadonlyMap<string, string>>();

/** `CodePipeline_20150709.GetPipeline`: the prefix may hold dots, the operation does not. */
function byTarget(models: Models, text: string, contentType: string | undefined): Route | undefined {
  let index = targetIndexes.get(models);
  if (index === undefined) {
    const built = new Map<string, string>();
    for (const [name, { targetPrefix }] of models.metadata()) {
      if (targetPrefix === undefined) continue;
      built.set(targetPrefix, name);
      // Generated of newer models, SDKs leave out the package (`com.amazonaws.cloudtrail.v20131101.`).
      built.set(targetPrefix.slice(targetPrefix.lastIndexOf('.') + 1), name);
    }
    targetIndexes.set(models, (index = built));
  }
  const dot = text.lastIndexOf('.');
  const name = index.get(text.slice(0, dot));
  const model = name === undefined ? undefined : models.service(name);
  if (model === undefined) return undefined;
  const operationName = text.slice(dot + 1);
  const version = contentType === 'application/x-amz-json-1.0' ? '1.0' : contentType === undefined ? undefined : '1.1';
  return {
    model,
    protocol: 'json',
    operationName,
    operation: operationOf(model, operationName),
    labels: {},
    contentType: `application/x-amz-json-${version ?? model.metadata.jsonVersion ?? '1.1'}`,
  };
}

function operationOf(model: ServiceModel, name: string): OperationModel | undefined {
  return Object.hasOwn(model.operations, name) ? model.operations[name] : undefined;
}

function byRpcPath(models: Models, service: string, operationName: string): Route | undefined {
  for (const [name, metadata] of models.metadata()) {
    if (metadata.targetPrefix !== service && metadata.serviceId.replaceAll(' ', '') !== service.replaceAll(' ', ''))
      continue;
    if (!protocolsOf(metadata).includes('smithy-rpc-v2-cbor')) continue;
    const model = models.service(name);
    if (model === undefined) continue;
    return {
      model,
      protocol: 'smithy-rpc-v2-cbor',
      operationName,
      operation: operationOf(model, operationName),
      labels: {},
    };
  }
  return undefined;
}

/** The services that a request may be for, by the name it is signed with, else by its host, else all of them. */
function candidates(models: Models, { signingName, target }: RouteInput): readonly string[] {
  if (signingName !== undefined) return servicesSigning(models, signingName);
  const host =
    /^(?:[a-z0-9-]+\.)*?([a-z0-9-]+)(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.(?:amazonaws\.com(?:\.cn)?|localhost(?:\.localstack\.cloud)?)$/.exec(
      target.host,
    );
  if (host !== null) {
    const found = servicesSigning(models, host[1] ?? '');
    if (found.length > 0) return found;
  }
  return [];
}

function servicesSigning(models: Models, signingName: string): readonly string[] {
  const wanted = SIGNING_ALIASES[signingName] ?? signingName;
  const out: string[] = [];
  for (const [name, metadata] of models.metadata()) {
    if (signingNameOf(metadata) === wanted || metadata.endpointPrefix === wanted) out.push(name);
  }
  return out;
}

/** Other names that clients sign with. */
const SIGNING_ALIASES: Readonly<Record<string, string>> = {
  s3express: 's3',
  's3-object-lambda': 's3',
  cloudwatch: 'monitoring',
};

function hasAction(form: readonly (readonly [string, string])[]): boolean {
  return form.some(([name]) => name === 'Action');
}

function byAction(
  models: Models,
  names: readonly string[],
  form: readonly (readonly [string, string])[],
): Route | undefined {
  const action = form.find(([name]) => name === 'Action')?.[1];
  if (action === undefined) return undefined;
  const version = form.find(([name]) => name === 'Version')?.[1];
  let fallback: Route | undefined;
  const pool = names.length > 0 ? names : [...models.metadata().keys()];
  for (const name of pool) {
    const metadata = models.metadata().get(name) as Metadata;
    const protocol = protocolsOf(metadata).find((protocol) => protocol === 'query' || protocol === 'ec2');
    if (protocol === undefined) continue;
    if (version !== undefined && version !== metadata.apiVersion && (names.length === 0 || names.length > 1)) continue;
    const model = models.service(name);
    if (model === undefined) continue;
    const operation = operationOf(model, action);
    const route: Route = { model, protocol, operationName: action, operation, labels: {}, form };
    if (operation !== undefined) return route;
    if (names.length > 0) fallback ??= route;
  }
  return fallback;
}

type Segment = Readonly<{ literal: string } | { label: string; greedy: boolean }>;

type RestRoute = Readonly<{
  operationName: string;
  operation: OperationModel;
  segments: readonly Segment[];
  greedy: boolean;
  literals: number;
  /** Query parameters of the address itself: name, and value where it has one. */
  query: readonly (readonly [string, string | undefined])[];
  requiredQuery: readonly string[];
  requiredHeaders: readonly string[];
}>;

function byPath(models: Models, names: readonly string[], input: RouteInput): Route | undefined {
  let fallback: ServiceModel | undefined;
  const pool = names.length > 0 || input.signingName !== undefined ? names : ['s3'];
  for (const name of pool) {
    const metadata = models.metadata().get(name);
    if (metadata === undefined) continue;
    const protocol = protocolsOf(metadata).find((protocol) => protocol === 'rest-json' || protocol === 'rest-xml');
    const model = models.service(name);
    if (model === undefined) continue;
    fallback ??= model;
    if (protocol === undefined) continue;
    const isS3 = protocol === 'rest-xml';
    const path = isS3 ? s3Path(input.target) : input.target.path;
    const found = matchPath(model, input, path);
    if (found !== undefined) {
      const { operationName, operation, labels } = found;
      return { model, protocol, operationName, operation, labels };
    }
  }
  if (fallback === undefined) return undefined;
  return {
    model: fallback,
    protocol: fallback.metadata.protocol,
    operationName: '',
    operation: undefined,
    labels: {},
  };
}

/**
 * The path with the bucket in front, whether it came there or as the host's first label
 * (`bucket.s3.eu-west-1.amazonaws.com`, `bucket.s3.localhost.localstack.cloud`, `bucket.localhost`).
 */
export function s3Path({ host, path }: Target): string {
  const bucket = bucketOfHost(host);
  return bucket === undefined ? path : `/${bucket}${path}`;
}

function bucketOfHost(host: string): string | undefined {
  const aws =
    /^(.+)\.s3(?:-[a-z0-9-]+)?(?:\.[a-z0-9-]+){0,2}\.(?:amazonaws\.com(?:\.cn)?|localhost(?:\.localstack\.cloud)?)$/.exec(
      host,
    );
  if (aws !== null) return aws[1];
  const local = /^(.+)\.localhost(?:\.localstack\.cloud)?$/.exec(host);
  if (local === null || /^s3(?:[.-]|$)/.test(local[1] ?? '')) return undefined;
  return local[1];
}

function matchPath(
  model: ServiceModel,
  { method, headers, target }: RouteInput,
  path: string,
): { operationName: string; operation: OperationModel; labels: Record<string, string> } | undefined {
  const segments = path.split('/').slice(1);
  // A trailing slash says nothing, but for the greedy rest of an S3 key.
  const trimmed = segments.length > 0 && segments.at(-1) === '' ? segments.slice(0, -1) : segments;
  let best: RestRoute | undefined;
  for (const route of routesOf(model).get(method) ?? []) {
    if (!fits(route, route.greedy ? segments : trimmed)) continue;
    if (
      !route.query.every(([name, value]) =>
        target.query.some(([n, v]) => n === name && (value === undefined || v === value)),
      )
    )
      continue;
    if (best === undefined || better(route, best, headers, target)) best = route;
  }
  if (best === undefined) return undefined;
  return {
    operationName: best.operationName,
    operation: best.operation,
    labels: labelsOf(best, best.greedy ? segments : trimmed),
  };
}

function fits(route: RestRoute, segments: readonly string[]): boolean {
  const { length } = route.segments;
  if (route.greedy ? segments.length < length : segments.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const segment = route.segments[i] as Segment;
    const text = segments[i] as string;
    if ('literal' in segment) {
      if (segment.literal !== text) return false;
    } else if (!segment.greedy && text === '') return false;
    else if (segment.greedy && segments.length === i + 1 && text === '') return false;
  }
  return true;
}

/** More of the address spelled out wins; then having all that the operation requires; then requiring more. */
function better(a: RestRoute, b: RestRoute, headers: Readonly<Record<string, string>>, target: Target): boolean {
  if (a.literals !== b.literals) return a.literals > b.literals;
  if (a.query.length !== b.query.length) return a.query.length > b.query.length;
  const [lacksA, lacksB] = [lacking(a, headers, target), lacking(b, headers, target)];
  if (lacksA !== lacksB) return lacksA < lacksB;
  const [asksA, asksB] = [
    a.requiredQuery.length + a.requiredHeaders.length,
    b.requiredQuery.length + b.requiredHeaders.length,
  ];
  if (asksA !== asksB) return asksA > asksB;
  // A label of the whole path before a greedy rest.
  return a.segments.length > b.segments.length;
}

function lacking(route: RestRoute, headers: Readonly<Record<string, string>>, target: Target): number {
  let count = 0;
  for (const name of route.requiredQuery) if (!target.query.some(([n]) => n === name)) count++;
  for (const name of route.requiredHeaders) if (headers[name] === undefined) count++;
  return count;
}

function labelsOf(route: RestRoute, segments: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  route.segments.forEach((segment, i) => {
    if ('literal' in segment) return;
    labels[segment.label] = decodeText(segment.greedy ? segments.slice(i).join('/') : (segments[i] ?? ''));
  });
  return labels;
}

function routesOf(model: ServiceModel): ReadonlyMap<string, readonly RestRoute[]> {
  const memo = model.memo<ReadonlyMap<string, readonly RestRoute[]>>('rest-routes');
  const known = memo.get('');
  if (known !== undefined) return known;
  const built = new Map<string, RestRoute[]>();
  for (const [operationName, operation] of Object.entries(model.operations)) {
    if (operation.unrouted === true) continue;
    const { method, requestUri } = operation.http;
    const routes = built.get(method);
    const route = restRoute(model, operationName, operation, requestUri);
    if (routes === undefined) built.set(method, [route]);
    else routes.push(route);
  }
  memo.set('', built);
  return built;
}

function restRoute(model: ServiceModel, operationName: string, operation: OperationModel, uri: string): RestRoute {
  const [path = '', search = ''] = uri.split('?', 2);
  const texts = path.split('/').slice(1);
  if (texts.at(-1) === '') texts.pop();
  const segments = texts.map((text): Segment => {
    const label = /^\{([^}+]+)(\+?)\}$/.exec(text);
    return label === null ? { literal: text } : { label: label[1] ?? '', greedy: label[2] === '+' };
  });
  const required = { querystring: [] as string[], header: [] as string[] };
  if (operation.input !== undefined) {
    const shape = shapeOf(model, operation.input);
    for (const name of shape.required ?? []) {
      const member = shape.members?.[name];
      if (member?.location === 'querystring') required.querystring.push(member.locationName ?? name);
      if (member?.location === 'header') required.header.push((member.locationName ?? name).toLowerCase());
    }
  }
  return {
    operationName,
    operation,
    segments,
    greedy: segments.some((segment) => 'greedy' in segment && segment.greedy),
    literals: segments.filter((segment) => 'literal' in segment).length,
    query:
      search === ''
        ? []
        : search.split('&').map((pair) => {
            const [name = '', value] = pair.split('=', 2);
            return [name, value] as const;
          }),
    requiredQuery: required.querystring,
    requiredHeaders: required.header,
  };
}

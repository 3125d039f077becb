/**
 * From an `AwsError` to the code and status that a service of a given protocol would send. A code of the model wins;
 * else the common errors (IAM, Lambda, S3 and so on each spell `AccessDenied` their own way) by this one table.
 * Source: each service's API reference, "Common Errors"; S3 API Reference, "Error Responses".
 */
import type { AwsError } from '../common/index.ts';
import type { ProtocolName, ServiceModel, Shape } from './model.ts';

/** The families that spell common errors alike. */
export type Family = 'json' | 'rest-json' | 'query' | 'ec2' | 's3';

export function familyOf(protocol: ProtocolName): Family {
  switch (protocol) {
    case 'rest-xml':
      return 's3';
    case 'rest-json':
      return 'rest-json';
    case 'query':
      return 'query';
    case 'ec2':
      return 'ec2';
    default:
      return 'json';
  }
}

type Spelling = readonly [code: string, statusCode: number];

/** Per common error: every name a handler may use, then each family's spelling. */
const COMMON: readonly Readonly<{ names: readonly string[] } & Record<Family, Spelling>>[] = [
  {
    names: ['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation', 'AuthorizationError'],
    json: ['AccessDeniedException', 400],
    'rest-json': ['AccessDeniedException', 403],
    query: ['AccessDenied', 403],
    ec2: ['UnauthorizedOperation', 403],
    s3: ['AccessDenied', 403],
  },
  {
    names: ['ThrottlingException', 'Throttling', 'RequestLimitExceeded', 'SlowDown'],
    json: ['ThrottlingException', 400],
    'rest-json': ['ThrottlingException', 429],
    query: ['Throttling', 400],
    ec2: ['RequestLimitExceeded', 503],
    s3: ['SlowDown', 503],
  },
  {
    names: ['ServiceUnavailableException', 'ServiceUnavailable'],
    json: ['ServiceUnavailableException', 500],
    'rest-json': ['ServiceUnavailableException', 503],
    query: ['ServiceUnavailable', 503],
    ec2: ['Unavailable', 503],
    s3: ['ServiceUnavailable', 503],
  },
  {
    names: ['InternalFailure', 'InternalError', 'InternalServerError', 'InternalServiceError'],
    json: ['InternalFailure', 500],
    'rest-json': ['InternalFailure', 500],
    query: ['InternalFailure', 500],
    ec2: ['InternalError', 500],
    s3: ['InternalError', 500],
  },
  {
    names: ['ValidationException', 'ValidationError'],
    json: ['ValidationException', 400],
    'rest-json': ['ValidationException', 400],
    query: ['ValidationError', 400],
    ec2: ['InvalidParameterValue', 400],
    s3: ['InvalidArgument', 400],
  },
  {
    names: ['SerializationException', 'MalformedInput', 'MalformedXML'],
    json: ['SerializationException', 400],
    'rest-json': ['SerializationException', 400],
    query: ['MalformedInput', 400],
    ec2: ['InvalidParameterValue', 400],
    s3: ['MalformedXML', 400],
  },
  {
    names: ['UnknownOperationException', 'InvalidAction', 'MethodNotAllowed'],
    json: ['UnknownOperationException', 400],
    'rest-json': ['UnknownOperationException', 404],
    query: ['InvalidAction', 400],
    ec2: ['InvalidAction', 400],
    s3: ['MethodNotAllowed', 405],
  },
  {
    names: [
      'RequestEntityTooLarge',
      'RequestEntityTooLargeException',
      'RequestTooLargeException',
      'MaxMessageLengthExceeded',
    ],
    json: ['RequestEntityTooLargeException', 413],
    'rest-json': ['RequestEntityTooLargeException', 413],
    query: ['RequestEntityTooLarge', 413],
    ec2: ['RequestEntityTooLarge', 413],
    s3: ['MaxMessageLengthExceeded', 400],
  },
  {
    names: ['OptInRequired', 'OptInRequiredException'],
    json: ['OptInRequired', 403],
    'rest-json': ['OptInRequired', 403],
    query: ['OptInRequired', 403],
    ec2: ['OptInRequired', 401],
    s3: ['OptInRequired', 403],
  },
];

const commonByName = new Map(COMMON.flatMap((entry) => entry.names.map((name) => [name, entry] as const)));

/** Services with a word of their own for a common error. */
const OWN_WORDS: Readonly<Record<string, Readonly<Record<string, Spelling>>>> = {
  sns: { AccessDenied: ['AuthorizationError', 403] },
};

export type Spelled = Readonly<{
  code: string;
  queryCode: string;
  statusCode: number;
  sender: boolean;
  shapeName: string | undefined;
}>;

export function spellError(error: AwsError, model: ServiceModel | undefined, protocol: ProtocolName): Spelled {
  const modelled = model === undefined ? undefined : errorShape(model, error.code);
  if (modelled !== undefined) {
    const [shapeName, shape] = modelled;
    const statusCode = error.statusCode ?? shape.error?.httpStatusCode ?? (shape.fault === true ? 500 : 400);
    const queryCode = shape.error?.code ?? shapeName;
    return { code: shapeName, queryCode, statusCode, sender: statusCode < 500, shapeName };
  }
  const common = commonByName.get(error.code);
  if (common === undefined) {
    const statusCode = error.statusCode ?? 400;
    return { code: error.code, queryCode: error.code, statusCode, sender: statusCode < 500, shapeName: undefined };
  }
  const [code, status] = common[familyOf(protocol)];
  const own = model === undefined ? undefined : OWN_WORDS[model.name]?.[code];
  const [queryCode] = own ?? common[protocol === 'ec2' ? 'ec2' : 'query'];
  const statusCode = error.statusCode ?? own?.[1] ?? status;
  return { code: own?.[0] ?? code, queryCode, statusCode, sender: statusCode < 500, shapeName: undefined };
}

/** By shape name, or by the query protocol's code. */
function errorShape(model: ServiceModel, code: string): readonly [string, Shape] | undefined {
  const memo = model.memo<readonly [string, Shape]>('errors');
  if (memo.size === 0) {
    for (const [name, shape] of Object.entries(model.shapes)) {
      if (shape.exception !== true) continue;
      if (shape.error?.code !== undefined && !memo.has(shape.error.code)) memo.set(shape.error.code, [name, shape]);
    }
    for (const [name, shape] of Object.entries(model.shapes))
      if (shape.exception === true) memo.set(name, [name, shape]);
  }
  return memo.get(code);
}

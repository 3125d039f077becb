/** Parameters and their versions. Source: Systems Manager API Reference; User Guide, "Parameter Store". */
import { type AccessRequest, AwsError, formatArn } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { Call, Scope } from '../service.ts';

export type ParameterType = 'String' | 'StringList' | 'SecureString';

export type ParameterVersion = Readonly<{
  version: number;
  /** Plain text, or for SecureString the KMS ciphertext in base64. */
  value: string;
  type: ParameterType;
  keyId?: string | undefined;
  description?: string | undefined;
  allowedPattern?: string | undefined;
  dataType: string;
  changedAt: number;
  changedBy: string;
  labels: readonly string[];
}>;

export type Parameter = Readonly<{
  name: string;
  versions: readonly ParameterVersion[];
  tags: Readonly<Record<string, string>>;
}>;

export const parameters = collection<Parameter>('ssm.parameter');

export function parameterKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

/**
 * A name, or the ARN of a parameter, without a selector. Parameters that other accounts share are not implemented, so an ARN
 * from elsewhere names none.
 */
export function nameOf(nameOrArn: string, scope: Scope): string {
  const match = /^arn:aws:ssm:([^:]*):([^:]*):parameter\/?(.*)$/.exec(nameOrArn);
  if (match === null) return nameOrArn;
  if (match[1] !== scope.region || match[2] !== scope.account) throw notFound(nameOrArn);
  const rest = match[3] ?? '';
  return rest.includes('/') ? `/${rest}` : rest;
}

/** Splits `name:3` and `name:label`. */
export function splitSelector(text: string, scope: Scope): Readonly<{ name: string; selector: string | undefined }> {
  const full = nameOf(text, scope);
  const at = full.lastIndexOf(':');
  return at < 0 ? { name: full, selector: undefined } : { name: full.slice(0, at), selector: full.slice(at + 1) };
}

export function parameterArn(scope: Scope, name: string): string {
  return formatArn('ssm', scope.region, scope.account, `parameter${name.startsWith('/') ? '' : '/'}${name}`);
}

export function access(action: string, names: readonly (string | undefined)[], call: Call): AccessRequest[] {
  return names.map((name) => ({
    action: `ssm:${action}`,
    resource: parameterArn(call, splitSelector(name ?? '', call).name),
  }));
}

export async function requireParameter(q: Queryable, scope: Scope, name: string): Promise<Stored<Parameter>> {
  const found = await parameters.getForUpdate(q, parameterKey(scope, name));
  if (found === undefined) throw notFound(name);
  return found;
}

export function notFound(name: string): AwsError {
  return new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
}

export function latest(parameter: Parameter): ParameterVersion {
  const version = parameter.versions.at(-1);
  if (version === undefined) throw new Error(`parameter ${parameter.name} has no version`);
  return version;
}

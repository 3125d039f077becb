/**
 * The policy decision once more, written from the rules line by line, with no thought of speed: what `core/policy` is compared
 * with. It shares no code with it. Sections are those of the reference, "identity and keys".
 */
import type { DecisionInput, NamedPolicy } from '../../src/core/policy/index.ts';

type Json = Record<string, unknown>;
type Context = DecisionInput['context'];

/** `allowed`, or the kind and type of the denial. */
export function slowDecide(input: DecisionInput): string {
  const { principal: p, request: r, policies, scope } = input;
  const trust = r.resourcePolicyMode === 'Only' && r.action.toLowerCase().startsWith('sts:');
  const resourceType = trust ? 'role trust policy' : 'resource-based policy';
  const owner = r.resourceAccount ?? scope.account;
  const account = p.type === 'Federated' || !('account' in p) ? undefined : p.account;
  const same = account === owner;
  const serviceLinked = p.type === 'AssumedRole' && p.roleArn.includes(':role/aws-service-role/');
  const service = r.action.toLowerCase().split(':')[0] ?? '';

  const has = (effect: string, list: readonly NamedPolicy[] | undefined): boolean =>
    (list ?? []).some((policy) => statementsOf(policy).some((s) => s.effect === effect && matches(s, input)));
  const inEveryLevel = (levels: readonly (readonly NamedPolicy[])[]): boolean =>
    levels.every((level) => has('Allow', level));

  const scp = account === undefined || serviceLinked ? undefined : policies.serviceControl;
  const rcp =
    serviceLinked || r.exemptFromResourceControl === true || !RCP_SERVICES.includes(service)
      ? undefined
      : policies.resourceControl;
  const identity = ['User', 'AssumedRole', 'FederatedUser'].includes(p.type) ? policies.identity : [];
  const session = policies.session ?? (p.type === 'FederatedUser' ? [] : undefined);
  const grips = (effect: string): string[] =>
    (r.resourcePolicies ?? []).flatMap((policy) =>
      statementsOf(policy)
        .filter((s) => s.effect === effect && matches(s, input))
        .map((s) => gripOf(s, input)),
    );

  // §4.1 step 1, in the order of §4.2; across accounts the caller's own side is named first.
  const explicit = (type: string): string => `explicit ${type}`;
  if (has('Deny', scp?.flat())) return explicit('service control policy');
  if (has('Deny', rcp?.flat())) return explicit('resource control policy');
  if (has('Deny', policies.endpoint && [policies.endpoint])) return explicit('VPC endpoint policy');
  if (!same && has('Deny', identity)) return explicit('identity-based policy');
  if (grips('Deny').some((grip) => grip !== 'none')) return explicit(resourceType);
  if (has('Deny', policies.boundary && [policies.boundary])) return explicit('permissions boundary');
  if (has('Deny', session)) return explicit('session policy');
  if (has('Deny', identity)) return explicit('identity-based policy');
  // Steps 2 and 3.
  if (rcp !== undefined && !inEveryLevel(rcp)) return 'implicit resource control policy';
  if (scp !== undefined && !inEveryLevel(scp)) return 'implicit service control policy';
  if (policies.endpoint !== undefined && !has('Allow', [policies.endpoint])) return 'implicit VPC endpoint policy';
  // §2.1: temporary credentials and IAM, STS.
  const temporary = (p.type === 'User' || p.type === 'Root') && p.temporary !== undefined;
  if (temporary || p.type === 'FederatedUser') {
    const action = r.action.toLowerCase();
    if (action.startsWith('iam:') && action !== 'iam:passrole') return 'implicit session policy';
    if (action.startsWith('sts:') && !(temporary && r.resourcePolicyMode === 'Only')) return 'implicit session policy';
  }
  if (r.grantedBy !== undefined) return 'allowed';
  // Step 4.
  const allows = grips('Allow');
  const grip = ['direct', 'role', 'account'].find((one) => allows.includes(one)) ?? 'none';
  if (p.type === 'Anonymous' && trust) return `implicit ${resourceType}`;
  if (p.type === 'Service' || p.type === 'Anonymous' || p.type === 'Federated') {
    return grip === 'none' ? `implicit ${resourceType}` : 'allowed';
  }
  const root = p.type === 'Root' || (p.type === 'FederatedUser' && p.userArn.endsWith(':root'));
  const own = root || has('Allow', identity);
  const narrowing = (): string => {
    if (policies.boundary !== undefined && !has('Allow', [policies.boundary])) return 'implicit permissions boundary';
    if (session !== undefined && !has('Allow', session)) return 'implicit session policy';
    return 'allowed';
  };
  if (!same) {
    if (grip === 'none') return `implicit ${resourceType}`;
    if (!own)
      return `implicit ${grip === 'account' && r.resourcePolicyMode !== 'Only' ? resourceType : 'identity-based policy'}`;
    return narrowing();
  }
  if (grip === 'direct') return 'allowed';
  if (grip === 'role') return narrowing();
  if (r.resourcePolicyMode === 'Only' && grip === 'none') return `implicit ${resourceType}`;
  return own ? narrowing() : 'implicit identity-based policy';
}

const RCP_SERVICES = 's3 sts kms sqs secretsmanager ecr dynamodb logs cognito-identity cognito-idp aoss'.split(' ');

type Read = Readonly<{ effect: string; json: Json; variables: boolean }>;

function statementsOf(policy: NamedPolicy): Read[] {
  const document = JSON.parse(policy.document) as Json;
  return list(document['Statement']).map((json) => ({
    effect: String((json as Json)['Effect']),
    json: json as Json,
    variables: document['Version'] === '2012-10-17',
  }));
}

/** Action, resource and condition; the principal is `gripOf`. */
function matches({ json, variables }: Read, { request, context }: DecisionInput): boolean {
  const action = (pattern: string): boolean =>
    wild(tokens(pattern.toLowerCase(), true, false, context), request.action.toLowerCase());
  const resource = (pattern: string): boolean => resourceMatches(pattern, request.resource, variables, context);
  const element = (name: string, test: (pattern: string) => boolean): boolean =>
    json[name] !== undefined
      ? list(json[name]).map(String).some(test)
      : json[`Not${name}`] === undefined || !list(json[`Not${name}`]).map(String).some(test);
  return (
    element('Action', action) &&
    element('Resource', resource) &&
    Object.entries((json['Condition'] ?? {}) as Record<string, Json>).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) =>
        conditionHolds(operator, key, list(values).map(String), variables, context),
      ),
    )
  );
}

/** §3.5. */
function gripOf({ json, effect }: Read, { principal: p }: DecisionInput): string {
  const element = json['Principal'] ?? json['NotPrincipal'];
  if (element === undefined) return 'none';
  const names: [string, string][] =
    element === '*'
      ? [['AWS', '*']]
      : Object.entries(element as Json).flatMap(([kind, values]) =>
          list(values).map((value): [string, string] => [kind, String(value)]),
        );
  const named = (kind: string, name: string | undefined): boolean =>
    names.some(([k, n]) => k === kind && name !== undefined && n === name);
  const everybody = named('AWS', '*');
  const account = (a: string): boolean => named('AWS', a) || named('AWS', `arn:aws:iam::${a}:root`);
  if (json['Principal'] === undefined) {
    // NotPrincipal: everyone except those who are listed with all that they are.
    const listed =
      everybody ||
      (p.type === 'AssumedRole' &&
        account(p.account) &&
        (named('AWS', p.roleArn) || named('AWS', p.roleId)) &&
        named('AWS', p.arn)) ||
      (p.type === 'User' && account(p.account) && (named('AWS', p.arn) || named('AWS', p.userId))) ||
      (p.type === 'FederatedUser' && account(p.account) && named('AWS', p.arn)) ||
      (p.type === 'Root' && account(p.account)) ||
      (p.type === 'Service' && named('Service', p.service)) ||
      (p.type === 'Federated' && named('Federated', p.provider));
    return listed ? 'none' : 'direct';
  }
  if (everybody) return 'direct';
  switch (p.type) {
    case 'AssumedRole':
      if (named('AWS', p.arn)) return 'direct';
      if (named('AWS', p.roleArn) || named('AWS', p.roleId) || named('Federated', p.federatedProvider)) return 'role';
      return account(p.account) ? 'account' : 'none';
    case 'User':
      if (named('AWS', p.arn) || named('AWS', p.userId)) return 'direct';
      return account(p.account) ? 'account' : 'none';
    case 'FederatedUser':
      if (named('AWS', p.arn)) return 'direct';
      if (named('AWS', p.userArn) || named('AWS', p.userId)) return 'role';
      return account(p.account) ? 'account' : 'none';
    case 'Root':
      return account(p.account) ? 'account' : 'none';
    case 'Service':
      return named('Service', p.service) ? 'direct' : 'none';
    case 'Federated':
      return named('Federated', p.provider) ? 'direct' : 'none';
    default:
      return effect === 'never' ? 'direct' : 'none';
  }
}

/** §3.3. */
function conditionHolds(
  name: string,
  key: string,
  wanted: readonly string[],
  variables: boolean,
  context: Context,
): boolean {
  let operator = name;
  const set = /^(ForAllValues|ForAnyValue):/.exec(operator)?.[1];
  if (set !== undefined) operator = operator.slice(set.length + 1);
  const ifExists = operator.endsWith('IfExists');
  if (ifExists) operator = operator.slice(0, -'IfExists'.length);
  const present = valuesOf(key, context);
  if (operator === 'Null') return wanted.includes(String(present.length === 0));
  const negated = operator.includes('Not');
  const positive = operator.replace('Not', '');
  if (present.length === 0) {
    if (ifExists || set === 'ForAllValues') return true;
    return set === undefined && negated;
  }
  const matchesSome = (value: string): boolean =>
    wanted.some((pattern) => valueMatches(positive, pattern, value, variables, context));
  const holds = (value: string): boolean => matchesSome(value) !== negated;
  if (set === 'ForAllValues') return present.every(holds);
  if (set === 'ForAnyValue') return present.some(holds);
  return negated ? present.every(holds) : present.some(holds);
}

function valueMatches(operator: string, pattern: string, value: string, variables: boolean, context: Context): boolean {
  const expand = (text: string, wildcards: boolean): Token[] | undefined => tokens(text, wildcards, variables, context);
  switch (operator) {
    case 'StringEquals':
      return wild(expand(pattern, false), value);
    case 'StringEqualsIgnoreCase':
      return wild(expand(pattern, false)?.map(lowerToken), value.toLowerCase());
    case 'StringLike':
      return wild(expand(pattern, true), value);
    case 'ArnEquals':
    case 'ArnLike':
      return arnMatches(pattern, value, variables, context);
    case 'Bool':
      return ['true', 'false'].includes(value) && value === pattern;
    case 'IpAddress':
      return inRange(pattern, value);
    case 'BinaryEquals':
      return value === pattern;
    default: {
      const read = operator.startsWith('Date') ? (text: string): number => Date.parse(text) : Number;
      const [actual, expected] = [read(value), read(pattern)];
      if (operator.endsWith('LessThanEquals')) return actual <= expected;
      if (operator.endsWith('LessThan')) return actual < expected;
      if (operator.endsWith('GreaterThanEquals')) return actual >= expected;
      if (operator.endsWith('GreaterThan')) return actual > expected;
      return actual === expected;
    }
  }
}

/** §3.2: five fields and the rest; a short one is filled up with stars; variables after the fifth colon only. */
function resourceMatches(pattern: string, resource: string, variables: boolean, context: Context): boolean {
  if (pattern === '*') return true;
  const fields = sixFields(pattern);
  while (fields.length < 6) fields.push('*');
  const actual = sixFields(resource);
  if (actual.length < 6) return false;
  return fields.every((field, i) => wild(tokens(field, true, variables && i === 5, context), actual[i] ?? ''));
}

function arnMatches(pattern: string, value: string, variables: boolean, context: Context): boolean {
  if (pattern === '*') return true;
  const [fields, actual] = [sixFields(pattern), sixFields(value)];
  return (
    fields.length === 6 &&
    actual.length === 6 &&
    fields.every((field, i) => wild(tokens(field, true, variables, context), actual[i] ?? ''))
  );
}

/** Divided at the first five colons that are not inside a variable. */
function sixFields(text: string): string[] {
  const fields = [''];
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    if (text.startsWith('${', i)) inside = true;
    if (text[i] === '}') inside = false;
    if (text[i] === ':' && !inside && fields.length < 6) fields.push('');
    else fields[fields.length - 1] += text[i] ?? '';
  }
  return fields;
}

type Token = string | 1 | 2;
const ONE = 1;
const RUN = 2;

function lowerToken(token: Token): Token {
  return typeof token === 'string' ? token.toLowerCase() : token;
}

/** Undefined where a variable has no value. */
function tokens(pattern: string, wildcards: boolean, variables: boolean, context: Context): Token[] | undefined {
  const found: Token[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const variable = variables ? /^\$\{([^}]*)\}/.exec(pattern.slice(i)) : null;
    if (variable !== null) {
      const value = variableValue(variable[1] ?? '', context);
      if (value === undefined) return undefined;
      found.push(...value.split(''));
      i += variable[0].length - 1;
    } else if (wildcards && pattern[i] === '*') found.push(RUN);
    else if (wildcards && pattern[i] === '?') found.push(ONE);
    else found.push(pattern[i] ?? '');
  }
  return found;
}

function variableValue(inside: string, context: Context): string | undefined {
  if (['*', '?', '$'].includes(inside)) return inside;
  const [, key = '', fallback] = /^\s*([^,]*?)\s*(?:,\s*'(.*)'\s*)?$/.exec(inside) ?? [];
  const values = valuesOf(key, context);
  return values.length === 1 ? values[0] : fallback;
}

function valuesOf(key: string, context: Context): readonly string[] {
  for (const [name, value] of Object.entries(context)) {
    if (name.toLowerCase() === key.toLowerCase()) return typeof value === 'string' ? [value] : value;
  }
  return [];
}

/** Every way of reading the stars is tried, by a table: row i, column j says whether the first i tokens fit the first j characters. */
function wild(pattern: readonly Token[] | undefined, text: string): boolean {
  if (pattern === undefined) return false;
  let row = Array.from({ length: text.length + 1 }, (_, j) => j === 0);
  for (const token of pattern) {
    const next = row.map(() => false);
    for (let j = 0; j <= text.length; j++) {
      if (token === RUN) next[j] = row[j] === true || (j > 0 && next[j - 1] === true);
      else if (j > 0) next[j] = row[j - 1] === true && (token === ONE || token === text[j - 1]);
    }
    row = next;
  }
  return row[text.length] === true;
}

/** IPv4 alone. */
function inRange(range: string, address: string): boolean {
  const bits = (text: string): string =>
    text
      .split('.')
      .map((byte) => Number(byte).toString(2).padStart(8, '0'))
      .join('');
  const [base = '', length = '32'] = range.split('/');
  return bits(base).slice(0, Number(length)) === bits(address).slice(0, Number(length));
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/**
 * A policy document as it is written: its grammar, checked when it is saved, in IAM's words.
 *
 * Kinds: `identity` (inline and managed policies, boundaries, session policies), `trust` (of a role), `resource` (on a
 * bucket, a key, a queue; services with words of their own word it themselves).
 * Sources: IAM User Guide, "Grammar of the IAM JSON policy language", "IAM and AWS STS quotas"; the messages are those of
 * the service, as they are quoted in public reports.
 */
import { parseOperator } from './conditions.ts';
import { parseDate, parseIpRange } from './condition-values.ts';
import { hasDuplicateKeys } from './json-keys.ts';

export type PolicyKind = 'identity' | 'trust' | 'resource';

export type PolicyStatement = Readonly<Record<string, unknown>>;
export type PolicyDocument = Readonly<{
  version: '2012-10-17' | '2008-10-17';
  id?: string;
  statements: readonly PolicyStatement[];
}>;

export type PolicyCheck =
  | Readonly<{ ok: true; document: PolicyDocument }>
  /** `message` as IAM's MalformedPolicyDocument says it. */
  | Readonly<{ ok: false; message: string }>;

/** The statements of a document that was checked before; undefined for what is no policy. */
export function parsePolicy(text: string): PolicyDocument | undefined {
  const check = validatePolicyDocument(text, 'resource');
  if (check.ok) return check.document;
  const identity = validatePolicyDocument(text, 'identity');
  if (identity.ok) return identity.document;
  const trust = validatePolicyDocument(text, 'trust');
  return trust.ok ? trust.document : undefined;
}

/** The size that quotas count: white space is free. */
export function policySize(text: string): number {
  return text.replace(/\s+/g, '').length;
}

export function validatePolicyDocument(text: string, kind: PolicyKind): PolicyCheck {
  try {
    return { ok: true, document: check(text, kind) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, message: error.message };
    throw error;
  }
}

/** Local to this file: carries the first thing wrong out of the walk. */
class Malformed extends Error {}

const SYNTAX = 'Syntax errors in policy.';
const VENDORLESS = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.';

function check(text: string, kind: PolicyKind): PolicyDocument {
  const invalidJson = kind === 'identity' ? SYNTAX : 'This policy contains invalid Json';
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Malformed(invalidJson);
  }
  if (!isObject(document)) throw new Malformed(invalidJson);
  if (hasDuplicateKeys(text)) throw new Malformed(SYNTAX);
  onlyMembers(document, kind === 'identity' ? ['Version', 'Statement'] : ['Version', 'Id', 'Statement']);
  const version = document['Version'] ?? '2008-10-17';
  if (version !== '2012-10-17' && version !== '2008-10-17')
    throw new Malformed('The policy must contain a valid version string');
  const id = document['Id'];
  if (id !== undefined && typeof id !== 'string') throw new Malformed(SYNTAX);
  const statements = Array.isArray(document['Statement']) ? document['Statement'] : [document['Statement']];
  if (statements.length === 0) throw new Malformed('Could not parse the policy: Statement is empty!');
  const sids = new Set<string>();
  for (const statement of statements) {
    if (!isObject(statement)) throw new Malformed(SYNTAX);
    checkStatement(statement, kind);
    const sid = statement['Sid'];
    if (typeof sid !== 'string' || sid === '') continue;
    if (sids.has(sid)) throw new Malformed('Statement IDs (SID) in a single policy must be unique.');
    sids.add(sid);
  }
  const read = { version, statements: statements as PolicyStatement[] } as const;
  return id === undefined ? read : { ...read, id };
}

const MEMBERS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

function checkStatement(statement: PolicyStatement, kind: PolicyKind): void {
  onlyMembers(statement, MEMBERS);
  const { Sid: sid, Effect: effect } = statement;
  if (sid !== undefined && typeof sid !== 'string') throw new Malformed(SYNTAX);
  if (kind !== 'resource' && typeof sid === 'string' && !/^[0-9A-Za-z]*$/.test(sid)) {
    throw new Malformed(
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
    );
  }
  if (effect === undefined) throw new Malformed(kind === 'identity' ? SYNTAX : 'Missing required field Effect');
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw new Malformed(kind === 'identity' ? SYNTAX : `Invalid effect: ${quoted(effect, '')}`);
  }
  checkPrincipalElement(statement, kind);
  for (const action of oneOf(statement, 'Action', 'Policy statement must contain actions.')) checkAction(action, kind);
  checkResourceElement(statement, kind);
  checkConditions(statement['Condition']);
}

function checkPrincipalElement(statement: PolicyStatement, kind: PolicyKind): void {
  const { Principal: principal, NotPrincipal: others } = statement;
  if (kind === 'identity') {
    if (principal !== undefined || others !== undefined)
      throw new Malformed('Policy document should not specify a principal.');
    return;
  }
  if (kind === 'trust' && others !== undefined) throw new Malformed('Has prohibited field NotPrincipal');
  if (principal !== undefined && others !== undefined) throw new Malformed(SYNTAX);
  const element = principal ?? others;
  if (element === undefined) throw new Malformed('Missing required field Principal');
  if (element === '*') return;
  if (!isObject(element)) throw new Malformed(`Invalid principal in policy: ${quoted(element)}`);
  const kinds = Object.keys(element);
  if (kinds.length === 0) throw new Malformed('Missing required field Principal cannot be empty!');
  for (const principalKind of kinds) {
    for (const name of listOf(element[principalKind])) {
      if (typeof name !== 'string' || !isPrincipal(principalKind, name, kind)) {
        throw new Malformed(`Invalid principal in policy: "${principalKind}":${quoted(name)}`);
      }
    }
  }
}

/** In a message. What is neither text nor number may be nested too deep to be written. */
function quoted(value: unknown, mark = '"'): string {
  if (typeof value === 'string') return mark + value + mark;
  return typeof value === 'object' ? (Array.isArray(value) ? '[...]' : '{...}') : String(value);
}

function isPrincipal(principalKind: string, name: string, kind: PolicyKind): boolean {
  switch (principalKind) {
    case 'AWS':
      return (
        name === '*' ||
        /^\d{12}$/.test(name) ||
        /^A(?:ROA|IDA)[A-Z0-9]{12,}$/.test(name) ||
        /^arn:aws[a-z-]*:iam::\d{12}:(?:root|user\/[^*?]+|role\/[^*?]+)$/.test(name) ||
        /^arn:aws[a-z-]*:sts::\d{12}:(?:assumed-role\/[^*?/]+\/[^*?/]+|federated-user\/[^*?]+|self)$/.test(name) ||
        (kind === 'resource' && /^arn:aws[a-z-]*:iam::cloudfront:user\//.test(name))
      );
    case 'Service':
      return /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|aws\.internal)$/.test(name);
    case 'Federated':
      return name !== '' && !/[*?]/.test(name);
    case 'CanonicalUser':
      return kind === 'resource' && name !== '';
    default:
      return false;
  }
}

function checkAction(action: string, kind: PolicyKind): void {
  if (kind === 'trust') {
    if (!/^sts:[A-Za-z*?]+$/i.test(action))
      throw new Malformed('AssumeRole policy may only specify STS AssumeRole actions.');
    return;
  }
  if (action === '*') return;
  const colons = action.split(':').length - 1;
  if (colons === 0) throw new Malformed(VENDORLESS);
  if (colons > 1) throw new Malformed('Actions/Condition can contain only one colon.');
  const vendor = action.slice(0, action.indexOf(':'));
  if (!/^[A-Za-z0-9-]+$/.test(vendor)) throw new Malformed(`Vendor ${vendor} is not valid`);
  if (!/^[A-Za-z0-9*?]+$/.test(action.slice(vendor.length + 1))) throw new Malformed(SYNTAX);
}

function checkResourceElement(statement: PolicyStatement, kind: PolicyKind): void {
  if (kind === 'trust') {
    if (statement['Resource'] !== undefined) throw new Malformed('Has prohibited field Resource');
    if (statement['NotResource'] !== undefined) throw new Malformed('Has prohibited field NotResource');
    return;
  }
  const resources = oneOf(statement, 'Resource', 'Policy statement must contain resources.');
  if (kind === 'identity') for (const resource of resources) checkResource(resource);
}

function checkResource(resource: string): void {
  if (resource === '*') return;
  if (!resource.startsWith('arn:')) throw new Malformed(`Resource ${resource} must be in ARN format or "*".`);
  const [, partition = '', vendor, region = '', , name = ''] = resource.split(':');
  if (partition !== '*' && !/^aws(?:-[a-z-]+)?$/.test(partition)) {
    throw new Malformed(`Partition "${partition}" is not valid for resource "${resource}".`);
  }
  if (vendor !== undefined && vendor !== '*' && /[*?]/.test(vendor)) {
    throw new Malformed('Resource vendor must be fully qualified and cannot contain regexes.');
  }
  if (region === '' || /[*?]/.test(region)) return;
  if (vendor === 'iam') throw new Malformed(`IAM resource ${resource} cannot contain region information.`);
  if (vendor === 's3' && !/^[a-z-]+\//.test(name)) {
    throw new Malformed(`Resource ${resource} can not contain region information.`);
  }
}

function checkConditions(block: unknown): void {
  if (block === undefined) return;
  if (!isObject(block)) throw new Malformed(SYNTAX);
  for (const [name, keys] of Object.entries(block)) {
    const operator = parseOperator(name);
    if (operator === undefined || !isObject(keys)) throw new Malformed(SYNTAX);
    for (const [key, values] of Object.entries(keys)) {
      if (!key.includes(':')) throw new Malformed(VENDORLESS);
      for (const value of listOf(values)) {
        if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
          throw new Malformed(SYNTAX);
        if (!isConditionValue(operator.base, String(value))) throw new Malformed('The policy failed legacy parsing');
      }
    }
  }
}

function isConditionValue(operator: string, value: string): boolean {
  if (operator.startsWith('Date')) return parseDate(value) !== undefined;
  if (operator.startsWith('Numeric')) return value.trim() !== '' && Number.isFinite(Number(value));
  if (operator === 'Bool' || operator === 'Null') return /^(?:true|false)$/i.test(value);
  if (operator.endsWith('IpAddress')) return parseIpRange(value) !== undefined;
  return true;
}

/** The strings of `X` or `NotX`, of which there must be exactly one. */
function oneOf(statement: PolicyStatement, member: 'Action' | 'Resource', whenMissing: string): readonly string[] {
  const plain = statement[member];
  const negated = statement[`Not${member}`];
  if (plain !== undefined && negated !== undefined) throw new Malformed(SYNTAX);
  const values = listOf(plain ?? negated);
  if (values.length === 0) throw new Malformed(whenMissing);
  for (const value of values) if (typeof value !== 'string') throw new Malformed(SYNTAX);
  return values as string[];
}

function onlyMembers(value: PolicyStatement, members: readonly string[]): void {
  if (Object.keys(value).some((key) => !members.includes(key))) throw new Malformed(SYNTAX);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

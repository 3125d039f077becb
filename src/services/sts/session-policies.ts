/** Session policies and session tags as they are passed in. Source: IAM User Guide, "Session policies", "Pass session tags". */
import type { PolicyDescriptorType, Tag } from '@aws-sdk/client-sts';
import { AwsError, type RequestContext } from '../../common/index.ts';
import { awsManagedPolicy } from '../../core/managed-policies/index.ts';
import { policySize, validatePolicyDocument } from '../../core/policy/index.ts';
import { managedPolicies, nameKey, type Queryable, type Tags } from '../../store/index.ts';

const MOST_CHARACTERS = 2048;
const MOST_ARNS = 10;
const MOST_TAGS = 50;
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

/** The documents, inline first; undefined when none is passed: then nothing narrows the session. */
export async function sessionPolicies(
  q: Queryable,
  account: string,
  inline: string | undefined,
  arns: readonly PolicyDescriptorType[] | undefined,
): Promise<readonly string[] | undefined> {
  if (inline === undefined && (arns === undefined || arns.length === 0)) return undefined;
  if (arns !== undefined && arns.length > MOST_ARNS) {
    throw invalid(`Session policies may name at most ${MOST_ARNS} managed policies.`);
  }
  const documents: string[] = [];
  if (inline !== undefined) {
    const check = validatePolicyDocument(inline, 'identity');
    if (!check.ok) throw new AwsError('MalformedPolicyDocumentException', check.message);
    documents.push(inline);
  }
  for (const { arn = '' } of arns ?? []) documents.push(await managedDocument(q, account, arn));
  return documents;
}

/** A managed session policy is AWS's or lies in the account of the role. */
async function managedDocument(q: Queryable, account: string, arn: string): Promise<string> {
  const aws = awsManagedPolicy(arn);
  if (aws !== undefined) return aws.document;
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  const policy = (await managedPolicies.get(q, nameKey(account, name)))?.document;
  const version = policy?.versions.find((candidate) => candidate.versionId === policy.defaultVersionId);
  if (policy?.arn !== arn || version === undefined) throw invalid(`PolicyArn ${arn} is not valid.`);
  return version.document;
}

/** The condition keys of tags that are passed. */
export function tagContext(tags: readonly Tag[] | undefined): RequestContext {
  if (tags === undefined || tags.length === 0) return {};
  return {
    'aws:TagKeys': tags.map(({ Key = '' }) => Key),
    ...Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [`aws:RequestTag/${Key}`, Value])),
  };
}

/** Checked also where the model does not: tags that a web identity's token carries. */
export function sessionTags(tags: readonly Tag[] | undefined): Tags {
  if (tags !== undefined && tags.length > MOST_TAGS) throw invalid(`A session may have at most ${MOST_TAGS} tags.`);
  const seen = new Set<string>();
  for (const { Key = '', Value = '' } of tags ?? []) {
    if (seen.has(Key.toLowerCase())) {
      throw invalid(
        'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
        'InvalidParameterValue',
      );
    }
    if (/^aws:/i.test(Key)) {
      throw invalid('Tag keys beginning with aws: are reserved for system use.', 'InvalidParameterValue');
    }
    if (!TAG_KEY.test(Key) || !TAG_VALUE.test(Value)) throw invalid(`The session tag ${Key} is not valid.`);
    seen.add(Key.toLowerCase());
  }
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

/**
 * What `PackedPolicySize` says, in percent; undefined when nothing was passed. Throws PackedPolicyTooLarge.
 * Differs from AWS: AWS packs by a method of its own; here the share of plain characters is counted.
 */
export function packedSize(
  inline: string | undefined,
  arns: readonly PolicyDescriptorType[] | undefined,
  tags: Tags,
): number | undefined {
  const policies = (inline === undefined ? 0 : policySize(inline)) + sum((arns ?? []).map(({ arn = '' }) => arn));
  const total = policies + sum(Object.entries(tags).flat());
  if (total === 0) return undefined;
  if (policies > MOST_CHARACTERS) {
    throw invalid(`Value at 'policy' exceeds the limit of ${MOST_CHARACTERS} characters for session policies.`);
  }
  const percent = Math.ceil((total * 100) / (2 * MOST_CHARACTERS));
  if (percent > 100) {
    throw new AwsError(
      'PackedPolicyTooLargeException',
      `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`,
    );
  }
  return percent;
}

function sum(texts: readonly string[]): number {
  return texts.reduce((total, text) => total + text.length, 0);
}

function invalid(message: string, code = 'ValidationError'): AwsError {
  return new AwsError(code, message, { statusCode: 400 });
}

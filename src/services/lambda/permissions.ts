/**
 * Resource policies, one for the function and one for each version and alias, statement by statement.
 * Source: Lambda Developer Guide, "Working with resource-based IAM policies in Lambda"; API Reference, AddPermission.
 */
import type {
  AddPermissionRequest,
  AddPermissionResponse,
  GetPolicyRequest,
  GetPolicyResponse,
  RemovePermissionRequest,
} from '@aws-sdk/client-lambda';
import { AwsError, own, type RequestContext } from '../../common/index.ts';
import { bindPolicy, type PolicyPrincipals, shownPolicy } from '../bound-policies.ts';
import { type Call, operation } from '../service.ts';
import { invalid } from './errors.ts';
import { functionAccess, knownFunction, policyDocument } from './access.ts';
import { changeFunction } from './change-function.ts';
import { requireQualified } from './functions.ts';
import { parseName } from './names.ts';
import { functionArn, LATEST, type PolicyStatement, requireFunction } from './records.ts';
import { assertRevision } from './versions.ts';

const MAX_POLICY_BYTES = 20_480;

export const addPermission = operation<AddPermissionRequest, AddPermissionResponse>({
  authorize: async (input, call) => [
    await functionAccess(
      call,
      'AddPermission',
      input.FunctionName,
      input.Qualifier,
      typeof input.Principal === 'string' ? { 'lambda:Principal': input.Principal } : {},
    ),
  ],
  async handle(input, call) {
    const named = parseName(call, input.FunctionName, input.Qualifier);
    if (named.qualifier === LATEST) throw invalid('We currently do not support adding policies for $LATEST.');
    await requireQualified(call, named);
    const written = statementOf(input, functionArn(named.place, named.qualifier));
    const { statement, policyPrincipals } = await bound(call, written);
    const key = named.qualifier ?? '';
    await changeFunction(call, named.place, (record) => {
      const policy = own(record.policies, key);
      if (input.RevisionId !== undefined)
        assertRevision(input.RevisionId, policy?.revisionId ?? record.latest.revisionId);
      if (policy?.statements.some(({ Sid }) => Sid === statement.Sid)) {
        throw new AwsError(
          'ResourceConflictException',
          `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
        );
      }
      const changed = {
        revisionId: call.house.ids.uuid(),
        statements: [...(policy?.statements ?? []), statement],
        policyPrincipals: { ...policy?.policyPrincipals, ...policyPrincipals },
      };
      const bytes = Buffer.byteLength(policyDocument(changed));
      if (bytes > MAX_POLICY_BYTES) {
        throw new AwsError(
          'PolicyLengthExceededException',
          `The final policy size (${bytes}) is bigger than the limit (${MAX_POLICY_BYTES}).`,
        );
      }
      return { ...record, policies: { ...record.policies, [key]: changed } };
    });
    return { Statement: JSON.stringify(written) };
  },
});

/** `lambda:Principal` of the statement that is removed: whom it lets in. */
async function principalKey(call: Call, input: RemovePermissionRequest): Promise<RequestContext> {
  const named = parseName(call, input.FunctionName, input.Qualifier);
  const record = await knownFunction(call, named);
  const policy = record && own(record.policies, named.qualifier ?? '');
  const statement = policy?.statements.find(({ Sid }) => Sid === input.StatementId);
  const principal: unknown = statement?.Principal;
  const [first] = typeof principal === 'object' && principal !== null ? Object.values(principal) : [principal];
  return typeof first === 'string' ? { 'lambda:Principal': first } : {};
}

export const removePermission = operation<RemovePermissionRequest, void>({
  authorize: async (input, call) => [
    await functionAccess(
      call,
      'RemovePermission',
      input.FunctionName,
      input.Qualifier,
      await principalKey(call, input),
    ),
  ],
  async handle(input, call) {
    const { place, qualifier } = parseName(call, input.FunctionName, input.Qualifier);
    const key = qualifier ?? '';
    await changeFunction(call, place, (record) => {
      const { [key]: _removed, ...others } = record.policies;
      const policy = own(record.policies, key);
      if (policy === undefined)
        throw new AwsError('ResourceNotFoundException', 'No policy is associated with the given resource.');
      assertRevision(input.RevisionId, policy.revisionId);
      const statements = policy.statements.filter(({ Sid }) => Sid !== input.StatementId);
      if (statements.length === policy.statements.length) {
        throw new AwsError(
          'ResourceNotFoundException',
          `Statement ${input.StatementId} is not found in resource policy.`,
        );
      }
      if (statements.length === 0) return { ...record, policies: others };
      const changed = { ...policy, revisionId: call.house.ids.uuid(), statements };
      return { ...record, policies: { ...others, [key]: changed } };
    });
  },
});

export const getPolicy = operation<GetPolicyRequest, GetPolicyResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'GetPolicy', input.FunctionName, input.Qualifier)],
  async handle(input, call) {
    const { place, qualifier } = parseName(call, input.FunctionName, input.Qualifier);
    const { policies } = await requireFunction(call.house.store, place, qualifier);
    const policy = own(policies, qualifier ?? '');
    if (policy === undefined) {
      throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.');
    }
    return {
      Policy: await shownPolicy(call.house.store, policyDocument(policy), policy.policyPrincipals),
      RevisionId: policy.revisionId,
    };
  },
});

function statementOf(input: AddPermissionRequest, resource: string): PolicyStatement {
  const condition: Record<string, Record<string, string>> = {};
  const add = (operator: string, key: string, value: string | undefined): void => {
    if (value !== undefined) condition[operator] = { ...condition[operator], [key]: value };
  };
  add('StringEquals', 'AWS:SourceAccount', input.SourceAccount);
  add('ArnLike', 'AWS:SourceArn', input.SourceArn);
  add('StringEquals', 'aws:PrincipalOrgID', input.PrincipalOrgID);
  add('StringEquals', 'lambda:EventSourceToken', input.EventSourceToken);
  add('StringEquals', 'lambda:FunctionUrlAuthType', input.FunctionUrlAuthType);
  add(
    'Bool',
    'lambda:InvokedViaFunctionUrl',
    input.InvokedViaFunctionUrl === undefined ? undefined : String(input.InvokedViaFunctionUrl),
  );
  return {
    Sid: input.StatementId ?? '',
    Effect: 'Allow',
    Principal: principalOf(input.Principal ?? ''),
    Action: input.Action ?? '',
    Resource: resource,
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
  };
}

async function bound(
  call: Call,
  statement: PolicyStatement,
): Promise<Readonly<{ statement: PolicyStatement; policyPrincipals: PolicyPrincipals | undefined }>> {
  const { policy, policyPrincipals } = await bindPolicy(
    call.house.store,
    call.account,
    JSON.stringify({ Statement: statement }),
    () => invalid('The provided principal was invalid. Please check the principal and try again.'),
  );
  return { statement: (JSON.parse(policy) as { Statement: PolicyStatement }).Statement, policyPrincipals };
}

function principalOf(principal: string): PolicyStatement['Principal'] {
  if (principal === '*') return '*';
  if (/^\d{12}$/.test(principal)) return { AWS: `arn:aws:iam::${principal}:root` };
  if (/^arn:aws[a-z-]*:(iam|sts)::\d{12}:.+$/.test(principal)) return { AWS: principal };
  if (/^[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)$/.test(principal)) return { Service: principal };
  throw invalid('The provided principal was invalid. Please check the principal and try again.');
}

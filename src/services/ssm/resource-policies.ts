/**
 * Policies on parameters, by which other accounts read them: of the advanced tier alone, and for reading alone.
 * Source: Systems Manager API Reference, PutResourcePolicy; User Guide, "Working with shared parameters in Parameter Store".
 */
import { createHash } from 'node:crypto';
import type {
  DeleteResourcePolicyRequest,
  GetResourcePoliciesRequest,
  GetResourcePoliciesResponse,
  PutResourcePolicyRequest,
  PutResourcePolicyResponse,
} from '@aws-sdk/client-ssm';
import { AwsError, parseArn } from '../../common/index.ts';
import { resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import type { Queryable, Stored } from '../../store/index.ts';
import { bindPolicy, shownPolicy } from '../bound-policies.ts';
import { decodeToken, encodeToken } from '../pages.ts';
import { type Call, operation } from '../service.ts';
import { locate, type Parameter, type ParameterPolicy, parameters } from './records.ts';

const MOST_POLICIES = 50;
const LARGEST_POLICY_BYTES = 20_480;

/** Source: the User Guide, "Permission sets for sharing parameters". */
const SHARED_ACTIONS: ReadonlySet<string> = new Set([
  'ssm:describeparameters',
  'ssm:getparameter',
  'ssm:getparameterhistory',
  'ssm:getparameters',
]);

export const putResourcePolicy = operation<PutResourcePolicyRequest, PutResourcePolicyResponse>({
  authorize: ({ ResourceArn }) => [{ action: 'ssm:PutResourcePolicy', resource: ResourceArn ?? '*' }],
  handle: async (input, call) => {
    const document = input.Policy ?? '';
    checkDocument(document);
    const bound = await bindPolicy(
      call.house.store,
      call.account,
      document,
      (principal) =>
        new AwsError('MalformedResourcePolicyDocumentException', `Invalid principal in policy: "AWS":"${principal}"`),
    );
    const hash = createHash('sha256').update(document).digest('hex');
    const fresh = call.house.ids.uuid();
    return call.house.store.transaction(async (tx) => {
      const { key, document: parameter } = await ownParameter(tx, call, input.ResourceArn);
      if (parameter.tier !== 'Advanced')
        throw new AwsError(
          'ResourcePolicyInvalidParameterException',
          'A resource policy can be attached only to a parameter of the advanced-parameter tier.',
        );
      const before = parameter.policies ?? [];
      if (input.PolicyId === undefined) {
        if (before.length >= MOST_POLICIES)
          throw new AwsError('ResourcePolicyLimitExceededException', `A parameter can have ${MOST_POLICIES} policies.`);
        const policies = [...before, { id: fresh, hash, ...bound }];
        await parameters.update(tx, key, { ...parameter, policies });
        return { PolicyId: fresh, PolicyHash: hash };
      }
      const { id } = samePolicy(before, input.PolicyId, input.PolicyHash);
      const policies = before.map((each) => (each.id === id ? { id, hash, ...bound } : each));
      await parameters.update(tx, key, { ...parameter, policies });
      return { PolicyId: id, PolicyHash: hash };
    });
  },
});

export const getResourcePolicies = operation<GetResourcePoliciesRequest, GetResourcePoliciesResponse>({
  authorize: ({ ResourceArn }) => [{ action: 'ssm:GetResourcePolicies', resource: ResourceArn ?? '*' }],
  handle: async (input, call) => {
    const refuse = (): AwsError =>
      new AwsError('ResourcePolicyInvalidParameterException', 'The specified token is not valid.');
    const { from = 0 } = input.NextToken === undefined ? {} : decodeToken(input.NextToken, refuse);
    if (typeof from !== 'number' || !Number.isSafeInteger(from) || from < 0) throw refuse();
    const { document } = await ownParameter(call.house.store, call, input.ResourceArn);
    const all = document.policies ?? [];
    const until = from + (input.MaxResults ?? MOST_POLICIES);
    const Policies = await Promise.all(
      all.slice(from, until).map(async ({ id, hash, policy, policyPrincipals }) => ({
        PolicyId: id,
        PolicyHash: hash,
        Policy: await shownPolicy(call.house.store, policy, policyPrincipals),
      })),
    );
    return { Policies, ...(until < all.length ? { NextToken: encodeToken({ from: until }) } : {}) };
  },
});

export const deleteResourcePolicy = operation<DeleteResourcePolicyRequest, object>({
  authorize: ({ ResourceArn }) => [{ action: 'ssm:DeleteResourcePolicy', resource: ResourceArn ?? '*' }],
  handle: async (input, call) =>
    call.house.store.transaction(async (tx) => {
      const { key, document } = await ownParameter(tx, call, input.ResourceArn);
      const before = document.policies ?? [];
      const { id } = samePolicy(before, input.PolicyId ?? '', input.PolicyHash);
      await parameters.update(tx, key, { ...document, policies: before.filter((each) => each.id !== id) });
      return {};
    }),
});

function checkDocument(document: string): void {
  const problem =
    Buffer.byteLength(document) > LARGEST_POLICY_BYTES
      ? `The policy is larger than ${LARGEST_POLICY_BYTES} bytes.`
      : resourcePolicyProblem(document);
  if (problem !== undefined) throw new AwsError('MalformedResourcePolicyDocumentException', problem);
  const { Statement } = JSON.parse(document) as { Statement?: unknown };
  for (const statement of (Array.isArray(Statement) ? Statement : [Statement]) as { Action?: unknown }[]) {
    const actions = Array.isArray(statement.Action) ? statement.Action : [statement.Action];
    for (const action of actions)
      if (typeof action !== 'string' || !SHARED_ACTIONS.has(action.toLowerCase()))
        throw new AwsError(
          'ResourcePolicyInvalidParameterException',
          `The action ${String(action)} cannot be granted by the policy of a parameter.`,
        );
  }
}

async function ownParameter(q: Queryable, call: Call, arn: string | undefined): Promise<Stored<Parameter>> {
  const parsed = parseArn(arn ?? '');
  if (parsed?.service !== 'ssm' || !parsed.resource.startsWith('parameter/'))
    throw new AwsError(
      'ResourcePolicyInvalidParameterException',
      `${arn}: policies of other resources than parameters are not implemented by Sluice.`,
    );
  const isOwn = parsed.account === call.account && parsed.region === call.region;
  const { stored } = isOwn ? await locate(q, arn ?? '', call) : { stored: undefined };
  const found = stored && (await parameters.getForUpdate(q, stored.key));
  if (found === undefined) throw new AwsError('ResourceNotFoundException', `The resource ${arn} does not exist.`);
  return found;
}

function samePolicy(policies: readonly ParameterPolicy[], id: string, hash: string | undefined): ParameterPolicy {
  const found = policies.find((each) => each.id === id);
  if (found === undefined)
    throw new AwsError('ResourcePolicyNotFoundException', `No policy was found with the ID ${id}.`);
  if (found.hash !== hash)
    throw new AwsError('ResourcePolicyConflictException', 'The hash provided does not match the policy as it is.');
  return found;
}

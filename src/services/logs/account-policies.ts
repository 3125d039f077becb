/** Resource policies of an account's logs: what lets services such as EventBridge write. Source: CloudWatch Logs API Reference. */
import type {
  DeleteResourcePolicyRequest,
  DescribeResourcePoliciesRequest,
  DescribeResourcePoliciesResponse,
  PutResourcePolicyRequest,
  PutResourcePolicyResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '../../common/index.ts';
import { resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import type { DocumentKey } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import { accountPolicies, type AccountPolicy } from './records.ts';

const MOST_POLICIES = 10;
const PAGE = 50;

export const putResourcePolicy = operation<PutResourcePolicyRequest, PutResourcePolicyResponse>({
  handle: async (input, call) => {
    refuseGroupPolicies(input);
    const name = input.policyName ?? '';
    if (name === '') throw new AwsError('InvalidParameterException', 'policyName is required.');
    const policy: AccountPolicy = { name, document: checked(input.policyDocument), changedAt: call.now };
    const { store } = call.house;
    await store.transaction(async (tx) => {
      const known = await accountPolicies.get(tx, policyKey(call, name));
      const count = await accountPolicies.count(tx, { account: call.account, region: call.region });
      if (known === undefined && count >= MOST_POLICIES)
        throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
      await accountPolicies.put(tx, policyKey(call, name), policy);
    });
    return { resourcePolicy: shown(policy) };
  },
});

function refuseGroupPolicies(input: Readonly<{ resourceArn?: string; expectedRevisionId?: string }>): void {
  for (const member of ['resourceArn', 'expectedRevisionId'] as const) {
    if (input[member] !== undefined)
      throw new AwsError(
        'InvalidParameterException',
        `${member} is not implemented by Sluice: resource policies are the account's.`,
      );
  }
}

function checked(document: string | undefined): string {
  const problem = resourcePolicyProblem(document ?? '');
  if (problem !== undefined) throw new AwsError('InvalidParameterException', `Invalid resource policy: ${problem}`);
  return document ?? '';
}

export const describeResourcePolicies = operation<DescribeResourcePoliciesRequest, DescribeResourcePoliciesResponse>({
  handle: async (input, call) => {
    if (input.resourceArn !== undefined || (input.policyScope !== undefined && input.policyScope !== 'ACCOUNT')) {
      throw new AwsError(
        'InvalidParameterException',
        "resourceArn and policyScope RESOURCE are not implemented by Sluice: resource policies are the account's.",
      );
    }
    const after = decodePage(input.nextToken);
    const limit = input.limit ?? PAGE;
    const stored = await accountPolicies.list(call.house.store, {
      account: call.account,
      region: call.region,
      ...(after === undefined ? {} : { after }),
      limit: limit + 1,
    });
    const page = stored.slice(0, limit);
    return {
      resourcePolicies: page.map(({ document }) => shown(document)),
      ...(stored.length > limit ? { nextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const deleteResourcePolicy = operation<DeleteResourcePolicyRequest, object>({
  handle: async (input, call) => {
    refuseGroupPolicies(input);
    if (!(await accountPolicies.delete(call.house.store, policyKey(call, input.policyName ?? ''))))
      throw new AwsError('ResourceNotFoundException', `Policy with name [${input.policyName ?? ''}] does not exist.`);
    return {};
  },
});

function policyKey(call: Call, name: string): DocumentKey {
  return { account: call.account, region: call.region, id: name };
}

function shown(policy: AccountPolicy): NonNullable<PutResourcePolicyResponse['resourcePolicy']> {
  return { policyName: policy.name, policyDocument: policy.document, lastUpdatedTime: policy.changedAt };
}

/**
 * What calls on stacks need to be allowed. A stack that does not exist is asked for as `stack/<name>/*`, as AWS denies it.
 * Source: Service Authorization Reference, "AWS CloudFormation".
 */
import type { AccessRequest, RequestContext } from '../../common/index.ts';
import { parseArn } from '../../common/index.ts';
import { passRole } from '../pass-role.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { Call, House, ResourceFacts } from '../service.ts';
import { changeSets, findStack, idInArn, stackArn, stackKey, stacks } from './records.ts';

type Asked = Readonly<{
  StackName?: string | undefined;
  RoleARN?: string | undefined;
  TemplateURL?: string | undefined;
  ChangeSetName?: string | undefined;
  StackPolicyURL?: string | undefined;
  Tags?: readonly Readonly<{ Key?: string | undefined; Value?: string | undefined }>[] | undefined;
}>;

/** `action` without the prefix. Runs on unchecked input. */
export async function stackAccess(call: Call, action: string, input: Asked): Promise<AccessRequest[]> {
  const changeSet = changeSetArn(input.ChangeSetName);
  const name = input.StackName ?? (changeSet === undefined ? undefined : await stackOf(call, changeSet));
  const stack = typeof name === 'string' ? await findStack(call.house.store, call, name) : undefined;
  const asked = name?.startsWith('arn:') === true ? name : stackArn(call, name ?? '*', '*');
  const tags = (stack?.current ?? stack?.latest)?.tags;
  return [
    {
      action: `cloudformation:${action}`,
      resource: stack?.stackId ?? asked,
      context: { ...resourceTagKeys(tags), ...keysOf(input) },
    },
    ...passRole(input.RoleARN, 'cloudformation.amazonaws.com'),
  ];
}

function keysOf({ RoleARN, TemplateURL, ChangeSetName, StackPolicyURL, Tags }: Asked): RequestContext {
  return {
    ...(RoleARN === undefined ? {} : { 'cloudformation:RoleArn': RoleARN }),
    ...(TemplateURL === undefined ? {} : { 'cloudformation:TemplateUrl': TemplateURL }),
    ...(ChangeSetName === undefined ? {} : { 'cloudformation:ChangeSetName': ChangeSetName }),
    ...(StackPolicyURL === undefined ? {} : { 'cloudformation:StackPolicyUrl': StackPolicyURL }),
    ...(Tags === undefined || Tags.length === 0
      ? {}
      : {
          ...Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [`aws:RequestTag/${Key}`, Value])),
          'aws:TagKeys': Tags.map(({ Key = '' }) => Key),
        }),
  };
}

function changeSetArn(name: string | undefined): string | undefined {
  return typeof name === 'string' && parseArn(name)?.resource.startsWith('changeSet/') === true ? name : undefined;
}

async function stackOf(call: Call, changeSetId: string): Promise<string | undefined> {
  const id = parseArn(changeSetId)?.resource.split('/').at(-1) ?? '';
  return (await changeSets.get(call.house.store, { account: call.account, region: call.region, id }))?.document.stackId;
}

/** What CloudFormation knows of a stack named by its ARN. */
export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'cloudformation') return undefined;
  const { account, region } = parsed;
  const id = idInArn({ account, region }, arn);
  const stack =
    id === undefined ? undefined : (await stacks.get(house.store, stackKey({ account, region }, id)))?.document;
  if (stack === undefined) return undefined;
  return { resourceAccount: account, context: resourceTagKeys((stack.current ?? stack.latest)?.tags) };
}

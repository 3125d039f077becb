/** AWS::IAM::Role. Source: CloudFormation User Guide, "AWS::IAM::Role". */
import type { JsonObject } from '../../../common/index.ts';
import {
  isMissing,
  isSet,
  list,
  type Made,
  type Making,
  number,
  object,
  optional,
  policy,
  type ResourceType,
  tagChanges,
  tagList,
  tagMap,
  text,
} from '../resource-type.ts';

type Role = Readonly<{ Role: Readonly<{ RoleName: string; Arn: string; RoleId: string }> }>;

export const role: ResourceType = {
  properties: [
    'AssumeRolePolicyDocument',
    'Description',
    'ManagedPolicyArns',
    'MaxSessionDuration',
    'Path',
    'PermissionsBoundary',
    'Policies',
    'RoleName',
    'Tags',
  ],
  required: ['AssumeRolePolicyDocument'],
  replaceOn: ['Path', 'RoleName'],
  nameProperty: 'RoleName',
  attributes: ['Arn', 'RoleId'],

  async create(making, properties) {
    const RoleName = making.nameOf(properties['RoleName'], 64);
    const Tags = tagList(tagMap(properties['Tags']));
    const { Role } = await making.makeOrAdopt<Role>(
      properties['RoleName'] === undefined,
      () =>
        making.call('iam', 'CreateRole', {
          RoleName,
          AssumeRolePolicyDocument: policy(properties['AssumeRolePolicyDocument']),
          Path: optional(properties['Path']),
          Description: optional(properties['Description']),
          MaxSessionDuration: number(properties['MaxSessionDuration']),
          PermissionsBoundary: optional(properties['PermissionsBoundary']),
          ...(Tags.length === 0 ? {} : { Tags }),
        }),
      () => making.call('iam', 'GetRole', { RoleName }),
    );
    making.begun = RoleName;
    await setPolicies(making, RoleName, properties, {});
    return made(Role);
  },

  async update(making, RoleName, properties, before) {
    if (policy(properties['AssumeRolePolicyDocument']) !== policy(before['AssumeRolePolicyDocument'])) {
      const PolicyDocument = policy(properties['AssumeRolePolicyDocument']);
      await making.call('iam', 'UpdateAssumeRolePolicy', { RoleName, PolicyDocument });
    }
    const settings = ({ Description, MaxSessionDuration }: JsonObject) => ({
      Description: text(Description ?? ''),
      MaxSessionDuration: number(MaxSessionDuration) ?? 3_600,
    });
    if (JSON.stringify(settings(properties)) !== JSON.stringify(settings(before)))
      await making.call('iam', 'UpdateRole', { RoleName, ...settings(properties) });
    const boundary = optional(properties['PermissionsBoundary']);
    if (boundary !== optional(before['PermissionsBoundary'])) {
      if (boundary === undefined) await making.ifThere('iam', 'DeleteRolePermissionsBoundary', { RoleName });
      else await making.call('iam', 'PutRolePermissionsBoundary', { RoleName, PermissionsBoundary: boundary });
    }
    await setPolicies(making, RoleName, properties, before);
    const { set, gone } = tagChanges(before['Tags'], properties['Tags']);
    if (isSet(set)) await making.call('iam', 'TagRole', { RoleName, Tags: tagList(set) });
    if (gone.length > 0) await making.call('iam', 'UntagRole', { RoleName, TagKeys: gone });
    const { Role } = await making.call<Role>('iam', 'GetRole', { RoleName });
    return made(Role);
  },

  async remove(making, RoleName, properties) {
    for (const PolicyArn of list(properties['ManagedPolicyArns']).map(text))
      await making.ifThere('iam', 'DetachRolePolicy', { RoleName, PolicyArn });
    for (const PolicyName of Object.keys(inlinePolicies(properties)))
      await making.ifThere('iam', 'DeleteRolePolicy', { RoleName, PolicyName });
    await making.ifThere('iam', 'DeleteRole', { RoleName });
  },
};

function inlinePolicies(properties: JsonObject): Record<string, string> {
  return Object.fromEntries(
    list(properties['Policies'])
      .map(object)
      .map(({ PolicyName, PolicyDocument }) => [text(PolicyName), policy(PolicyDocument)]),
  );
}

async function setPolicies(making: Making, RoleName: string, after: JsonObject, before: JsonObject): Promise<void> {
  const [attached, attachedBefore] = [
    list(after['ManagedPolicyArns']).map(text),
    list(before['ManagedPolicyArns']).map(text),
  ];
  for (const PolicyArn of attached.filter((arn) => !attachedBefore.includes(arn)))
    await making.call('iam', 'AttachRolePolicy', { RoleName, PolicyArn });
  const [inline, inlineBefore] = [inlinePolicies(after), inlinePolicies(before)];
  for (const [PolicyName, PolicyDocument] of Object.entries(inline)) {
    if (inlineBefore[PolicyName] !== PolicyDocument)
      await making.call('iam', 'PutRolePolicy', { RoleName, PolicyName, PolicyDocument });
  }
  for (const PolicyArn of attachedBefore.filter((arn) => !attached.includes(arn)))
    await making.call('iam', 'DetachRolePolicy', { RoleName, PolicyArn }).catch(unlessMissing);
  for (const PolicyName of Object.keys(inlineBefore).filter((name) => inline[name] === undefined))
    await making.call('iam', 'DeleteRolePolicy', { RoleName, PolicyName }).catch(unlessMissing);
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

function made({ RoleName, Arn, RoleId }: Role['Role']): Made {
  return { physicalId: RoleName, attributes: { Arn, RoleId } };
}

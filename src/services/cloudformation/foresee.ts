/** What follows from a stack's operation: its role is assumed. What that role then makes is the template's to say. */
import type { Foreseen } from '../foreseen.ts';
import type { Call } from '../service.ts';
import { findStack, pick, stackArn } from './records.ts';
import { roleUse } from './role-sessions.ts';

type Input = Readonly<{ StackName?: string; RoleARN?: string }>;

async function assumeRole({ StackName = '*', RoleARN }: Input, call: Call): Promise<readonly Foreseen[]> {
  const stack = await findStack(call.house.store, call, StackName);
  const roleArn = RoleARN ?? (stack?.current ?? stack?.latest)?.roleArn;
  if (roleArn === undefined) return [];
  const stackId = stack?.stackId ?? stackArn(call, StackName, '*');
  return [
    {
      service: 'sts',
      operation: 'GetCallerIdentity',
      input: {},
      scope: pick(call),
      as: roleUse(call, roleArn, stackId),
      purpose: 'make the resources as the role of the stack',
    },
  ];
}

export const foresee = {
  CreateChangeSet: assumeRole,
  CreateStack: assumeRole,
  DeleteStack: assumeRole,
  UpdateStack: assumeRole,
};

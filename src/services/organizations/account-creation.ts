/** Performs the making of an account: its entrance role, by IAM's door; then the account is a member. */
import { isAwsError } from '../../common/index.ts';
import {
  type AccountCreation,
  type AccountCreationEffect,
  type AccountCreationEvent,
  decide,
} from '../../core/account-creation/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import { accounts, globalKey } from '../../store/index.ts';
import type { House } from '../index.ts';
import { changeOrganization } from './policy-records.ts';

export const ACCOUNT_CREATION = 'organizations.account-creation';

export function accountCreationLoop(
  house: House,
): LoopDefinition<AccountCreation, AccountCreationEvent, AccountCreationEffect> {
  return defineLoop<AccountCreation, AccountCreationEvent, AccountCreationEffect>({
    kind: ACCOUNT_CREATION,
    decide,
    isFinal: ({ phase }) => phase !== 'Creating',
    perform: async (effect, { now }) => {
      await makeEntranceRole(house, effect);
      const { organizationId, parentId, accountId, name, email, tags } = effect;
      await changeOrganization(house, (tx) =>
        accounts.insert(
          tx,
          globalKey(accountId),
          {
            id: accountId,
            name,
            email,
            joinedMethod: 'CREATED',
            joinedAt: now,
            status: 'ACTIVE',
            organizationId,
            parentId,
            tags,
          },
          { parent: organizationId },
        ),
      );
      return { type: 'AccountOpened' };
    },
    onGivenUp: () => ({ type: 'AccountFailed', reason: 'INTERNAL_FAILURE' }),
  });
}

/** The role by which the management account enters: trusted to its account, with all rights. Safe to do again. */
async function makeEntranceRole(house: House, effect: AccountCreationEffect): Promise<void> {
  const iam = house.door.asService(
    'organizations.amazonaws.com',
    { account: effect.accountId, region: 'us-east-1' },
    { sourceAccount: effect.managementAccount },
  );
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${effect.managementAccount}:root` },
        Action: 'sts:AssumeRole',
      },
    ],
  };
  try {
    await iam.call('iam', 'CreateRole', {
      RoleName: effect.roleName,
      AssumeRolePolicyDocument: JSON.stringify(trust),
    });
  } catch (error) {
    if (!isAwsError(error, 'EntityAlreadyExistsException')) throw error;
  }
  await iam.call('iam', 'AttachRolePolicy', {
    RoleName: effect.roleName,
    PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
  });
}

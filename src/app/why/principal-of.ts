/** Whom a text names: the ARN of a user, role, session or account, an account's number, a service, or nobody in particular. */
import { parseArn, type Principal } from '../../common/index.ts';
import type { House } from '../../services/index.ts';
import { nameKey, roles, users } from '../../store/index.ts';

const SESSION_MS = 3_600_000;

/** A role stands for a session of it, named `why`. Undefined: there is no such user or role. */
export async function principalOf(text: string, house: House): Promise<Principal | undefined> {
  if (text === '*' || text === 'anonymous') return { type: 'Anonymous' };
  if (/^\d{12}$/.test(text)) return root(text);
  if (/^[a-z0-9.-]+\.amazonaws\.com$/.test(text)) return { type: 'Service', service: text };
  const arn = parseArn(text);
  if (arn === undefined) return undefined;
  const { service, account, resource } = arn;
  if (service === 'iam' && resource === 'root') return root(account);
  if (service === 'iam' && resource.startsWith('role/')) return roleSession(house, text, 'why');
  if (service === 'iam' && resource.startsWith('user/')) return userOf(house, account, text);
  const [, roleName, sessionName] = /^assumed-role\/([^/]+)\/([^/]+)$/.exec(resource) ?? [];
  if (service !== 'sts' || roleName === undefined || sessionName === undefined) return undefined;
  const role = (await roles.get(house.store, nameKey(account, roleName)))?.document;
  return role && roleSession(house, role.arn, sessionName);
}

function root(account: string): Principal {
  return { type: 'Root', account, arn: `arn:aws:iam::${account}:root` };
}

async function userOf(house: House, account: string, arn: string): Promise<Principal | undefined> {
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  const user = (await users.get(house.store, nameKey(account, name)))?.document;
  if (user?.arn !== arn) return undefined;
  return { type: 'User', account, arn, userName: user.userName, userId: user.userId };
}

/** The principal that a session of this role would be; undefined when there is no such role. */
export async function roleSession(house: House, roleArn: string, sessionName: string): Promise<Principal | undefined> {
  const account = parseArn(roleArn)?.account ?? '';
  const name = roleArn.slice(roleArn.lastIndexOf('/') + 1);
  const role = (await roles.get(house.store, nameKey(account, name)))?.document;
  if (role?.arn !== roleArn) return undefined;
  const now = house.clock.now();
  return {
    type: 'AssumedRole',
    account,
    arn: `arn:aws:sts::${account}:assumed-role/${role.roleName}/${sessionName}`,
    roleArn,
    roleName: role.roleName,
    roleId: role.roleId,
    sessionName,
    issuedAt: now,
    expiresAt: now + SESSION_MS,
  };
}

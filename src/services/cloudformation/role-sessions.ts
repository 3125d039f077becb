/** As whom a stack's resources are made: a session of the stack's role, or whoever asked for the operation. */
import { isAwsError, MINUTE_MS, type Session } from '../../common/index.ts';
import type { Client, House, Scope } from '../service.ts';
import { invalid, type StackConfiguration } from './records.ts';

const PRINCIPAL = 'cloudformation.amazonaws.com';
const SESSION_NAME = 'AWSCloudFormation';
/** A session is not used when it ends sooner than this. */
const MARGIN_MS = 5 * MINUTE_MS;

const kept = new WeakMap<House, Map<string, Session>>();

/** How CloudFormation assumes a role for a stack. */
export function roleUse({ account, region }: Scope, roleArn: string, stackId: string) {
  const by = { service: PRINCIPAL, sourceArn: stackId, sourceAccount: account };
  return { roleArn, sessionName: SESSION_NAME, by, region };
}

/** Throws ValidationError, "Role ... is invalid or cannot be assumed". `fresh`: the trust is asked again. */
export async function stackClient(
  house: House,
  scope: Scope,
  stackId: string,
  { roleArn, caller }: Pick<StackConfiguration, 'roleArn' | 'caller'>,
  fresh = false,
): Promise<Client> {
  if (roleArn === undefined) return house.door.as(caller, scope, { viaService: PRINCIPAL });
  let sessions = kept.get(house);
  if (sessions === undefined) kept.set(house, (sessions = new Map()));
  const id = `${stackId} ${roleArn}`;
  const known = sessions.get(id);
  if (!fresh && known !== undefined && known.expiresAt - house.clock.now() > MARGIN_MS)
    return house.door.as(known.principal, scope);
  const { by, ...use } = roleUse(scope, roleArn, stackId);
  try {
    const session = await house.door.assumeRole({ ...use, by: { type: 'Service', ...by } });
    if (sessions.size > 1_000) sessions.clear();
    sessions.set(id, session);
    return house.door.as(session.principal, scope);
  } catch (error) {
    if (!isAwsError(error) || /Throttl|Unavailable|InternalFailure/.test(error.code)) throw error;
    throw invalid(`Role ${roleArn} is invalid or cannot be assumed`);
  }
}

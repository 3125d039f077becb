/** Sessions of execution roles, kept until they are about to run out. */
import { AwsError, isAwsError, MINUTE_MS, type Session } from '../../common/index.ts';
import type { House } from '../service.ts';
import { LAMBDA_PRINCIPAL } from './access.ts';
import { functionArn, type Place } from './records.ts';

/** A session that has less than this left is not handed out any more. */
export const LEAST_LEFT_MS = 5 * MINUTE_MS;

export class RoleSessions {
  readonly #house: House;
  readonly #sessions = new Map<string, Promise<Session>>();

  constructor(house: House) {
    this.#house = house;
  }

  /** Throws what `assumeExecutionRole` throws. */
  async get(place: Place, role: string): Promise<Session> {
    const key = `${functionArn(place)} ${role}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) {
      const session = await known;
      if (session.expiresAt - this.#house.clock.now() > LEAST_LEFT_MS) return session;
    }
    const fresh = assumeExecutionRole(this.#house, place, role);
    this.#sessions.set(key, fresh);
    fresh.catch(() => this.#sessions.get(key) === fresh && this.#sessions.delete(key));
    return fresh;
  }

  forget(place: Place): void {
    for (const key of this.#sessions.keys()) if (key.startsWith(`${functionArn(place)} `)) this.#sessions.delete(key);
  }
}

/** Throws `InvalidParameterValueException` when the role's trust policy does not let Lambda assume it, or there is no such role. */
export async function assumeExecutionRole(house: House, place: Place, role: string): Promise<Session> {
  try {
    return await house.door.assumeRole({
      roleArn: role,
      // AWS's own name for it; session names have two characters at least.
      sessionName: place.name.padEnd(2, '_'),
      by: { type: 'Service', service: LAMBDA_PRINCIPAL, sourceArn: functionArn(place), sourceAccount: place.account },
      region: place.region,
    });
  } catch (error) {
    if (!isAwsError(error)) throw error;
    throw new AwsError(
      'InvalidParameterValueException',
      'The role defined for the function cannot be assumed by Lambda.',
      { cause: error },
    );
  }
}

/** The service role's session of one build, renewed before it ends. Session name as AWS forms it: `AWSCodeBuild-<uuid>`. */
import { MINUTE_MS, type Session } from '../../../common/index.ts';
import type { Client, House, Scope } from '../../service.ts';
import { type Build, buildUuid, projectArn, SERVICE } from '../records.ts';

/** The role of a build, and as whom CodeBuild assumes it. */
export function roleUse(scope: Scope, { id, definition }: Readonly<{ id: string; definition: UsedDefinition }>) {
  return {
    roleArn: definition.serviceRole,
    sessionName: `AWSCodeBuild-${buildUuid(id)}`,
    by: {
      service: SERVICE,
      sourceArn: projectArn(scope, definition.projectName),
      sourceAccount: scope.account,
    },
  };
}

type UsedDefinition = Readonly<{ serviceRole: string; projectName: string }>;

export class RoleSession {
  readonly #house: House;
  readonly #scope: Scope;
  readonly #build: Build;
  readonly #onSession: (session: Session) => void;
  #session: Promise<Session> | undefined;
  #expiresAt = 0;

  /** `onSession` sees each session, so that its keys can be hidden. */
  constructor(house: House, scope: Scope, build: Build, onSession: (session: Session) => void) {
    this.#house = house;
    this.#scope = { account: scope.account, region: scope.region };
    this.#build = build;
    this.#onSession = onSession;
  }

  async session(): Promise<Session> {
    if (this.#session === undefined || this.#house.clock.now() > this.#expiresAt - 5 * MINUTE_MS) {
      this.#expiresAt = Number.POSITIVE_INFINITY;
      this.#session = this.#assume();
    }
    return this.#session;
  }

  async client(): Promise<Client> {
    return this.#house.door.as((await this.session()).principal, this.#scope);
  }

  async #assume(): Promise<Session> {
    try {
      const { by, ...use } = roleUse(this.#scope, this.#build);
      const session = await this.#house.door.assumeRole({
        ...use,
        by: { type: 'Service', ...by },
        region: this.#scope.region,
      });
      this.#expiresAt = session.expiresAt;
      this.#onSession(session);
      return session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }
}

/**
 * The one path of a call, from outside or between services: find the operation, authorise, validate, execute, audit.
 * Nothing reaches a handler by another way (DESIGN.md ideas 1 and 2).
 */
import { AwsError, type AccessRequest, type Principal, type RequestContext, type Session } from '../common/index.ts';
import { checkTypes, type Models, validateInput } from '../protocol/index.ts';
import type {
  Call,
  Client,
  Door,
  House,
  Notification,
  Operation,
  Scope,
  ServiceDefinition,
} from '../services/index.ts';
import type { AuditTrail } from './audit.ts';
import { HOPS_HEADER, type Remotes } from './remotes/remotes.ts';
import type { RemoteSetting } from './remotes/settings.ts';
import { type Authorizer, denialOf, type Explained } from './authorizer.ts';
import { auditRecordOf, type CredentialFacts } from './trail/entry.ts';
import { decisionRecord } from './why/decision-record.ts';

/** Source: EventBridge API Reference, PutEvents. */
const ENTRIES_PER_CALL = 10;

export type Execution = Readonly<{
  service: string;
  operation: string;
  input: Record<string, unknown>;
  principal: Principal;
  scope: Scope;
  requestId: string;
  http?: Call['http'];
  /** Of the key that signed the request. */
  credentials?: CredentialFacts;
  viaService?: string;
  /** The services before it on the way of the caller's credentials, the first first. */
  calledVia?: readonly string[];
  context?: RequestContext;
  clientToken?: string;
  /** Of the call that this one is made for, with the same caller. */
  parentRequestId?: string;
  /** The wire has its own check, of the same constraints; absent: checked here against the model. */
  validate?: (input: Record<string, unknown>) => void;
}>;

export class TheDoor implements Door {
  readonly #services: ReadonlyMap<string, ServiceDefinition>;
  readonly #models: Models;
  readonly #authorizer: Authorizer;
  readonly #audit: AuditTrail;
  readonly #remotes: Remotes;
  /** The credentials of sessions that services made, by the principal they were given. */
  readonly #onHandled: (() => void) | undefined;
  readonly #credentials = new WeakMap<Principal, CredentialFacts>();
  #house: House | undefined;
  #inFlight = 0;

  constructor(
    options: Readonly<{
      services: ReadonlyMap<string, ServiceDefinition>;
      models: Models;
      authorizer: Authorizer;
      audit: AuditTrail;
      remotes: Remotes;
      /** For tests of crashes: a call has been handled. */
      onHandled?: () => void;
    }>,
  ) {
    this.#services = options.services;
    this.#models = options.models;
    this.#authorizer = options.authorizer;
    this.#audit = options.audit;
    this.#remotes = options.remotes;
    this.#onHandled = options.onHandled;
  }

  /** Calls that are being answered, but for those that wait for something to happen. */
  callsInFlight(): number {
    return this.#inFlight;
  }

  /** The house holds the door and the door the house: it is given once, before the first call. */
  open(house: House): void {
    this.#house = house;
  }

  async execute(execution: Execution): Promise<Record<string, unknown>> {
    const remote = this.#remotes.of(execution);
    if (remote !== undefined) return this.#executeThere(remote, execution);
    const { service, operation: name, input } = execution;
    const definition = this.#services.get(service);
    const operation = definition?.operations[name];
    if (definition === undefined || operation === undefined) throw notImplemented(service, name);
    const call = this.#call(execution);
    const counted = operation.waits === true ? 0 : 1;
    this.#inFlight += counted;
    let error: unknown;
    let output: Record<string, unknown> | undefined;
    let requests: readonly AccessRequest[] = [];
    try {
      // The wire's codecs have seen to the types already.
      if (execution.validate === undefined) this.#checkTypes(service, name, input);
      requests = await accessRequests(definition, operation, name, input, call);
      await this.#authorizer.authorize(call, requests, execution.context);
      if (execution.validate === undefined) this.#validate(service, name, input);
      else execution.validate(input);
      output = ((await operation.handle(input, call)) ?? {}) as Record<string, unknown>;
      this.#onHandled?.();
      return output;
    } catch (failure) {
      error = failure;
      throw failure;
    } finally {
      this.#inFlight -= counted;
      this.#record(execution, call, { requests, output, error });
    }
  }

  /**
   * A call that belongs to another endpoint. A caller from here is held to its own policies here first; a session that was
   * made there is known there only.
   */
  async #executeThere(remote: RemoteSetting, execution: Execution): Promise<Record<string, unknown>> {
    const { service, operation: name, input, principal } = execution;
    const call = this.#call(execution);
    this.#inFlight += 1;
    let requests: readonly AccessRequest[] = [];
    let error: unknown;
    let output: Record<string, unknown> | undefined;
    try {
      this.#checkTypes(service, name, input);
      const definition = this.#services.get(service);
      const operation = definition?.operations[name];
      if (definition !== undefined && operation !== undefined && !this.#remotes.isForeign(principal)) {
        requests = await accessRequests(definition, operation, name, input, call);
        await this.#authorizer.authorize(call, requests, execution.context);
      }
      this.#validate(service, name, input);
      const hops = Number(execution.http?.headers[HOPS_HEADER] ?? 0);
      output = await this.#remotes.call(remote, { ...execution, hops });
      return output;
    } catch (failure) {
      error = failure;
      throw failure;
    } finally {
      this.#inFlight -= 1;
      this.#record(execution, call, { requests, output, error });
    }
  }

  #record(
    execution: Execution,
    call: Call,
    outcome: Readonly<{
      requests: readonly AccessRequest[];
      output: Record<string, unknown> | undefined;
      error: unknown;
    }>,
  ): void {
    const { service, operation, input, parentRequestId } = execution;
    const { requests, output, error } = outcome;
    this.#audit.add(() =>
      auditRecordOf(this.#models, {
        call,
        service,
        operation,
        input,
        requests,
        credentials: execution.credentials ?? this.#credentials.get(execution.principal),
        parentRequestId,
        output,
        error,
        decision: decisionRecord(denialOf(error)),
      }),
    );
  }

  /** The hop is allowed here by the caller's own policies, and there by the role's trust. */
  async #assumeRoleThere(remote: RemoteSetting, options: Parameters<Door['assumeRole']>[0]): Promise<Session> {
    const { by, roleArn, sessionName, region } = options;
    const execution: Execution = {
      service: 'sts',
      operation: 'AssumeRole',
      input: { RoleArn: roleArn, RoleSessionName: sessionName },
      principal: by,
      scope: { account: 'account' in by ? (by.account ?? remote.account) : remote.account, region },
      requestId: this.#theHouse().ids.uuid(),
    };
    const call = this.#call(execution);
    const requests: readonly AccessRequest[] = [{ action: 'sts:AssumeRole', resource: roleArn }];
    let output: Record<string, unknown> | undefined;
    let error: unknown;
    try {
      if (by.type === 'Service')
        throw new AwsError(
          'AccessDeniedException',
          `${by.service} cannot assume ${roleArn}, which lies at another endpoint.`,
          { statusCode: 403 },
        );
      if (!this.#remotes.isForeign(by)) await this.#authorizer.authorize(call, requests);
      const session = await this.#remotes.assumeRole(remote, { ...options, now: call.now });
      const { principal, accessKeyId } = session;
      this.#credentials.set(principal, { accessKeyId });
      if (principal.type === 'AssumedRole')
        output = { AssumedRoleUser: { AssumedRoleId: `${principal.roleId}:${sessionName}`, Arn: principal.arn } };
      return session;
    } catch (failure) {
      error = failure;
      throw failure;
    } finally {
      this.#record(execution, call, { requests, output, error });
    }
  }

  /**
   * What `execute` would decide, without deciding it: the call as its handlers would see it, and the decision of each of
   * its requests. Nothing is executed and nothing written to the trail. Throws what `authorize` of the operation throws.
   */
  async explain(
    execution: Pick<
      Execution,
      'service' | 'operation' | 'input' | 'principal' | 'scope' | 'viaService' | 'context' | 'http'
    >,
  ): Promise<Readonly<{ call: Call; explained: readonly Explained[] }>> {
    const { service, operation: name, input, context } = execution;
    const definition = this.#services.get(service);
    const operation = definition?.operations[name];
    if (definition === undefined || operation === undefined) throw notImplemented(service, name);
    const call = this.#call({ ...execution, requestId: this.#theHouse().ids.uuid() });
    const requests = await accessRequests(definition, operation, name, input, call);
    return { call, explained: await this.#authorizer.explain(call, requests, context) };
  }

  /** Where a call or a role lies, if not here: the endpoint. */
  elsewhere(of: Pick<Execution, 'service' | 'input' | 'scope'> | Readonly<{ roleArn: string; region: string }>) {
    const remote = 'roleArn' in of ? this.#remotes.ofRole(of.roleArn, of.region) : this.#remotes.of(of);
    return remote && (remote.endpoint ?? 'AWS');
  }

  as(
    principal: Principal,
    scope: Scope,
    options: Readonly<{ viaService?: string; context?: RequestContext }> = {},
  ): Client {
    return this.#client(principal, scope, options);
  }

  #client(
    principal: Principal,
    scope: Scope,
    options: Pick<Execution, 'viaService' | 'calledVia' | 'context' | 'parentRequestId' | 'credentials'>,
  ): Client {
    return {
      principal,
      scope,
      call: async <Output>(service: string, operation: string, input: object, more = {}) =>
        (await this.execute({
          service,
          operation,
          input: input as Record<string, unknown>,
          principal,
          scope,
          requestId: this.#theHouse().ids.uuid(),
          ...options,
          ...more,
        })) as Output,
    };
  }

  asService(
    service: string,
    scope: Scope,
    source: Readonly<{ sourceArn?: string; sourceAccount?: string }> = {},
  ): Client {
    return this.as({ type: 'Service', service, ...source }, scope);
  }

  async assumeRole(options: Parameters<Door['assumeRole']>[0]): Promise<Session> {
    const remote = this.#remotes.ofRole(options.roleArn, options.region);
    if (remote !== undefined) return this.#assumeRoleThere(remote, options);
    const account = options.roleArn.split(':')[4] ?? '';
    const scope = { account: 'account' in options.by ? options.by.account : account, region: options.region };
    const answer = await this.as(options.by, scope).call<{
      Credentials?: {
        AccessKeyId?: string;
        SecretAccessKey?: string;
        SessionToken?: string;
        Expiration?: Date | number;
      };
    }>('sts', 'AssumeRole', {
      RoleArn: options.roleArn,
      RoleSessionName: options.sessionName,
      Policy: options.policy,
      DurationSeconds: options.durationSeconds,
    });
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration = 0 } = answer.Credentials ?? {};
    const credentials = await this.#authorizer.identity.credentials(AccessKeyId);
    if (credentials === undefined)
      throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid.');
    const { by } = options;
    this.#credentials.set(credentials.principal, {
      accessKeyId: AccessKeyId,
      ...(by.type === 'Service' ? { madeBy: by.service } : {}),
    });
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiresAt: Number(Expiration),
      principal: credentials.principal,
    };
  }

  async publish(scope: Scope, notification: Notification | readonly Notification[]): Promise<void> {
    if (!this.#services.has('events')) return;
    const notifications = 'source' in notification ? [notification] : notification;
    const source = notifications[0]?.source ?? '';
    const client = this.asService(`${source.replace(/^aws\./, '')}.amazonaws.com`, scope);
    const now = this.#theHouse().clock.now();
    for (let start = 0; start < notifications.length; start += ENTRIES_PER_CALL) {
      await client.call('events', 'PutEvents', {
        Entries: notifications.slice(start, start + ENTRIES_PER_CALL).map((each) => ({
          Source: each.source,
          DetailType: each.detailType,
          Detail: JSON.stringify(each.detail),
          Resources: each.resources,
          Time: new Date(each.at ?? now),
        })),
      });
    }
  }

  implemented(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      [...this.#services].map(([name, service]) => [name, Object.keys(service.operations).sort()]),
    );
  }

  #theHouse(): House {
    if (this.#house === undefined) throw new Error('the door is used before the house is built');
    return this.#house;
  }

  #checkTypes(service: string, operation: string, input: Record<string, unknown>): void {
    const model = this.#models.service(service);
    if (model !== undefined) checkTypes(model, operation, input);
  }

  #validate(service: string, operation: string, input: Record<string, unknown>): void {
    const model = this.#models.service(service);
    if (model !== undefined) validateInput(model, operation, input);
  }

  #call(execution: Execution): Call {
    const house = this.#theHouse();
    const { scope, principal } = execution;
    return {
      house,
      account: scope.account,
      region: scope.region,
      principal,
      requestId: execution.requestId,
      now: house.clock.now(),
      ...(execution.http === undefined ? {} : { http: execution.http }),
      ...(execution.viaService === undefined ? {} : { viaService: execution.viaService }),
      ...(execution.calledVia === undefined ? {} : { calledVia: execution.calledVia }),
      ...(execution.context === undefined ? {} : { context: execution.context }),
      ...(execution.clientToken === undefined ? {} : { clientToken: execution.clientToken }),
      arn: (service, resource) => `arn:aws:${service}:${scope.region}:${scope.account}:${resource}`,
      forward: (viaService) => {
        const before = execution.viaService;
        const calledVia = before === undefined ? undefined : [...(execution.calledVia ?? []), before];
        return this.#client(principal, scope, {
          viaService,
          ...(calledVia === undefined ? {} : { calledVia }),
          parentRequestId: execution.requestId,
          ...(execution.credentials === undefined ? {} : { credentials: execution.credentials }),
        });
      },
    };
  }
}

async function accessRequests(
  definition: ServiceDefinition,
  operation: Operation,
  name: string,
  input: Record<string, unknown>,
  call: Call,
): Promise<readonly AccessRequest[]> {
  if (operation.authorize === undefined) return [{ action: `${definition.iamPrefix}:${name}`, resource: '*' }];
  return operation.authorize(input, call);
}

/** Differs from AWS: AWS has no operation that it does not implement. 501 is not retried by the SDKs. */
function notImplemented(service: string, operation: string): AwsError {
  return new AwsError('NotImplemented', `The operation ${operation} of ${service} is not implemented by Sluice.`, {
    statusCode: 501,
  });
}

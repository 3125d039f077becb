/**
 * Walks the calls that follow from a call, before any of them is made, and judges each: the real `authorize` of its
 * operation says what it needs, the decision is the one that every call gets, and the service says what follows from it.
 * A denied call is followed all the same, as if it were mended, so that one walk finds everything that is missing.
 *
 * Nothing is executed. The one thing that may come of a walk is what asking for it always makes: an AWS managed key.
 */
import { AwsError, isAwsError, parseArn, type Principal } from '../../common/index.ts';
import type {
  Call,
  Foreseen,
  ForeseenCall,
  ForeseenCaller,
  ForeseenUse,
  Foresight,
  House,
  Scope,
  ServiceDefinition,
} from '../../services/index.ts';
import type { Authorizer, Explained } from '../authorizer.ts';
import type { TheDoor } from '../door.ts';
import { roleSession } from '../why/principal-of.ts';
import { resourceFacts } from '../why/resource-facts.ts';

/** What a walk needs of the open house. */
export type WalkTools = Readonly<{
  house: House;
  door: TheDoor;
  authorizer: Authorizer;
  services: ReadonlyMap<string, ServiceDefinition>;
}>;

/** One permission that the journey needs, and its decision. */
export type Judged = Explained &
  Readonly<{
    part: string;
    purpose: string;
    viaService?: string;
    /** A denial of it is passed over. */
    optional: boolean;
  }>;

export type Remark = Readonly<{ part: string; kind: 'unknown' | 'fails'; text: string }>;

/** Calls that follow from calls go deeper than this only when something goes in a circle. */
const DEEPEST = 12;

type Place = Readonly<{ part: string; caller: Principal | undefined; depth: number }>;

export class Walk {
  readonly judged: Judged[] = [];
  readonly remarks: Remark[] = [];
  /** In the order in which they are reached. */
  readonly parts = new Set<string>();
  readonly foresight: Foresight = { facts: new Map(), placeholders: new Map() };
  readonly #tools: WalkTools;
  readonly #assumed = new Set<string>();

  constructor(tools: WalkTools) {
    this.#tools = tools;
  }

  /** What follows from a call that is allowed and not judged itself. */
  async followFrom(start: Readonly<{ service: string; operation: string; input: object }>, call: Call): Promise<void> {
    await this.#follow(start, call, { part: '', caller: call.principal, depth: 0 });
  }

  /** A call, and what follows from it. */
  async judge(call: ForeseenCall, caller: Principal): Promise<void> {
    await this.#visit(call, { part: '', caller, depth: 0 });
  }

  async #follow(
    { service, operation, input }: Readonly<{ service: string; operation: string; input: object }>,
    call: Call,
    place: Place,
  ): Promise<void> {
    const foresee = this.#tools.services.get(service)?.foresee?.[operation];
    if (foresee === undefined || place.depth > DEEPEST) return;
    for await (const foreseen of await foresee(input, call, this.foresight)) await this.#visit(foreseen, place);
  }

  async #visit(foreseen: Foreseen, { part: outer, caller, depth }: Place): Promise<void> {
    const part = foreseen.part ?? outer;
    if (part !== '') this.parts.add(part);
    if ('unknown' in foreseen) return this.#remark(part, 'unknown', foreseen.unknown);
    if ('fails' in foreseen) return this.#remark(part, 'fails', foreseen.fails);
    if (foreseen.unlessExists !== undefined && (await this.#exists(foreseen.unlessExists))) return;
    const principal = await this.#principalOf(foreseen.as, foreseen.scope, { part, caller, depth });
    if (principal === undefined) return;
    const place = { part, caller: principal, depth: depth + 1 };
    if ('action' in foreseen) return this.#judgeUse(foreseen, place);
    const call = await this.#judgeCall(foreseen, place);
    const { service, operation, input, scope } = foreseen;
    const endpoint = this.#tools.door.elsewhere({ service, input: input as Record<string, unknown>, scope });
    if (endpoint !== undefined) this.#remark(part, 'unknown', `what ${endpoint} says to ${service}:${operation}`);
    else if (call !== undefined) await this.#follow(foreseen, call, place);
  }

  #remark(part: string, kind: Remark['kind'], text: string): void {
    if (this.remarks.some((remark) => remark.part === part && remark.text === text)) return;
    this.remarks.push({ part, kind, text });
  }

  /** Undefined where the call cannot be made at all; that is remarked. */
  async #judgeCall(foreseen: ForeseenCall, { part, caller }: Place): Promise<Call | undefined> {
    const { service, operation, input, scope, viaService, purpose, optional = false } = foreseen;
    if (caller === undefined) return undefined;
    try {
      const { call, explained } = await this.#tools.door.explain({
        service,
        operation,
        input: input as Record<string, unknown>,
        principal: caller,
        scope,
        ...(viaService === undefined ? {} : { viaService }),
      });
      for (const each of explained) {
        this.judged.push({ ...each, part, purpose, optional, ...(viaService === undefined ? {} : { viaService }) });
      }
      return call;
    } catch (error) {
      if (!isAwsError(error)) throw error;
      const kind = isAwsError(error, 'NotImplemented') ? 'unknown' : 'fails';
      this.#remark(part, kind, `${service}:${operation}, to ${purpose}: ${error.message}`);
      return undefined;
    }
  }

  async #judgeUse({ action, resource, scope, purpose, optional = false }: ForeseenUse, { part, caller }: Place) {
    if (caller === undefined) return;
    const { authorizer, house } = this.#tools;
    const facts = await resourceFacts(this.#tools, resource, action, caller);
    const call = { principal: caller, ...scope, now: house.clock.now() };
    const [explained] = await authorizer.explain(call, [{ action, resource, ...facts }]);
    if (explained !== undefined) this.judged.push({ ...explained, part, purpose, optional });
  }

  async #exists(arn: string): Promise<boolean> {
    return (await resourceFacts(this.#tools, arn, '')) !== undefined;
  }

  /** Judges the assumption of a role, once in each part of the journey, and goes on as if it had been allowed. */
  async #principalOf(as: ForeseenCaller | undefined, scope: Scope, place: Place): Promise<Principal | undefined> {
    if (as === undefined) return place.caller;
    if ('service' in as) return { type: 'Service', ...as };
    const { roleArn, sessionName = 'preflight', region = scope.region } = as;
    const by = as.by === undefined ? place.caller : await this.#principalOf(as.by, scope, place);
    if (by === undefined) return undefined;
    const endpoint = this.#tools.door.elsewhere({ roleArn, region });
    if (endpoint !== undefined) {
      await this.#judgeHop(roleArn, region, by, place);
      this.#remark(place.part, 'unknown', `what ${roleArn} may do: it lies at ${endpoint}`);
      return undefined;
    }
    const id = JSON.stringify([place.part, by, roleArn, sessionName, region]);
    if (!this.#assumed.has(id)) {
      this.#assumed.add(id);
      const account = 'account' in by && by.account !== undefined ? by.account : (parseArn(roleArn)?.account ?? '');
      const assumption: ForeseenCall = {
        service: 'sts',
        operation: 'AssumeRole',
        input: { RoleArn: roleArn, RoleSessionName: sessionName },
        scope: { account, region },
        purpose: 'assume the role',
      };
      if ((await this.#judgeCall(assumption, { ...place, caller: by })) === undefined) return undefined;
    }
    return this.#sessionOf(roleArn, sessionName, place.part);
  }

  /** To a role at another endpoint: only what the caller's own policies say of it is decided here. */
  async #judgeHop(roleArn: string, region: string, by: Principal, { part }: Place): Promise<void> {
    const account = ('account' in by ? by.account : undefined) ?? '';
    const call = { principal: by, account, region, now: this.#tools.house.clock.now() };
    const request = { action: 'sts:AssumeRole', resource: roleArn };
    const [explained] = await this.#tools.authorizer.explain(call, [request]);
    const hop = { part, purpose: 'assume the role', optional: false };
    if (explained !== undefined) this.judged.push({ ...explained, ...hop });
  }

  async #sessionOf(roleArn: string, sessionName: string, part: string): Promise<Principal | undefined> {
    const session = await roleSession(this.#tools.house, roleArn, sessionName);
    if (session === undefined) this.#remark(part, 'fails', `there is no role ${roleArn}`);
    return session;
  }
}

/** The refusal of a pipeline that is not there. */
export function unknownPipeline(name: string, { account, region }: Scope): AwsError {
  return new AwsError('PipelineNotFoundException', `There is no pipeline ${name} in ${account}, ${region}.`, {
    statusCode: 404,
  });
}

/**
 * What is checked of every call, from users and between services alike:
 *
 *   NoInternalFailure    a call fails with an error of AWS's, or a fault of the machine is behind its failure
 *   PoliciesDecide (6)   a decision is that of the slow evaluator (a sample), by policies that held during the call
 *   NoSecret (9)         no error tells a secret
 */
import type { Execution } from '../../src/app/door.ts';
import { isAwsError } from '../../src/common/index.ts';
import type { DecisionInput, PolicyDecision } from '../../src/core/policy/index.ts';
import { slowDecide } from '../../test/support/slow-decision.ts';
import type { DiskChecks } from './disk-checks.ts';
import { isInjected } from './faults.ts';
import type { Observer } from './process.ts';
import { Violation } from './violation.ts';

/** What AWS does inside, which no policy of a customer grants. */
const PLUMBING = new Set(['events:PutEvents', 'cloudwatch:PutMetricData']);

/** One decision in so many is made again, slowly. */
const SAMPLE = 16;

export type CallChecksOptions = Readonly<{
  disk: DiskChecks;
  step: () => number;
  secrets: Set<string>;
  count: (what: string) => void;
  fail: (violation: Violation) => void;
}>;

/** Calls under way and the steps at which they began, the oldest first. */
type InFlight = Map<Execution, number>;

export class CallChecks {
  readonly #options: CallChecksOptions;
  /** By process. */
  readonly #inFlight = new Map<string, InFlight>();
  #decisions = 0;

  constructor(options: CallChecksOptions) {
    this.#options = options;
  }

  of(process: string): Observer {
    const inFlight: InFlight = new Map();
    this.#inFlight.set(process, inFlight);
    return {
      called: (execution) => void inFlight.set(execution, this.#options.step()),
      answered: (execution) => {
        inFlight.delete(execution);
        this.#options.count('calls');
      },
      failed: (execution, error) => {
        inFlight.delete(execution);
        this.failed(execution, error);
      },
      decided: (input, decision) => this.#decided(inFlight, input, decision),
    };
  }

  /** The process died, and all its calls with it. */
  forget(process: string): void {
    this.#inFlight.get(process)?.clear();
  }

  failed(execution: Execution, error: unknown): void {
    this.#options.count('failed calls');
    const name = `${execution.service}:${execution.operation}`;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    for (const secret of this.#options.secrets)
      if (text.includes(secret)) this.#options.fail(new Violation('NoSecret', `${name} failed with ${text}`));
    if (isInjected(error)) return;
    if (!isAwsError(error))
      this.#options.fail(
        new Violation('NoInternalFailure', `${name} failed with ${error instanceof Error ? error.stack : text}`),
      );
    else if (error.statusCode !== undefined && error.statusCode >= 500)
      this.#options.fail(new Violation('NoInternalFailure', `${name} failed with ${error.code}: ${error.message}`));
  }

  #decided(inFlight: InFlight, input: DecisionInput, decision: PolicyDecision): void {
    this.#decisions += 1;
    this.#standingPolicies(inFlight, input);
    if (this.#decisions % SAMPLE !== 0) return;
    const slow = slowDecide(input);
    const quick = decision.allowed ? 'allowed' : `${decision.reason.kind} ${decision.reason.policyType}`;
    if (slow === quick) return;
    const { request, principal } = input;
    if (decision.allowed && principal.type === 'Service' && PLUMBING.has(request.action)) return;
    this.#options.fail(
      new Violation(
        'PoliciesDecide',
        `${JSON.stringify(principal)} ${request.action} ${request.resource}: ${quick}, where it should be ${slow}`,
      ),
    );
  }

  /** The role's policies are those that the disk held at some time since the oldest call under way in its process began. */
  #standingPolicies(inFlight: InFlight, { principal, policies, request }: DecisionInput): void {
    if (principal.type !== 'AssumedRole') return;
    const known = this.#options.disk.rolePolicies.get(`${principal.account}/${principal.roleName}`.toLowerCase());
    if (known === undefined) return;
    const [oldest = this.#options.step()] = inFlight.values();
    const used = policies.identity.map(({ document }) => document);
    const held = known.some(({ texts }, index) => {
      const until = known[index + 1]?.step ?? Infinity;
      return until >= oldest && texts.length === used.length && texts.every((text) => used.includes(text));
    });
    if (held) return;
    this.#options.fail(
      new Violation(
        'PoliciesDecide',
        `${request.action} of ${principal.arn} was decided by policies that were changed before the oldest call under way began (step ${oldest}): ${used.join(' ')}`,
      ),
    );
  }
}

/**
 * What follows from a call: the further calls that its service will make because of it, said before any is made.
 *
 * `sluice preflight` asks each foreseen call's own `authorize` whether it would be allowed, then what follows from that.
 * So a service says only which calls it makes, as whom; what they need is said once, where it is enforced. Keep a
 * `foresee` beside the code that makes the calls: the two change together.
 */
import type { Call, Scope } from './service.ts';

/** Who makes a foreseen call. */
export type ForeseenCaller =
  /** The service as itself; a policy must name it. */
  | Readonly<{ service: string; sourceArn?: string; sourceAccount?: string }>
  /** A session of a role. `by` assumes it, in `region`; absent: the caller of the call at hand, in the Region of the call. */
  | Readonly<{ roleArn: string; sessionName?: string; by?: ForeseenCaller; region?: string }>;

type Foreseeable = Readonly<{
  scope: Scope;
  /** Absent: the caller of the call at hand (a forward access session). */
  as?: ForeseenCaller;
  /** `s3.eu-west-1.amazonaws.com`, as `Call.forward` takes it. */
  viaService?: string;
  /** For people, as it goes on after "to": `encrypt the artifact under the key of the store`. */
  purpose: string;
  /** What the call belongs to where that is more than the call at hand: `Deploy/ToProduction`, an action of a pipeline. */
  part?: string;
  /** Its denial is noted and passed over, or it is made only sometimes. */
  optional?: boolean;
  /** Made only where there is nothing at this ARN yet (a log group). */
  unlessExists?: string;
}>;

/** `service` is the model's name (`s3`), `operation` AWS's name of the operation. */
export type ForeseenCall = Foreseeable & Readonly<{ service: string; operation: string; input: object }>;

/** A permission that is asked for by no call of the API (`codecommit:GitPull`, over git's own protocol). */
export type ForeseenUse = Foreseeable & Readonly<{ action: string; resource: string }>;

/** Something that cannot be known before it happens; said rather than guessed. */
export type ForeseenGap = Readonly<{ unknown: string; part?: string }>;

/** What will fail whatever is permitted: `the key arn:... is disabled`. */
export type ForeseenFailure = Readonly<{ fails: string; part?: string }>;

export type Foreseen = ForeseenCall | ForeseenUse | ForeseenGap | ForeseenFailure;

/**
 * What is foreseen so far. `facts`: what earlier calls will have made, by a name that begins with its service (`s3
 * bucket/key`), so that later ones find it. `placeholders`: an id that stands in for one that will be drawn, and how a
 * policy writes it (`/aB3dE9x` as `/*`).
 */
export type Foresight = Readonly<{ facts: Map<string, unknown>; placeholders: Map<string, string> }>;

/**
 * `call` is as the operation's `authorize` saw it, allowed. Reads; never writes, and throws for nothing that AWS refuses
 * later. A generator is resumed when what it yielded is judged, and finds what that noted among the facts.
 */
export type Foresee<Input = any> = (
  input: Input,
  call: Call,
  foresight: Foresight,
) => AsyncIterable<Foreseen> | Promise<readonly Foreseen[]> | readonly Foreseen[];

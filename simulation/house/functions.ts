/**
 * What the functions of this world do, and who calls them without waiting. `greeter` takes events for its aliases, and fails in
 * its bad versions; `checker` takes events too, and answers for the hooks of deployments; `inspector` does the jobs of pipelines' Invoke actions. Each
 * speaks to the house with the session of its role, as a program that is not the house: it goes on where its Sluice died. In bad
 * times they fail, die, never answer, answer late or twice, report nothing, or report what is not theirs.
 */
import type { Invocation, InvocationOutcome } from '../../src/runtimes/index.ts';
import type { Random } from '../random.ts';
import { ended } from './function-runner.ts';
import { CHECKER, FUNCTION, type GroupPlan, type Person, TARGET, TOOLS } from './layout.ts';
import type { World } from './world.ts';
import { BAD_VERSIONS } from './workers.ts';

export type Answered = Pick<InvocationOutcome, 'payload' | 'failed' | 'errorType' | 'platformMessage'> &
  Readonly<{ /** Its process is gone. */ ended?: boolean }>;

type Env = Readonly<Record<string, string>>;
type Over = () => boolean;
type HookEvent = Readonly<{ DeploymentId: string; LifecycleEventHookExecutionId: string }>;
type JobEvent = Readonly<{
  'CodePipeline.job': Readonly<{ id: string; data: Readonly<{ continuationToken?: string }> }>;
}>;
type Event = Partial<HookEvent & JobEvent & Readonly<{ n: number }>>;

const FINE: Answered = { payload: Buffer.from('"fine"'), failed: false };
const FAILED: Answered = {
  payload: Buffer.from(JSON.stringify({ errorType: 'Error', errorMessage: 'no' })),
  failed: true,
  errorType: 'Error',
};

export class Functions {
  readonly #world: World;
  readonly #random: Random;
  /** Jobs that any function was given. */
  readonly #jobs: string[] = [];
  #events = 0;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.scheduler.random('functions');
  }

  // Callers

  /** An event for a function, which is to be dealt with some time. */
  async call(group: GroupPlan): Promise<void> {
    if (!this.#world.mischief.admit('event')) return;
    const n = ++this.#events;
    const answer = await this.#world.ask(this.#world.layout.people.app, 'lambda', 'Invoke', {
      FunctionName: this.#random.chance(0.5) ? `${FUNCTION}:${group.alias}` : CHECKER,
      InvocationType: 'Event',
      Payload: Buffer.from(JSON.stringify({ n })),
    });
    if ('output' in answer) this.#world.functionChecks.accepted(n);
  }

  // Functions

  async handle(invocation: Invocation, env: Env, over: Over): Promise<Answered> {
    for (const secret of [env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']])
      if (secret !== undefined) this.#world.learnSecret(secret);
    const event = JSON.parse(Buffer.from(invocation.payload).toString()) as Event;
    this.#world.functionChecks.delivered(invocation.requestId, event.n);
    const answered = await this.#run(event, invocation, env, over);
    if (!over()) this.#world.functionChecks.ran(invocation.requestId, !answered.failed);
    return answered;
  }

  async #run(event: Event, { requestId, timeoutMs }: Invocation, env: Env, over: Over): Promise<Answered> {
    const { AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_FUNCTION_VERSION: version = '' } = env;
    const isReleased = name === FUNCTION;
    await this.#works(isReleased ? 200 : 3_000);
    const job = event['CodePipeline.job'];
    if (isReleased && BAD_VERSIONS.includes(version) && this.#random.chance(0.4)) return FAILED;
    const drawn = this.#random.weighted({ well: 70, fail: 4, die: 4, hang: 4, late: 6, mute: 4, twice: 4, stray: 4 });
    // A release is not stopped by what is no fault of its version.
    const how = this.#world.calm || isReleased || !this.#world.mischief.admit(`function ${drawn}`) ? 'well' : drawn;
    if (how === 'hang') await this.#works(timeoutMs * 4);
    if (how === 'late') await this.#works(timeoutMs * 1.2);
    // Ended at its timeout.
    if (over()) return FAILED;
    if (how === 'fail') return FAILED;
    if (how === 'die') return ended('Runtime.ExitError', 'Runtime exited with error: exit status 1', requestId);
    if (how === 'mute') return FINE;
    if (event.LifecycleEventHookExecutionId !== undefined) await this.#answerHook(event as HookEvent, env, how);
    else if (job !== undefined) await this.#doJob(job, env, how);
    return this.#random.chance(this.#world.calm || isReleased ? 0 : 0.05) ? FAILED : FINE;
  }

  async #answerHook(event: HookEvent, env: Env, how: string): Promise<void> {
    const { DeploymentId: deploymentId, LifecycleEventHookExecutionId: executionId } = event;
    const report = async (good: boolean): Promise<void> => {
      this.#world.functionChecks.hookReports(executionId, good);
      const answer = await this.#world.ask(caller(env, TARGET), 'codedeploy', 'PutLifecycleEventHookExecutionStatus', {
        deploymentId,
        lifecycleEventHookExecutionId: executionId,
        status: good ? 'Succeeded' : 'Failed',
      });
      if ('output' in answer) this.#world.functionChecks.hookReported(executionId, good);
    };
    const good = this.#world.calm || this.#random.chance(0.85);
    await report(good);
    if (how === 'twice') await report(this.#random.chance(0.5));
  }

  async #doJob(job: JobEvent['CodePipeline.job'], env: Env, how: string): Promise<void> {
    this.#jobs.push(job.id);
    const goesOn = !this.#world.calm && job.data.continuationToken === undefined && this.#random.chance(0.2);
    const good = this.#world.calm || this.#random.chance(0.85);
    const report = async (jobId: string): Promise<void> => {
      const [operation, result] = !good
        ? ['PutJobFailureResult', { failureDetails: { type: 'JobFailed', message: 'no' } }]
        : ['PutJobSuccessResult', goesOn ? { continuationToken: 'more' } : { outputVariables: { looked: 'yes' } }];
      if (good && !goesOn) this.#world.functionChecks.jobReports(jobId);
      await this.#world.ask(caller(env, TOOLS), 'codepipeline', operation as string, { jobId, ...(result as object) });
    };
    // A mistake of its author's: it says well done of what another was given.
    await report(how === 'stray' ? this.#random.pick(this.#jobs) : job.id);
    if (how === 'twice') await report(job.id);
  }

  #works(mostMs: number): Promise<void> {
    return this.#world.scheduler.wait({ label: 'a function works', afterMs: (u) => u * mostMs });
  }
}

function caller(env: Env, account: string): Person {
  return { name: 'function', account, accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '' };
}

/**
 * Users and the workers outside: they push (now and then in bursts), stop, retry, approve (late, twice, or not), shut and
 * open gates, edit pipelines mid-run, deploy by hand, stop deployments and builds, and set alarms. They call a process that
 * is up, as the API's handlers do it, and what was acknowledged goes into the ledger.
 */
import type { AlarmEvent } from '../../src/core/alarm/index.ts';
import { AwsError, isAwsError } from '../../src/common/index.ts';
import {
  approvalByToken,
  approvalRefusal,
  isLive,
  type LineEvent,
  type PipelineLine,
  retryRefusal,
  startRefusal,
  stageOf,
  stopRefusal,
} from '../../src/core/pipeline-execution/index.ts';
import { isFinal as isDeploymentOver } from '../../src/core/lambda-deployment/index.ts';
import { createDeployment } from './deployment-loop.ts';
import type { Process } from './process.ts';
import { ALARM, BUILD, type Deployment, DEPLOYMENT, keyOf, LINE, lines } from './records.ts';
import { drawPlan } from './scenario.ts';
import type { World } from './world.ts';

const ACTS = {
  push: 10,
  burst: 3,
  stop: 2,
  abandon: 2,
  retry: 3,
  'shut gate': 2,
  'open gate': 3,
  edit: 1,
  deploy: 2,
  'stop deployment': 2,
  'stop build': 1,
} as const;

type Act = keyof typeof ACTS;

export class Users {
  readonly #world: World;
  readonly #asked = new Set<string>();
  readonly #jobs = new Set<string>();
  readonly #shut = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    const { mischief, scenario } = this.#world;
    mischief.every('act', scenario.circumstances.actGapMs, () => this.act(mischief.random('which act').weighted(ACTS)));
    mischief.every('repair', 90_000, () => this.repair());
    this.#approveLater();
  }

  act(act: Act): void {
    const { mischief, scenario } = this.#world;
    const random = mischief.random(act);
    const pipeline = random.pick(scenario.pipelines).name;
    const line = this.#world.checker.line(pipeline);
    if (line === undefined) return;
    switch (act) {
      case 'push':
        // Who waits for so many does not push another.
        if (line.executions.filter(isLive).length < 4) this.#push(pipeline);
        return;
      case 'burst':
        if (line.executions.filter(isLive).length < 4)
          for (let count = random.between(2, 4); count > 0; count--) this.#push(pipeline);
        return;
      case 'stop':
      case 'abandon': {
        const live = line.executions.filter(isLive);
        if (live.length === 0) return;
        const executionId = random.pick(live).id;
        return this.#do(`${act} ${executionId.slice(0, 8)}`, (process) =>
          this.#onLine(process, pipeline, (now) => {
            const request = { executionId, abandon: act === 'abandon' };
            if (stopRefusal(now, request) !== undefined) throw new AwsError('NotStoppable', executionId);
            return { type: 'StopRequested', ...request };
          }),
        );
      }
      case 'retry': {
        const failed = line.executions.filter(({ status }) => status === 'Failed' || status === 'Stopped');
        if (failed.length === 0) return;
        const execution = random.pick(failed);
        const request = {
          executionId: execution.id,
          stage: stageOf(line, execution).name,
          mode: random.pick(['FAILED_ACTIONS', 'ALL_ACTIONS'] as const),
        };
        return this.#do(`retry ${request.stage} of ${execution.id.slice(0, 8)}`, (process) =>
          this.#onLine(process, pipeline, (now) => {
            if (retryRefusal(now, request) !== undefined) throw new AwsError('NotRetryable', execution.id);
            return { type: 'StageRetryRequested', ...request };
          }),
        );
      }
      case 'shut gate':
      case 'open gate': {
        const stages = line.plans[line.version]?.stages ?? [];
        const stage = random.pick(stages).name;
        const direction = random.pick(['Inbound', 'Outbound'] as const);
        return this.#gate(pipeline, stage, direction, act === 'open gate');
      }
      case 'edit':
        return this.#do(`edit ${pipeline}`, (process) =>
          this.#onLine(process, pipeline, (now) => ({
            type: 'DefinitionChanged',
            plan: drawPlan(random, now.version + 1, scenario.groups),
          })),
        );
      case 'deploy': {
        const { name } = random.pick(scenario.groups);
        const text = `by hand, ${random.bits()}`;
        return this.#do(`deploy to ${name}`, async (process) => {
          const revision = await process.call('PutObject', () => this.#world.outside.put(`by-hand/${text}`, text));
          await createDeployment(process, { group: name, revision });
        });
      }
      case 'stop deployment': {
        const running = this.#world.checker.deployments().filter((deployment) => !isDeploymentOver(deployment));
        if (running.length === 0) return;
        const { deploymentId } = random.pick(running);
        const rollback = random.pick([true, false, undefined]);
        return this.#do(`stop deployment ${deploymentId}`, async (process) => {
          const event = { type: 'StopRequested', ...(rollback === undefined ? {} : { rollback }) };
          await process.engine.submit<Deployment>(DEPLOYMENT, keyOf(deploymentId), event);
        });
      }
      case 'stop build': {
        const running = this.#world.checker.builds().filter(({ status }) => status === 'IN_PROGRESS');
        if (running.length === 0) return;
        const { id } = random.pick(running);
        return this.#do(`stop ${id.slice(0, 14)}`, async (process) => {
          await process.engine.submit(BUILD, keyOf(id), { type: 'StopRequested' });
        });
      }
    }
  }

  /** Sets an alarm's state by hand: it flaps. */
  flap(): void {
    const { mischief, scenario } = this.#world;
    const random = mischief.random('which alarm flaps');
    const names = scenario.groups.flatMap(({ alarms }) => alarms.map(({ name }) => name));
    if (names.length === 0) return;
    const name = random.pick(names);
    const value = random.pick(['ALARM', 'OK', 'INSUFFICIENT_DATA'] as const);
    this.#do(`set ${name} to ${value}`, async (process) => {
      const event: AlarmEvent = { type: 'StateSet', value, reason: 'by hand' };
      await process.engine.submit(ALARM, keyOf(name), event);
    });
  }

  /** A worker outside takes the job, and reports how it ended until that is taken. */
  giveJob(pipeline: string, actionExecutionId: string): void {
    if (this.#jobs.has(actionExecutionId)) return;
    this.#jobs.add(actionExecutionId);
    const { scheduler, chance } = this.#world;
    const fails = chance.chance(0.1);
    const report = async (): Promise<void> => {
      const process = this.#world.someProcess();
      if (process === undefined) return again();
      const event = fails
        ? { type: 'ActionFailed', actionExecutionId, error: { code: 'JobFailed', message: 'the worker failed' } }
        : { type: 'ActionReported', actionExecutionId, report: {}, variables: {} };
      let answered = false;
      scheduler.offer({ label: 'the worker waits no longer', afterMs: 60_000, run: () => void (answered || again()) });
      await process.engine.submit(LINE, keyOf(pipeline), event).then(
        () => (answered = true),
        () => {},
      );
    };
    const again = (): void =>
      void scheduler.offer({
        label: 'the worker reports',
        afterMs: (u) => 1_000 + u * 60_000,
        run: () => void report(),
      });
    again();
  }

  /** Where a bad version or two serve and nothing is being deployed, somebody sets that right by hand, in the end. */
  repair(): void {
    const { outside, scenario, checker } = this.#world;
    for (const { name } of scenario.groups) {
      const isBusy = checker.deployments().some((other) => other.info.group === name && !isDeploymentOver(other));
      if (isBusy || checker.awaitsRollback(name)) continue;
      const { main, extra } = outside.alias(name);
      const isBad = outside.version(main).errorPercent > 0;
      if (isBad || extra !== undefined) outside.updateAlias(name, { main: isBad ? 'v1' : main }, 'somebody');
    }
  }

  /** Every gate is opened, until that is acknowledged. */
  openGates(): void {
    for (const { name } of this.#world.scenario.pipelines) {
      const line = this.#world.checker.line(name);
      for (const [stage, record] of Object.entries(line?.stages ?? {})) {
        if (record.inbound?.enabled === false) this.#gate(name, stage, 'Inbound', true);
        if (record.outbound?.enabled === false) this.#gate(name, stage, 'Outbound', true);
      }
    }
  }

  #push(pipeline: string): void {
    const { world } = { world: this.#world };
    world.push();
    const executionId = world.ids.uuid();
    this.#do(`start ${executionId.slice(0, 8)} of ${pipeline}`, async (process) => {
      const event: LineEvent = {
        type: 'ExecutionStarted',
        executionId,
        trigger: { type: 'StartPipelineExecution' },
        variables: {},
        sourceRevisions: [],
      };
      const line = await process.engine.submit<PipelineLine>(LINE, keyOf(pipeline), event);
      if (line === undefined) throw new AwsError('PipelineNotFoundException', pipeline);
      if (line.executions.some(({ id }) => id === executionId)) world.ledger.started(pipeline, executionId);
      else if (startRefusal(line, executionId) === undefined) throw new AwsError('Lost', 'a start came to nothing');
    });
  }

  #gate(pipeline: string, stage: string, direction: 'Inbound' | 'Outbound', enabled: boolean): void {
    const name = `${pipeline}/${stage}/${direction}`;
    if (enabled) this.#shut.delete(name);
    else this.#shut.add(name);
    this.#do(`${enabled ? 'open' : 'shut'} ${name}`, (process) =>
      this.#onLine(process, pipeline, () => ({
        type: 'TransitionChanged',
        stage,
        direction,
        enabled,
        changedBy: 'somebody',
      })),
    );
  }

  /** Looks for approvals that are asked for, and answers each in a while: once, twice, or long after. */
  #approveLater(): void {
    const { scheduler, mischief } = this.#world;
    const look = (): void => {
      for (const { name } of this.#world.scenario.pipelines) this.#approveAll(name);
      scheduler.offer({ label: 'the approver looks', afterMs: mischief.isStopped ? 10_000 : 30_000, run: look });
    };
    scheduler.offer({ label: 'the approver looks', afterMs: 30_000, run: look });
  }

  #approveAll(pipeline: string): void {
    const { scheduler, mischief, chance } = this.#world;
    for (const execution of this.#world.checker.line(pipeline)?.executions ?? []) {
      for (const { token, status } of execution.actions) {
        if (token === undefined || status !== 'InProgress') continue;
        // Once all goes well again, whoever was not answered is answered.
        if (this.#asked.has(token) && !mischief.isStopped) continue;
        this.#asked.add(token);
        const approved = mischief.isStopped || chance.chance(0.8);
        const times = chance.pick([1, 1, 1, 2, 0]);
        for (let time = 0; time < (mischief.isStopped ? 1 : times); time++) {
          const afterMs = mischief.isStopped ? 0 : -120_000 * Math.log(1 - chance.uniform());
          const run = (): void => this.#approve(pipeline, token, approved);
          scheduler.offer({ label: 'the approver answers', afterMs, run });
        }
      }
    }
  }

  #approve(pipeline: string, token: string, approved: boolean): void {
    this.#do(approved ? 'approve' : 'reject', (process) =>
      this.#onLine(process, pipeline, (line) => {
        const found = approvalByToken(line, token);
        const refused = approvalRefusal(line, token);
        if (refused !== undefined || found === undefined) throw new AwsError(refused ?? 'InvalidApprovalToken', token);
        return { type: 'ApprovalGiven', actionExecutionId: found[1].id, approved, summary: '', by: 'the approver' };
      }),
    );
  }

  async #onLine(process: Process, pipeline: string, make: (line: PipelineLine) => LineEvent): Promise<void> {
    await process.store.transaction(async (tx) => {
      const stored = await lines.getForUpdate(tx, keyOf(pipeline));
      if (stored === undefined) throw new AwsError('PipelineNotFoundException', pipeline);
      await process.engine.submitIn(tx, LINE, keyOf(pipeline), make(stored.document));
    });
  }

  #do(what: string, act: (process: Process) => Promise<void>): void {
    const world = this.#world;
    const process = world.someProcess();
    if (process === undefined) return;
    world.tell(process.name, `user: ${what}`);
    const done = process.engine.beginActivity('Work');
    void act(process)
      .then(
        () => world.tell(process.name, `acknowledged: ${what}`),
        (error: unknown) => {
          if (isAwsError(error) && error.code === 'Lost')
            return world.fail('acknowledged', `${what}: ${error.message}`);
          world.tell(process.name, `refused: ${what}: ${String(error)}`);
        },
      )
      .finally(done);
  }
}

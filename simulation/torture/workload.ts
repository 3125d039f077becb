/**
 * The users: each does one kind of thing over and over, against any server that answers, and notes in the model what was
 * acknowledged and what may have happened. One user of a thing at a time, so that its last acknowledged value is known.
 */
import { PutMetricDataCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import {
  AcknowledgeJobCommand,
  GetPipelineStateCommand,
  ListPipelineExecutionsCommand,
  PollForJobsCommand,
  PutApprovalResultCommand,
  PutJobSuccessResultCommand,
  StartPipelineExecutionCommand,
} from '@aws-sdk/client-codepipeline';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { CreateAccessKeyCommand, CreateUserCommand, DeleteAccessKeyCommand } from '@aws-sdk/client-iam';
import { GetAliasCommand, PublishVersionCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Random } from '../random.ts';
import { Clients, failureOf } from './clients.ts';
import { pause } from './fleet.ts';
import type { Model } from './model.ts';
import { ALIAS, BUCKET, EVENT_SOURCE, type Line, NAMESPACE, putSource, WORKER, type World } from './world.ts';

export type Surroundings = Readonly<{
  world: World;
  model: Model;
  random: (purpose: string) => Random;
  /** Clients of the servers that live; empty while all are down. */
  living: () => readonly Clients[];
  /** Something that must not be was seen. */
  broken: (what: string) => void;
}>;

type LineState = { line: Line; executionId: string | undefined; token: string | undefined; target: string | undefined };

export class Workload {
  readonly #around: Surroundings;
  readonly #lines: LineState[];
  #running = false;
  #users: Promise<void>[] = [];
  #serial = 0;
  /** Jobs that the worker was given and has not reported yet, with their nonces. */
  readonly #jobs = new Map<string, string>();
  calls = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#lines = around.world.lines.map((line) => ({
      line,
      executionId: undefined,
      token: undefined,
      target: undefined,
    }));
  }

  start(): void {
    this.#running = true;
    this.#users = [
      this.#user('objects-a', 10, (at, random) => this.#putObject(at, random, 'a')),
      this.#user('objects-b', 10, (at, random) => this.#putObject(at, random, 'b')),
      this.#user('messages', 10, (at) => this.#sendMessage(at)),
      this.#user('events', 15, (at) => this.#putEvent(at)),
      this.#user('metrics', 25, (at) => this.#putMetric(at)),
      this.#user('identity', 60, (at, random) => this.#changeIdentity(at, random)),
      this.#user('worker', 40, (at) => this.#work(at)),
      this.#user('alarms', 400, (at, random) => this.#flapAlarm(at, random)),
      ...this.#lines.map((state) =>
        this.#user(state.line.pipeline, 50, (at, random) => this.#deliver(at, state, random)),
      ),
    ];
  }

  /** Resolves when every call under way has ended. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#users);
  }

  /** No new executions, but what goes on is helped to its end; resolves to whether all of it ended. */
  async finish(deadlineMs: number): Promise<string[]> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const [at] = this.#around.living();
      if (at === undefined) throw new Error('no server lives');
      await this.#work(at).catch(() => {});
      const open: string[] = [];
      for (const state of this.#lines) {
        await this.#approve(at, state.line).catch(() => {});
        const { pipelineExecutionSummaries = [] } = await at.codepipeline.send(
          new ListPipelineExecutionsCommand({ pipelineName: state.line.pipeline }),
        );
        for (const { pipelineExecutionId: id, status } of pipelineExecutionSummaries)
          if (status === 'InProgress' || status === 'Stopping') open.push(`${state.line.pipeline} ${id} ${status}`);
      }
      if (open.length === 0 || performance.now() > deadline) return open;
      await pause(50);
    }
  }

  async #user(name: string, pauseMs: number, act: (at: Clients, random: Random) => Promise<void>): Promise<void> {
    const random = this.#around.random(name);
    while (this.#running) {
      const living = this.#around.living();
      if (living.length > 0) {
        this.calls += 1;
        // What a call did or did not do is in the model by now; why it failed does not matter.
        await act(random.pick(living), random).catch(() => {});
      }
      await pause(pauseMs * (0.5 + random.uniform()));
    }
  }

  async #putObject({ s3 }: Clients, random: Random, owner: string): Promise<void> {
    const key = `${owner}/${random.between(0, 19)}`;
    const register = this.#around.model.register(key);
    const value = `${this.#next()}`;
    const Body = value.padEnd(random.pick([10, 1_000, 100_000]), '.');
    register.begin(value);
    try {
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body }));
      register.acknowledge(value);
    } catch (error) {
      if (failureOf(error) === 'Refused') register.refuse(value);
    }
  }

  async #sendMessage({ sqs }: Clients): Promise<void> {
    const { model, world } = this.#around;
    const id = `message-${this.#next()}`;
    model.messages.begin(id);
    try {
      await sqs.send(new SendMessageCommand({ QueueUrl: world.messagesUrl, MessageBody: id }));
      model.messages.acknowledge(id);
    } catch (error) {
      if (failureOf(error) === 'Refused') model.messages.refuse(id);
    }
  }

  async #putEvent({ events }: Clients): Promise<void> {
    const { model } = this.#around;
    const id = `event-${this.#next()}`;
    model.events.begin(id);
    try {
      const { FailedEntryCount = 0 } = await events.send(
        new PutEventsCommand({ Entries: [{ Source: EVENT_SOURCE, DetailType: 'it', Detail: JSON.stringify({ id }) }] }),
      );
      if (FailedEntryCount === 0) model.events.acknowledge(id);
    } catch (error) {
      if (failureOf(error) === 'Refused') model.events.refuse(id);
    }
  }

  async #putMetric({ cloudwatch }: Clients): Promise<void> {
    const { metric } = this.#around.model;
    try {
      await cloudwatch.send(
        new PutMetricDataCommand({ Namespace: NAMESPACE, MetricData: [{ MetricName: 'Strokes', Value: 1 }] }),
      );
      metric.acknowledged += 1;
    } catch (error) {
      if (failureOf(error) === 'Unknown') metric.unknown += 1;
    }
  }

  /** What one process writes of IAM's, every other must know at the next call. */
  async #changeIdentity(at: Clients, random: Random): Promise<void> {
    const userName = `user-${this.#next()}`;
    await at.iam.send(new CreateUserCommand({ UserName: userName }));
    const { AccessKey: key } = await at.iam.send(new CreateAccessKeyCommand({ UserName: userName }));
    const credentials = { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
    const ask = async (): Promise<string> => {
      const elsewhere = random.pick(this.#around.living());
      const answer = await new Clients(elsewhere.url, credentials).sts
        .send(new GetCallerIdentityCommand({}))
        .then(() => 'Known')
        .catch((error: unknown) => (failureOf(error) === 'Refused' ? 'Refused' : 'Unknown'));
      return answer;
    };
    if ((await ask()) === 'Refused') this.#around.broken(`the access key of ${userName}, just made, was refused`);
    await at.iam.send(new DeleteAccessKeyCommand({ UserName: userName, AccessKeyId: credentials.accessKeyId }));
    if ((await ask()) === 'Known') this.#around.broken(`the access key of ${userName}, just deleted, was accepted`);
  }

  /** The worker of the custom actions. */
  async #work({ codepipeline }: Clients): Promise<void> {
    const { jobs = [] } = await codepipeline.send(new PollForJobsCommand({ actionTypeId: WORKER, maxBatchSize: 5 }));
    for (const { id = '', nonce = '' } of jobs) this.#jobs.set(id, nonce);
    for (const [jobId, nonce] of this.#jobs) {
      const done = await codepipeline
        .send(new AcknowledgeJobCommand({ jobId, nonce }))
        .catch((error: unknown) => {
          // Refused: acknowledged before, by a call whose answer was cut off.
          if (failureOf(error) === 'Unknown') throw error;
        })
        .then(() => codepipeline.send(new PutJobSuccessResultCommand({ jobId })))
        .then(
          () => true,
          (error: unknown) => failureOf(error) === 'Refused',
        );
      if (done) this.#jobs.delete(jobId);
    }
  }

  async #flapAlarm({ cloudwatch }: Clients, random: Random): Promise<void> {
    const line = random.pick(this.#around.world.lines);
    const StateValue = random.chance(0.2) ? 'ALARM' : 'OK';
    await cloudwatch.send(
      new SetAlarmStateCommand({ AlarmName: line.alarm, StateValue, StateReason: 'the driver said so' }),
    );
  }

  /** One delivery after the other: a version, its AppSpec file, an execution, its approval. */
  async #deliver(at: Clients, state: LineState, random: Random): Promise<void> {
    const { model } = this.#around;
    const { line } = state;
    if (state.executionId === undefined && (await this.#isBusy(at, line))) {
      await this.#approve(at, line);
      return;
    }
    if (state.executionId === undefined) {
      if (state.token === undefined) {
        await this.#prepare(at, state);
        state.token = random.chance(0.5) ? `token-${this.#next()}` : '';
      }
      try {
        const { pipelineExecutionId: id = '' } = await at.codepipeline.send(
          new StartPipelineExecutionCommand({
            name: line.pipeline,
            ...(state.token !== '' && { clientRequestToken: state.token }),
          }),
        );
        model.executions.set(id, line.pipeline);
        state.executionId = id;
        state.token = undefined;
      } catch (error) {
        // With a token the same start is asked for again, and must not become two.
        if (state.token === '' || failureOf(error) === 'Refused') {
          if (failureOf(error) === 'Unknown')
            model.unknownStarts.set(line.pipeline, (model.unknownStarts.get(line.pipeline) ?? 0) + 1);
          state.token = undefined;
        }
      }
      return;
    }
    await this.#approve(at, line);
    if (!(await this.#isBusy(at, line))) state.executionId = undefined;
  }

  async #prepare(at: Clients, state: LineState): Promise<void> {
    const { line } = state;
    await at.lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: line.functionName,
        Environment: { Variables: { SERIAL: `${this.#next()}` } },
      }),
    );
    const { Version: target = '' } = await at.lambda.send(
      new PublishVersionCommand({ FunctionName: line.functionName }),
    );
    this.#around.model.versions.get(line.functionName)?.add(target);
    const { FunctionVersion: current = '' } = await at.lambda.send(
      new GetAliasCommand({ FunctionName: line.functionName, Name: ALIAS }),
    );
    await putSource(at, line, current, target);
    state.target = target;
  }

  async #isBusy({ codepipeline }: Clients, line: Line): Promise<boolean> {
    const { pipelineExecutionSummaries = [] } = await codepipeline.send(
      new ListPipelineExecutionsCommand({ pipelineName: line.pipeline, maxResults: 5 }),
    );
    return pipelineExecutionSummaries.some(({ status }) => status === 'InProgress' || status === 'Stopping');
  }

  async #approve({ codepipeline }: Clients, line: Line): Promise<void> {
    const { stageStates = [] } = await codepipeline.send(new GetPipelineStateCommand({ name: line.pipeline }));
    const stage = stageStates.find(({ stageName }) => stageName === 'Check');
    const approval = stage?.actionStates?.find(({ actionName }) => actionName === 'Approve')?.latestExecution;
    const executionId = stage?.latestExecution?.pipelineExecutionId;
    if (approval?.status !== 'InProgress' || approval.token === undefined || executionId === undefined) return;
    if (this.#around.model.approved.has(executionId)) {
      this.#around.broken(`the approval of ${executionId} was acknowledged, and is open again`);
      return;
    }
    await codepipeline.send(
      new PutApprovalResultCommand({
        pipelineName: line.pipeline,
        stageName: 'Check',
        actionName: 'Approve',
        token: approval.token,
        result: { status: 'Approved', summary: 'by the driver' },
      }),
    );
    this.#around.model.approved.add(executionId);
  }

  #next(): number {
    this.#serial += 1;
    return this.#serial;
  }
}

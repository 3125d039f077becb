/** Who says yes: approvals, given once, twice, late or not at all; and who watches deployments in the target account. */
import type { ListDeploymentsOutput } from '@aws-sdk/client-codedeploy';
import type { GetPipelineStateOutput, ListActionExecutionsOutput } from '@aws-sdk/client-codepipeline';
import type { Random } from '../random.ts';
import { APPLICATION, CHECKER, FUNCTION, type GroupPlan, VERSIONS } from './layout.ts';
import type { Ledger } from './ledger.ts';
import type { World } from './world.ts';

type Asked = Readonly<{ pipeline: string; token: string }>;

export class Releasers {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #tokens: Asked[] = [];

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
    this.#random = world.scheduler.random('releasers');
  }

  /** Looks at every pipeline and answers what is asked. */
  async approve(): Promise<void> {
    if (this.#world.calm) await this.#endUnseen();
    for (const asked of await this.#asked()) {
      if (this.#tokens.every(({ token }) => token !== asked.token)) this.#tokens.push(asked);
      const how = this.#world.calm ? 'yes' : this.#random.weighted({ yes: 60, no: 10, later: 20, twice: 10 });
      if (how === 'later') continue;
      const answers = [this.#answer(asked, how !== 'no')];
      if (how === 'twice') answers.push(this.#answer(asked, this.#random.chance(0.5)));
      await Promise.all(answers);
    }
    if (!this.#world.calm && this.#tokens.length > 0 && this.#random.chance(0.2))
      await this.#answer(this.#random.pick(this.#tokens), true);
  }

  /**
   * An execution that waits for an approval which an edit took out of its pipeline: no state shows the token any more, and
   * it would wait for its seven days. A developer who sees it stops it.
   */
  async #endUnseen(): Promise<void> {
    const { pipelines, people } = this.#world.layout;
    for (const { name } of pipelines) {
      const state = await this.#world.ask<GetPipelineStateOutput>(people.dev, 'codepipeline', 'GetPipelineState', {
        name,
      });
      if (!('output' in state) || state.output.stageStates?.some(({ stageName }) => stageName === 'Approve') !== false)
        continue;
      const listed = await this.#world.ask<ListActionExecutionsOutput>(
        people.dev,
        'codepipeline',
        'ListActionExecutions',
        {
          pipelineName: name,
        },
      );
      for (const each of ('output' in listed && listed.output.actionExecutionDetails) || [])
        if (each.actionName === 'Ask' && each.status === 'InProgress')
          await this.#world.ask(people.dev, 'codepipeline', 'StopPipelineExecution', {
            pipelineName: name,
            pipelineExecutionId: each.pipelineExecutionId,
            abandon: true,
          });
    }
  }

  async watch(): Promise<void> {
    const group = this.#random.pick(this.#world.layout.groups);
    const what = this.#random.weighted({ stopDeployment: 4, deploy: 5, drill: 4 });
    if (!this.#world.mischief.admit(what)) return;
    if (what === 'stopDeployment') await this.#stop(group);
    else if (what === 'deploy') await this.#deploy(group);
    else await this.#drill(group);
  }

  async #stop(group: GroupPlan): Promise<void> {
    const answer = await this.#asOperator<ListDeploymentsOutput>('codedeploy', 'ListDeployments', {
      applicationName: APPLICATION,
      deploymentGroupName: group.name,
      includeOnlyStatuses: ['Created', 'Queued', 'InProgress'],
    });
    const [deploymentId] = ('output' in answer && answer.output.deployments) || [];
    if (deploymentId === undefined) return;
    await this.#asOperator('codedeploy', 'StopDeployment', {
      deploymentId,
      autoRollbackEnabled: this.#world.mischief.random('stopDeployment').chance(0.7),
    });
  }

  /** A deployment that no pipeline makes, of an AppSpec in the request itself. */
  async #deploy(group: GroupPlan): Promise<void> {
    const alias = await this.#asOperator<{ FunctionVersion?: string }>('lambda', 'GetAlias', {
      FunctionName: FUNCTION,
      Name: group.alias,
    });
    if (!('output' in alias)) return;
    const current = alias.output.FunctionVersion ?? '1';
    const others = Array.from({ length: VERSIONS }, (_, n) => String(n + 1)).filter((version) => version !== current);
    const answer = await this.#asOperator<{ deploymentId: string }>('codedeploy', 'CreateDeployment', {
      applicationName: APPLICATION,
      deploymentGroupName: group.name,
      revision: {
        revisionType: 'AppSpecContent',
        appSpecContent: { content: appSpec(group, current, this.#world.mischief.random('deploy').pick(others)) },
      },
    });
    if ('output' in answer) this.#ledger.deploymentCreated(answer.output.deploymentId);
  }

  async #drill(group: GroupPlan): Promise<void> {
    const set = (StateValue: string) =>
      this.#asOperator('cloudwatch', 'SetAlarmState', {
        AlarmName: group.alarm,
        StateValue,
        StateReason: 'a drill',
      });
    await set('ALARM');
    if (this.#world.mischief.random('drill').chance(0.3)) await set('OK');
  }

  #asOperator<T>(service: string, operation: string, input: object) {
    return this.#world.ask<T>(this.#world.layout.people.operator, service, operation, input);
  }

  async #asked(): Promise<Asked[]> {
    const { pipelines, people } = this.#world.layout;
    const found: Asked[] = [];
    for (const { name: pipeline, mode, approval } of pipelines) {
      if (!approval) continue;
      if (mode === 'PARALLEL') {
        const answer = await this.#world.ask<ListActionExecutionsOutput>(
          people.releaser,
          'codepipeline',
          'ListActionExecutions',
          { pipelineName: pipeline },
        );
        if (!('output' in answer)) continue;
        for (const { actionName, status, output } of answer.output.actionExecutionDetails ?? []) {
          const token = output?.executionResult?.externalExecutionId;
          if (actionName === 'Ask' && status === 'InProgress' && token !== undefined) found.push({ pipeline, token });
        }
        continue;
      }
      const answer = await this.#world.ask<GetPipelineStateOutput>(
        people.releaser,
        'codepipeline',
        'GetPipelineState',
        {
          name: pipeline,
        },
      );
      if (!('output' in answer)) continue;
      for (const stage of answer.output.stageStates ?? [])
        for (const { latestExecution } of stage.actionStates ?? [])
          if (latestExecution?.token !== undefined) found.push({ pipeline, token: latestExecution.token });
    }
    return found;
  }

  async #answer({ pipeline, token }: Asked, approved: boolean): Promise<void> {
    this.#world.learnSecret(token);
    const answer = await this.#world.ask(this.#world.layout.people.releaser, 'codepipeline', 'PutApprovalResult', {
      pipelineName: pipeline,
      stageName: 'Approve',
      actionName: 'Ask',
      token,
      result: { status: approved ? 'Approved' : 'Rejected', summary: 'seen' },
    });
    if ('output' in answer) this.#ledger.approvalAnswered(pipeline, token, approved);
  }
}

export function appSpec({ alias, hooks }: GroupPlan, current: string, target: string): string {
  return JSON.stringify({
    version: 0,
    ...(hooks.length > 0 && { Hooks: hooks.map((hook) => ({ [hook]: CHECKER })) }),
    Resources: [
      {
        [FUNCTION]: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name: FUNCTION, Alias: alias, CurrentVersion: current, TargetVersion: target },
        },
      },
    ],
  });
}

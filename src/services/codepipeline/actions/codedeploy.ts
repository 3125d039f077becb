/**
 * Deploy / CodeDeploy: deploys the input artifact, as it lies in the artifact bucket, to a deployment group. The
 * revision names the object's version and ETag, so that what was checked here is what is deployed there.
 *
 * CreateDeployment has no client token on the wire; in this house it takes the id of the action execution for one, so that a
 * call that was held up while another process took over deploys nothing a second time. Of a group at another endpoint,
 * and before a try that would be refused because the first one's deployment runs, the group's deployments are
 * looked at: the one that carries this action execution in its description is ours.
 * Source: User Guide, "AWS CodeDeploy deploy action reference".
 */
import type {
  BatchGetDeploymentsOutput,
  CreateDeploymentInput,
  CreateDeploymentOutput,
  GetDeploymentOutput,
  ListDeploymentsOutput,
} from '@aws-sdk/client-codedeploy';
import { isAwsError, SECOND_MS } from '../../../common/index.ts';
import type { Artifact } from '../../../core/pipeline-execution/index.ts';
import type { Client, Scope } from '../../service.ts';
import { type ActionOutcome, type ActionProvider, type ActionRun, ActionFailure } from './action.ts';

const POLL_AFTER_MS = 15 * SECOND_MS;

export const codeDeploy: ActionProvider = {
  async start(run) {
    const client = await run.client();
    const before = run.mayHaveStarted ? await earlierDeployment(client, run) : undefined;
    if (before !== undefined) return running(run, client, before);
    const artifact = await run.artifacts.input();
    await run.artifacts.verify(artifact);
    const { deploymentId = '' } = await client.call<CreateDeploymentOutput>(
      'codedeploy',
      'CreateDeployment',
      createInput(run, artifact),
      { clientToken: run.actionExecution.id },
    );
    return running(run, client, deploymentId);
  },

  async poll(run) {
    const client = await run.client();
    const id = run.actionExecution.externalExecutionId ?? '';
    const { deploymentInfo } = await client.call<GetDeploymentOutput>('codedeploy', 'GetDeployment', {
      deploymentId: id,
    });
    const report = { externalExecutionId: id, externalExecutionUrl: urlOf(run, id) };
    switch (deploymentInfo?.status) {
      case 'Succeeded':
        return {
          type: 'Succeeded',
          outputs: [],
          variables: {},
          report: { ...report, summary: 'Deployment Succeeded', externalExecutionSummary: 'Deployment Succeeded' },
        };
      case 'Failed':
      case 'Stopped': {
        const ended = deploymentInfo.status === 'Failed' ? 'failed' : 'stopped';
        const summary = `Deployment ${id} ${ended}`;
        const reason = deploymentInfo.errorInformation?.message;
        const message = reason === undefined ? summary : `${summary}: ${reason}`;
        return {
          type: 'Failed',
          error: { code: 'JobFailed', message },
          report: { ...report, summary, externalExecutionSummary: summary },
        };
      }
      case undefined:
        throw new ActionFailure('JobFailed', `The deployment ${id} no longer exists.`);
      default:
        return running(run, client, id);
    }
  },

  async *foresee({ run, call, use, inputs, read }) {
    yield call('sts', 'GetCallerIdentity', {}, 'work as the role of the action');
    const [artifact] = yield* inputs();
    if (artifact === undefined) return;
    yield read(artifact);
    yield call('codedeploy', 'CreateDeployment', createInput(run, artifact), 'deploy the artifact');
    const { ApplicationName = '', DeploymentGroupName = '' } = run.configuration;
    const group = ({ account, region }: Scope): string =>
      `arn:aws:codedeploy:${region}:${account}:deploymentgroup:${ApplicationName}/${DeploymentGroupName}`;
    yield use('codedeploy:GetDeployment', group, 'follow the deployment');
  },
};

function createInput(run: ActionRun, artifact: Artifact): CreateDeploymentInput {
  return {
    applicationName: run.configuration['ApplicationName'],
    deploymentGroupName: run.configuration['DeploymentGroupName'],
    description: describe(run),
    revision: {
      revisionType: 'S3',
      s3Location: {
        bucket: artifact.bucket,
        key: artifact.key,
        bundleType: 'zip',
        ...(artifact.versionId === undefined ? {} : { version: artifact.versionId }),
        ...(artifact.eTag === undefined ? {} : { eTag: artifact.eTag }),
      },
    },
  };
}

function running(run: ActionRun, client: Client, deploymentId: string): ActionOutcome {
  const { account, region } = client.scope;
  return {
    type: 'Running',
    report: {
      externalExecutionId: deploymentId,
      externalExecutionUrl: urlOf(run, deploymentId),
      summary: 'Deployment in progress',
    },
    pollAfterMs: POLL_AFTER_MS,
    wakeKey: `arn:aws:codedeploy:${region}:${account}:deployment:${deploymentId}`,
  };
}

async function earlierDeployment(client: Client, run: ActionRun): Promise<string | undefined> {
  try {
    const { deployments = [] } = await client.call<ListDeploymentsOutput>('codedeploy', 'ListDeployments', {
      applicationName: run.configuration['ApplicationName'],
      deploymentGroupName: run.configuration['DeploymentGroupName'],
    });
    if (deployments.length === 0) return undefined;
    const { deploymentsInfo = [] } = await client.call<BatchGetDeploymentsOutput>('codedeploy', 'BatchGetDeployments', {
      deploymentIds: deployments.slice(0, 25),
    });
    return deploymentsInfo.find((info) => info.description === describe(run))?.deploymentId;
  } catch (error) {
    // The role need not be allowed to list: then CreateDeployment itself tells whether one is under way.
    if (isAwsError(error)) return undefined;
    throw error;
  }
}

function describe(run: ActionRun): string {
  return `CodePipeline ${run.pipelineName}, action execution ${run.actionExecution.id}`;
}

function urlOf(run: ActionRun, deploymentId: string): string {
  return `https://console.aws.amazon.com/codedeploy/home?region=${run.region}#/deployments/${deploymentId}`;
}

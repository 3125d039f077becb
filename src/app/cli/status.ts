/** `sluice status`: pipelines and deployments with their progress; `--watch` draws it again each second. */
import type { Command } from 'commander';
import { awsClient, type AwsClient } from './aws.ts';
import { control, withEndpoint } from './endpoint.ts';

type StageState = Readonly<{
  stageName: string;
  latestExecution?: { status: string };
  actionStates?: readonly { actionName: string; latestExecution?: { status: string; summary?: string } }[];
}>;

export function addStatusCommand(program: Command): void {
  withEndpoint(
    program
      .command('status')
      .description(
        'show pipelines and deployments, and how far they are (the account is that of the AWS credentials in the environment)',
      )
      .option('--watch', 'draw it again each second until Ctrl-C'),
  ).action(async ({ endpoint, watch }: { endpoint: string; watch?: boolean }) => {
    const aws = awsClient(endpoint, process.env);
    for (;;) {
      const text = await draw(endpoint, aws);
      if (watch === true) process.stdout.write('\u001B[2J\u001B[H');
      process.stdout.write(text);
      if (watch !== true) return;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  });
}

async function draw(endpoint: string, aws: AwsClient): Promise<string> {
  const clock = await control<{ now: string; mode: string }>(endpoint, 'GET', 'clock');
  const lines = [
    `${clock.now} (${clock.mode} clock)`,
    '',
    ...(await pipelines(aws)),
    '',
    ...(await deployments(aws)),
    '',
  ];
  return lines.join('\n');
}

async function pipelines(aws: AwsClient): Promise<string[]> {
  const { pipelines: found } = (await aws('codepipeline', 'ListPipelines', {})) as {
    pipelines: readonly { name: string }[];
  };
  if (found.length === 0) return ['no pipelines'];
  const lines: string[] = [];
  for (const { name } of found) {
    const { stageStates } = (await aws('codepipeline', 'GetPipelineState', { name })) as {
      stageStates?: readonly StageState[];
    };
    lines.push(`pipeline ${name}`);
    for (const stage of stageStates ?? []) {
      lines.push(
        `  ${mark(stage.latestExecution?.status)} ${stage.stageName.padEnd(20)} ${stage.latestExecution?.status ?? 'not run yet'}`,
      );
      for (const action of stage.actionStates ?? []) {
        const { status, summary } = action.latestExecution ?? {};
        if (status === 'InProgress' || status === 'Failed')
          lines.push(`      ${action.actionName}: ${status}${summary === undefined ? '' : `, ${summary}`}`);
      }
    }
  }
  return lines;
}

async function deployments(aws: AwsClient): Promise<string[]> {
  const { deployments: ids } = (await aws('codedeploy', 'ListDeployments', {})) as { deployments?: readonly string[] };
  if (ids === undefined || ids.length === 0) return ['no deployments'];
  const lines: string[] = [];
  for (const [index, deploymentId] of ids.slice(0, 10).entries()) {
    const { deploymentInfo: info } = (await aws('codedeploy', 'GetDeployment', { deploymentId })) as {
      deploymentInfo: {
        status: string;
        applicationName: string;
        deploymentGroupName: string;
        errorInformation?: { code: string; message?: string };
        deploymentStatusMessages?: readonly string[];
      };
    };
    const target = info.status === 'InProgress' ? await progress(aws, deploymentId) : '';
    lines.push(
      `${mark(info.status)} ${deploymentId}  ${info.applicationName}/${info.deploymentGroupName}  ${info.status} ${info.errorInformation?.code ?? target}`,
    );
    // What is over and followed by another is history.
    if (index > 0 && info.status !== 'InProgress') continue;
    const said = [info.deploymentStatusMessages ?? [], info.errorInformation?.message ?? []].flat();
    for (const message of said) lines.push(`    ! ${message.split('\n', 1)[0]}`);
  }
  return lines;
}

async function progress(aws: AwsClient, deploymentId: string): Promise<string> {
  const { targetIds } = (await aws('codedeploy', 'ListDeploymentTargets', { deploymentId })) as {
    targetIds?: readonly string[];
  };
  if (targetIds === undefined || targetIds.length === 0) return '';
  const { deploymentTargets } = (await aws('codedeploy', 'BatchGetDeploymentTargets', { deploymentId, targetIds })) as {
    deploymentTargets?: readonly {
      lambdaTarget?: { lambdaFunctionInfo?: { targetVersionWeight?: number; targetVersion?: string } };
    }[];
  };
  const info = deploymentTargets?.[0]?.lambdaTarget?.lambdaFunctionInfo;
  if (info?.targetVersionWeight === undefined) return '';
  const percent = Math.round(info.targetVersionWeight * (info.targetVersionWeight <= 1 ? 100 : 1));
  const filled = Math.round(percent / 5);
  return `[${'#'.repeat(filled)}${'.'.repeat(20 - filled)}] ${percent} % on version ${info.targetVersion}`;
}

function mark(status: string | undefined): string {
  if (status === 'Succeeded') return '✓';
  if (status === 'Failed' || status === 'Stopped') return '✗';
  return status === undefined ? '·' : '▶';
}

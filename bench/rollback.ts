/**
 * From the first failing request to all traffic back on the old version, on the real clock, with an alarm of ten seconds:
 * a metric of one-second resolution that the caller publishes, as a service does with its own.
 */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  CreateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import { PutRolePolicyCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  GetAliasCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import { quantile, type Row } from './measure.ts';

const ALL = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

const ROUNDS = 3;

export async function benchRollback(endpoint: string): Promise<Row[]> {
  const config = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const lambda = new LambdaClient(config);
  const cloudwatch = new CloudWatchClient(config);
  const codedeploy = new CodeDeployClient(config);
  await prepare(config, lambda, cloudwatch, codedeploy);
  const total: number[] = [];
  const untilAlarm: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const seen = await oneRound(lambda, cloudwatch, codedeploy);
    total.push(seen.totalMs / 1000);
    untilAlarm.push(seen.untilAlarmMs / 1000);
  }
  const [all, alarm] = [quantile(total, 0.5), quantile(untilAlarm, 0.5)];
  return [
    {
      name: 'fault to rollback, real clock, 10 s alarm period',
      unit: 's',
      value: all,
      note: `${ROUNDS} rounds: ${total.map((s) => s.toFixed(1)).join(', ')}`,
    },
    {
      name: '  of it, until the alarm is in ALARM',
      unit: 's',
      value: alarm,
      note: 'metric published each second, the rest of the period, evaluation',
    },
    { name: '  of it, from ALARM to the traffic being back', unit: 's', value: all - alarm },
  ];
}

async function oneRound(
  lambda: LambdaClient,
  cloudwatch: CloudWatchClient,
  codedeploy: CodeDeployClient,
): Promise<{ totalMs: number; untilAlarmMs: number }> {
  await until(cloudwatch, 'OK');
  const content = JSON.stringify({
    version: 0.0,
    Resources: [
      {
        f: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name: 'rollback', Alias: 'live', CurrentVersion: '1', TargetVersion: '2' },
        },
      },
    ],
  });
  await codedeploy.send(
    new CreateDeploymentCommand({
      applicationName: 'rollback',
      deploymentGroupName: 'rollback',
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
    }),
  );
  let faultAt: number | undefined;
  let alarmAt: number | undefined;
  let errors = 0;
  let publishedAt = 0;
  for (;;) {
    const answer = await lambda.send(new InvokeCommand({ FunctionName: 'rollback', Qualifier: 'live', Payload: '{}' }));
    if (answer.FunctionError !== undefined) {
      faultAt ??= performance.now();
      errors += 1;
    }
    if (performance.now() - publishedAt >= 1_000) {
      publishedAt = performance.now();
      await cloudwatch.send(
        new PutMetricDataCommand({
          Namespace: 'Bench',
          MetricData: [{ MetricName: 'Errors', Value: errors, StorageResolution: 1 }],
        }),
      );
      errors = 0;
    }
    if (alarmAt === undefined && (await state(cloudwatch)) === 'ALARM') alarmAt = performance.now();
    if (faultAt !== undefined && alarmAt !== undefined) {
      const { RoutingConfig, FunctionVersion } = await lambda.send(
        new GetAliasCommand({ FunctionName: 'rollback', Name: 'live' }),
      );
      if (FunctionVersion === '1' && Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {}).length === 0) {
        return { totalMs: performance.now() - faultAt, untilAlarmMs: alarmAt - faultAt };
      }
    }
    if (faultAt !== undefined && performance.now() - faultAt > 90_000) throw new Error('no rollback within 90 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function state(cloudwatch: CloudWatchClient): Promise<string | undefined> {
  return (await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: ['rollback'] }))).MetricAlarms?.[0]?.StateValue;
}

async function until(cloudwatch: CloudWatchClient, wanted: string): Promise<void> {
  const deadline = performance.now() + 120_000;
  while ((await state(cloudwatch)) !== wanted) {
    if (performance.now() > deadline) throw new Error(`the alarm never became ${wanted}`);
    await cloudwatch.send(
      new PutMetricDataCommand({
        Namespace: 'Bench',
        MetricData: [{ MetricName: 'Errors', Value: 0, StorageResolution: 1 }],
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function prepare(
  config: ConstructorParameters<typeof IAMClient>[0] & object,
  lambda: LambdaClient,
  cloudwatch: CloudWatchClient,
  codedeploy: CodeDeployClient,
): Promise<void> {
  const iam = new IAMClient(config);
  const role = async (name: string, service: string): Promise<string | undefined> => {
    const trust = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
    });
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust }));
    await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: 'all', PolicyDocument: ALL }));
    return Role?.Arn;
  };
  const zip = async (code: string): Promise<Buffer> => {
    const file = new ZipFile();
    file.addBuffer(Buffer.from(code), 'index.mjs');
    file.end();
    const chunks: Buffer[] = [];
    for await (const chunk of file.outputStream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const good = await zip('export async function handler() { return 1; }\n');
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'rollback',
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Role: await role('rollback-function', 'lambda.amazonaws.com'),
      Code: { ZipFile: good },
    }),
  );
  await lambda.send(new PublishVersionCommand({ FunctionName: 'rollback' }));
  await lambda.send(
    new UpdateFunctionCodeCommand({
      FunctionName: 'rollback',
      ZipFile: await zip("export async function handler() { throw new Error('bad'); }\n"),
      Publish: true,
    }),
  );
  await lambda.send(new CreateAliasCommand({ FunctionName: 'rollback', Name: 'live', FunctionVersion: '1' }));
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: 'rollback',
      Namespace: 'Bench',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 10,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    }),
  );
  await codedeploy.send(new CreateApplicationCommand({ applicationName: 'rollback', computePlatform: 'Lambda' }));
  await codedeploy.send(
    new CreateDeploymentGroupCommand({
      applicationName: 'rollback',
      deploymentGroupName: 'rollback',
      serviceRoleArn: await role('rollback-deploy', 'codedeploy.amazonaws.com'),
      deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      alarmConfiguration: { enabled: true, alarms: [{ name: 'rollback' }] },
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_STOP_ON_ALARM'] },
    }),
  );
}
